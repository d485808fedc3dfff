using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>struct iovec of readv(2): one piece of memory, in this process or, for the process_vm calls, in another.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct iovec
{
    public nuint iov_base;
    public nuint iov_len;

    public iovec(nuint address, nuint length)
    {
        iov_base = address;
        iov_len = length;
    }
}

/// <summary>RWF_* of preadv2(2).</summary>
[Flags]
internal enum Rwf
{
    None = 0,
    HiPri = 0x01,
    DSync = 0x02,
    Sync = 0x04,
    NoWait = 0x08,
    Append = 0x10,
    NoAppend = 0x20,
    Atomic = 0x40,
    DontCache = 0x80,
}

/// <summary>sys/uio.h: readv(2) and its kin, process_vm_readv(2) and process_vm_writev(2).</summary>
internal static unsafe partial class Uio
{
    /// <summary>The most segments in one call (limits.h, UIO_MAXIOV in the kernel); one more is EINVAL.</summary>
    public const int IOV_MAX = 1024;

    /// <summary>The most bytes one call moves: MAX_RW_COUNT of the kernel, 2 GiB less one page.</summary>
    public const long MaxBytesPerCall = 0x7ffff000;

    [LibraryImport("libc", EntryPoint = "process_vm_readv", SetLastError = true)]
    private static partial nint sys_process_vm_readv(int pid, iovec* local, nuint localCount, iovec* remote, nuint remoteCount, nuint flags);

    [LibraryImport("libc", EntryPoint = "process_vm_writev", SetLastError = true)]
    private static partial nint sys_process_vm_writev(int pid, iovec* local, nuint localCount, iovec* remote, nuint remoteCount, nuint flags);

    [LibraryImport("libc", EntryPoint = "readv", SetLastError = true)]
    private static partial nint sys_readv(int fd, iovec* segments, int count);

    [LibraryImport("libc", EntryPoint = "writev", SetLastError = true)]
    private static partial nint sys_writev(int fd, iovec* segments, int count);

    [LibraryImport("libc", EntryPoint = "preadv", SetLastError = true)]
    private static partial nint sys_preadv(int fd, iovec* segments, int count, long offset);

    [LibraryImport("libc", EntryPoint = "pwritev", SetLastError = true)]
    private static partial nint sys_pwritev(int fd, iovec* segments, int count, long offset);

    [LibraryImport("libc", EntryPoint = "preadv2", SetLastError = true)]
    private static partial nint sys_preadv2(int fd, iovec* segments, int count, long offset, int flags);

    [LibraryImport("libc", EntryPoint = "pwritev2", SetLastError = true)]
    private static partial nint sys_pwritev2(int fd, iovec* segments, int count, long offset, int flags);

    // All six: the count may fall short; EINTR is handed on.
    public static SysResult readv(int fd, iovec* segments, int count) => SysResult.From(sys_readv(fd, segments, count));

    public static SysResult writev(int fd, iovec* segments, int count) => SysResult.From(sys_writev(fd, segments, count));

    public static SysResult preadv(int fd, iovec* segments, int count, long offset) => SysResult.From(sys_preadv(fd, segments, count, offset));

    public static SysResult pwritev(int fd, iovec* segments, int count, long offset) => SysResult.From(sys_pwritev(fd, segments, count, offset));

    /// <summary>Offset -1: at the file's own position, which moves. The C library itself falls back to preadv where the kernel has no preadv2 and no flag is given.</summary>
    public static SysResult preadv2(int fd, iovec* segments, int count, long offset, Rwf flags) =>
        SysResult.From(sys_preadv2(fd, segments, count, offset, (int)flags));

    /// <summary>As <see cref="preadv2"/>.</summary>
    public static SysResult pwritev2(int fd, iovec* segments, int count, long offset, Rwf flags) =>
        SysResult.From(sys_pwritev2(fd, segments, count, offset, (int)flags));

    /// <summary>
    /// Copies from <paramref name="remote"/> in process <paramref name="pid"/> to <paramref name="local"/>. The count may fall
    /// short, cut at a page inside a segment; EFAULT only if nothing was copied. Never EINTR: only a fatal signal breaks it.
    /// </summary>
    public static SysResult process_vm_readv(int pid, iovec* local, int localCount, iovec* remote, int remoteCount) =>
        SysResult.From(sys_process_vm_readv(pid, local, (nuint)localCount, remote, (nuint)remoteCount, 0));

    /// <summary>The other direction: from <paramref name="local"/> into process <paramref name="pid"/>.</summary>
    public static SysResult process_vm_writev(int pid, iovec* local, int localCount, iovec* remote, int remoteCount) =>
        SysResult.From(sys_process_vm_writev(pid, local, (nuint)localCount, remote, (nuint)remoteCount, 0));
}
