using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;
using OneCopy.Memory;

namespace OneCopy;

/// <summary>
/// Asks the kernel which flags an open file knows, without moving a byte. A call without bytes does not do: the kernel looks at no flag
/// then. A read behind the largest offset of any file does, and finds nothing there.
/// </summary>
/// <remarks>
/// Never a write that could succeed, not even from an address where there is no memory: it fails, but the file is then as long as the offset
/// at which it began (ext4 and tmpfs, seen on Linux 6.18). Flags of writes are those that reads of the same file know: the kernel decides on them
/// before it knows which of the two it does. The two exceptions are below.
/// </remarks>
internal static unsafe class VectoredFlagProbe
{
    private const long BehindEveryFile = long.MaxValue - 16;

    /// <summary>No program has memory at this address.</summary>
    private const nuint Nowhere = 8;

    private const int S_IFIFO = 0x1000;
    private const int S_IFCHR = 0x2000;
    private const int S_IFSOCK = 0xc000;

    /// <summary>The flags that the kernel carries out or hands on without asking what kind of file it is.</summary>
    private static readonly VectoredFlags s_ofKernel = FindKernelFlags();

    public static VectoredFlags Of(int fd, TransferDirection direction)
    {
        if (IsStream(fd, out int kind))
            return OfStream(fd, kind, direction);
        return direction == TransferDirection.Read ? OfReads(fd) : OfWrites(fd);
    }

    /// <summary>A pipe, a socket, a terminal: where O_NONBLOCK has a meaning.</summary>
    public static bool IsStream(int fd) => IsStream(fd, out _);

    private static bool IsStream(int fd, out int kind)
    {
        kind = Stat.Of(fd, out statx status).Succeeded ? status.stx_mode & Stat.S_IFMT : 0;
        return kind is S_IFIFO or S_IFSOCK or S_IFCHR or 0;
    }

    private static VectoredFlags OfReads(int fd)
    {
        VectoredFlags known = VectoredFlags.None;
        for (VectoredFlags flag = VectoredFlags.HighPriority; flag <= VectoredFlags.DontCache; flag = (VectoredFlags)((int)flag << 1))
        {
            if (Accepts(fd, TransferDirection.Read, BehindEveryFile, (Rwf)flag))
                known |= flag;
        }
        return known;
    }

    /// <summary>
    /// NoWait is left to the file system, and only a write that takes place would tell: it counts as unknown. Atomic is for writes alone, and files that know
    /// it refuse three bytes (no power of two) before anything else.
    /// </summary>
    private static VectoredFlags OfWrites(int fd)
    {
        VectoredFlags known = OfReads(fd);
        if (known == VectoredFlags.None && Fcntl.open($"/proc/self/fd/{fd}", OpenFlags.O_RDONLY) is { Succeeded: true } opened)
        {
            using SafeFileHandle readable = SafeFd.Of(opened); // The handle itself is not open for reading.
            known = OfReads(readable.Fd());
        }
        known &= ~VectoredFlags.NoWait;
        return Accepts(fd, TransferDirection.Write, BehindEveryFile, Rwf.Atomic) ? known | VectoredFlags.Atomic : known;
    }

    /// <summary>
    /// Pipes, sockets, terminals and other devices: nothing of the cache, nothing atomic; NoWait is asked for. Without memory to
    /// move bytes to, a pipe keeps them. A datagram would be lost, so sockets are asked by a write.
    /// </summary>
    private static VectoredFlags OfStream(int fd, int kind, TransferDirection direction) =>
        s_ofKernel | (Accepts(fd, kind == S_IFSOCK ? TransferDirection.Write : direction, VectoredRequest.AtPosition, Rwf.NoWait) ? VectoredFlags.NoWait : VectoredFlags.None);

    private static bool Accepts(int fd, TransferDirection direction, long offset, Rwf flags)
    {
        iovec nowhere = new(Nowhere, 3);
        SysResult result = direction == TransferDirection.Read
            ? Uio.preadv2(fd, &nowhere, 1, offset, flags)
            : Uio.pwritev2(fd, &nowhere, 1, offset, flags);
        return result.Errno is not (Errno.EOPNOTSUPP or Errno.ENOSYS or Errno.EBADF);
    }

    /// <summary>Asked once, of a file that every process has: the program that it runs.</summary>
    private static VectoredFlags FindKernelFlags()
    {
        using SafeFileHandle file = SafeFd.Open("/proc/self/exe", OpenFlags.O_RDONLY);
        return OfReads(file.Fd()) & (VectoredFlags.HighPriority | VectoredFlags.DataSync | VectoredFlags.Sync | VectoredFlags.Append | VectoredFlags.NoAppend);
    }
}
