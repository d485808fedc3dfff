using OneCopy.Interop;
using OneCopy.Memory;

namespace OneCopy;

internal partial struct VectoredRequest
{
    private readonly string Subject => DescriptorName.Of(Fd);

    private readonly string CallName => (_direction, _flags, IsPositioned) switch
    {
        (TransferDirection.Read, Rwf.None, false) => "readv",
        (TransferDirection.Read, Rwf.None, true) => "preadv",
        (TransferDirection.Read, _, _) => "preadv2",
        (_, Rwf.None, false) => "writev",
        (_, Rwf.None, true) => "pwritev",
        _ => "pwritev2",
    };

    /// <summary>The exception for an errno that nothing can be done about here.</summary>
    public readonly VectoredIOException Failure(int errno)
    {
        VectoredFlags missing = errno is Errno.EOPNOTSUPP or Errno.ENOSYS ? MissingFlags() : VectoredFlags.None;
        string? advice = missing != VectoredFlags.None ? AdviceFor(missing) : AdviceFor(errno);
        return Exception(errno, advice);
    }

    /// <summary>0 bytes while some are left: the end for a read. For a write it would be met again and again.</summary>
    public readonly IOException NoProgress() => _direction == TransferDirection.Read
        ? new ShortReadException(Subject, Done)
        : Exception(0, "The call took none of the bytes and gave no reason: what is written to does not take any more.");

    public static ArgumentException NotOneCall() =>
        new($"Atomic holds for one call: at most {Uio.IOV_MAX} buffers and {Uio.MaxBytesPerCall} bytes.", "buffers");

    private readonly VectoredIOException Exception(int errno, string? advice)
    {
        string where = IsPositioned ? $", at offset {Offset}" : "";
        string after = Done == 0 ? "" : $", after {Done} bytes of the request";
        return new VectoredIOException(CallName, errno, Subject + where + after, advice, Done, IsPositioned ? Offset : null);
    }

    private readonly string AdviceFor(VectoredFlags missing)
    {
        string system = DescriptorName.FileSystemOf(Fd);
        string action = _direction == TransferDirection.Read ? "reading" : "writing";
        VectoredFallback remedy = VectoredFallback.None;
        foreach (VectoredFallback each in (ReadOnlySpan<VectoredFallback>)
            [VectoredFallback.WithoutPriority, VectoredFallback.SyncAfterwards, VectoredFallback.Wait, VectoredFallback.DropFromCache])
        {
            if ((missing & Permitted(each)) != VectoredFlags.None)
                remedy |= each;
        }
        string permit = (missing & ~Permitted(remedy)) == VectoredFlags.None ? $", or permit VectoredFallback.{remedy}" : ": nothing else does the same";
        return $"The flag {missing} is not known to {system} for {action} (kernel {Environment.OSVersion.Version}). Leave it out{permit}.";
    }

    private readonly string? AdviceFor(int errno) => errno switch
    {
        Errno.EAGAIN when !_mayWait => "Nothing could be done without waiting: leave NoWait out to wait.",
        Errno.EAGAIN => "The time-out that is set on the socket has passed.",
        Errno.EBADF => _direction == TransferDirection.Read ? "It is not open for reading." : "It is not open for writing.",
        Errno.EDQUOT => "The user's quota on this file system is used up.",
        Errno.EFAULT => "One of the segments is not this process's memory, or may not be used that way.",
        Errno.EFBIG => "The file may not become as long: the file system's limit, or that of the process (ulimit -f, RLIMIT_FSIZE).",
        Errno.EINVAL when (_flags & Rwf.Atomic) != Rwf.None => "An atomic write needs O_DIRECT, one buffer, and a length and offset that the file permits (statx, stx_atomic_write_unit_max).",
        Errno.EINVAL => "The file cannot be used that way; one that is open with O_DIRECT needs buffers, lengths and offsets that are aligned to its blocks.",
        Errno.EIO => "The device or the terminal failed.",
        Errno.EISDIR => "It is a directory.",
        Errno.ENOSPC => "The file system is full: make room and write the rest.",
        Errno.EPIPE => "The reading end is closed: nobody will take the bytes.",
        Errno.ESPIPE => "It has no offsets (a pipe, a socket, a terminal): use the form without an offset.",
        Errno.EPERM => "The file is sealed, immutable or append-only.",
        _ => null,
    };
}
