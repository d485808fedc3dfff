using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>struct file_clone_range of ioctl_ficlonerange(2).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct file_clone_range
{
    public long src_fd;
    public ulong src_offset;
    public ulong src_length;
    public ulong dest_offset;
}

/// <summary>copy_file_range(2) and ioctl_ficlone(2): the kernel moves bytes, or shares them, between two files.</summary>
internal static unsafe partial class CopyFileRange
{
    public const uint FICLONE = 0x40049409;
    public const uint FICLONERANGE = 0x4020940d;

    [LibraryImport("libc", EntryPoint = "copy_file_range", SetLastError = true)]
    private static partial nint sys_copy_file_range(int from, long* fromOffset, int to, long* toOffset, nuint length, uint flags);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int sys_ioctl(int fd, nuint request, nint argument);

    /// <summary>At offsets of the caller's, so that the positions of the descriptors stay. May fall short; EINTR is handed on.</summary>
    public static SysResult copy_file_range(int from, long fromOffset, int to, long toOffset, nuint length) =>
        SysResult.From(sys_copy_file_range(from, &fromOffset, to, &toOffset, length, 0));

    /// <summary>The whole file. EINTR is handed on. ioctl is variadic in C; its third argument travels as a fixed one does on both targets.</summary>
    public static SysResult ficlone(int from, int to) => SysResult.From(sys_ioctl(to, FICLONE, from));
}
