using OneCopy.Interop;
using OneCopy.Memory;

namespace OneCopy;

/// <summary>
/// Asks the kernel which flags an open file knows, without moving a byte. A call without bytes does not do: the kernel looks at no flag
/// then. The call that asks has one byte, at an address where no program has memory, and at an offset behind every file's
/// largest: flags are looked at before both.
/// </summary>
internal static unsafe class VectoredFlagProbe
{
    /// <summary>What a file can be written to no further than (EFBIG before anything is touched); + 1 is still no overflow.</summary>
    private const long BeyondEveryFile = long.MaxValue - 1;
    private const nuint NoMemory = 8;
    private const int S_IFIFO = 0x1000;
    private const int S_IFCHR = 0x2000;
    private const int S_IFSOCK = 0xc000;

    /// <summary>The flags whose meaning the kernel itself carries out or hands on: the file has no say.</summary>
    private const VectoredFlags OfKernel = VectoredFlags.HighPriority | VectoredFlags.DataSync | VectoredFlags.Sync | VectoredFlags.Append | VectoredFlags.NoAppend;

    private static readonly VectoredFlags s_ofKernel = FindKernelFlags();

    public static VectoredFlags Of(int fd, TransferDirection direction)
    {
        int kind = Stat.Of(fd, out statx status).Succeeded ? status.stx_mode & Stat.S_IFMT : 0;
        if (kind is S_IFIFO or S_IFSOCK or S_IFCHR or 0)
            return OfStream(fd, kind, direction);
        if (direction == TransferDirection.Write)
            return OfWrites(fd);
        VectoredFlags known = VectoredFlags.None;
        for (VectoredFlags flag = VectoredFlags.HighPriority; flag <= VectoredFlags.DontCache; flag = (VectoredFlags)((int)flag << 1))
        {
            if (Accepts(fd, TransferDirection.Read, BeyondEveryFile, (Rwf)flag))
                known |= flag;
        }
        return known;
    }

    /// <summary>
    /// A write behind the process's own limit of file sizes raises SIGXFSZ, which ends a process; where there is such a limit, the flags are asked for by
    /// reads, and the two that reads do not answer for count as unknown.
    /// </summary>
    private static VectoredFlags OfWrites(int fd)
    {
        if (!Resource.getrlimit(Resource.RLIMIT_FSIZE, out rlimit limit).Succeeded || limit.rlim_cur != Resource.RLIM_INFINITY)
            return Of(fd, TransferDirection.Read) & ~(VectoredFlags.NoWait | VectoredFlags.Atomic);

        // In a file that only appends, every offset is its end: there NoAppend goes with each flag. Append itself would move the
        // call to the end: it is asked for beside NoAppend, which together are EINVAL for a kernel that knows both.
        Rwf place = (s_ofKernel & VectoredFlags.NoAppend) != VectoredFlags.None ? Rwf.NoAppend : Rwf.None;
        VectoredFlags known = VectoredFlags.None;
        for (VectoredFlags flag = VectoredFlags.HighPriority; flag <= VectoredFlags.DontCache; flag = (VectoredFlags)((int)flag << 1))
        {
            if (flag == VectoredFlags.Append ? (s_ofKernel & flag) != VectoredFlags.None : Accepts(fd, TransferDirection.Write, BeyondEveryFile, (Rwf)flag | place))
                known |= flag;
        }

        // Files without write_iter take HighPriority alone.
        return (known & VectoredFlags.DataSync) == VectoredFlags.None ? known & ~VectoredFlags.Append : known;
    }

    /// <summary>
    /// Pipes, sockets, terminals and other devices: nothing of the cache, nothing atomic; NoWait is asked for. A datagram that is read to nowhere is
    /// lost, so sockets are asked by a write to them, from nowhere.
    /// </summary>
    private static VectoredFlags OfStream(int fd, int kind, TransferDirection direction) =>
        s_ofKernel | (Accepts(fd, kind == S_IFSOCK ? TransferDirection.Write : direction, VectoredRequest.AtPosition, Rwf.NoWait) ? VectoredFlags.NoWait : VectoredFlags.None);

    private static bool Accepts(int fd, TransferDirection direction, long offset, Rwf flags)
    {
        iovec nowhere = new(NoMemory, 1);
        SysResult result = direction == TransferDirection.Read
            ? Uio.preadv2(fd, &nowhere, 1, offset, flags)
            : Uio.pwritev2(fd, &nowhere, 1, offset, flags);
        return result.Errno is not (Errno.EOPNOTSUPP or Errno.ENOSYS or Errno.EBADF);
    }

    /// <summary>Asked once, of a file that every process has: this program's own.</summary>
    private static VectoredFlags FindKernelFlags()
    {
        using Microsoft.Win32.SafeHandles.SafeFileHandle file = SafeFd.Open("/proc/self/exe", OpenFlags.O_RDONLY);
        VectoredFlags known = VectoredFlags.None;
        for (VectoredFlags flag = VectoredFlags.HighPriority; flag <= VectoredFlags.NoAppend; flag = (VectoredFlags)((int)flag << 1))
        {
            if ((flag & OfKernel) != VectoredFlags.None && Accepts(file.Fd(), TransferDirection.Read, BeyondEveryFile, (Rwf)flag))
                known |= flag;
        }
        return known;
    }
}
