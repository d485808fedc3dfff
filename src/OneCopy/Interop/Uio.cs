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

/// <summary>sys/uio.h: process_vm_readv(2) and process_vm_writev(2).</summary>
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
