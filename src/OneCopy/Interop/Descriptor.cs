using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>What is asked of an open descriptor besides moving bytes: fcntl(2), fsync(2), posix_fadvise(2).</summary>
internal static partial class Descriptor
{
    public const int F_GETFL = 3;
    public const int F_DUPFD_CLOEXEC = 1030;
    public const short POLLOUT = 4;
    public const int POSIX_FADV_DONTNEED = 4;

    // Variadic in C: see Syscall for why that does not matter here.
    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int sys_fcntl(int fd, int command, nint argument);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int sys_close(int fd);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int sys_fsync(int fd);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int sys_fdatasync(int fd);

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int sys_posix_fadvise(int fd, long offset, long length, int advice);

    public static bool IsNonBlocking(int fd) => (SysResult.From(sys_fcntl(fd, F_GETFL, 0)).Value & OpenFlags.O_NONBLOCK) != 0;

    /// <summary>Another number for the same open file, closed at exec.</summary>
    public static SysResult Duplicate(int fd) => SysResult.From(sys_fcntl(fd, F_DUPFD_CLOEXEC, 0));

    public static SysResult close(int fd) => SysResult.From(sys_close(fd));

    /// <summary>Begun again on EINTR, as the next.</summary>
    public static SysResult fsync(int fd)
    {
        SysResult r;
        while ((r = SysResult.From(sys_fsync(fd))).Errno == Errno.EINTR)
        {
        }
        return r;
    }

    public static SysResult fdatasync(int fd)
    {
        SysResult r;
        while ((r = SysResult.From(sys_fdatasync(fd))).Errno == Errno.EINTR)
        {
        }
        return r;
    }

    /// <summary>Returns the errno itself, not through errno(3).</summary>
    public static SysResult posix_fadvise(int fd, long offset, long length, int advice) =>
        sys_posix_fadvise(fd, offset, length, advice) is int errno and not 0 ? SysResult.Failed(errno) : SysResult.Ok();
}
