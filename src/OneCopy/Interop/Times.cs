using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>utimensat(2).</summary>
internal static unsafe partial class Times
{
    [LibraryImport("libc", EntryPoint = "futimens", SetLastError = true)]
    private static partial int sys_futimens(int fd, timespec* times);

    [LibraryImport("libc", EntryPoint = "utimensat", SetLastError = true)]
    private static partial int sys_utimensat(int directory, byte* path, timespec* times, int flags);

    public static SysResult futimens(int fd, statx_timestamp access, statx_timestamp modification)
    {
        timespec* times = stackalloc timespec[2] { Of(access), Of(modification) };
        return SysResult.From(sys_futimens(fd, times));
    }

    /// <summary>Of the link itself.</summary>
    public static SysResult lutimens(int directory, byte* path, statx_timestamp access, statx_timestamp modification)
    {
        timespec* times = stackalloc timespec[2] { Of(access), Of(modification) };
        return SysResult.From(sys_utimensat(directory, path, times, Stat.AT_SYMLINK_NOFOLLOW));
    }

    private static timespec Of(statx_timestamp time) => new() { tv_sec = time.tv_sec, tv_nsec = time.tv_nsec };
}
