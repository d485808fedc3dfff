using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>fcntl(2) and close(2): what is asked of a descriptor and its open file besides moving bytes.</summary>
internal static partial class Descriptor
{
    public const int F_DUPFD = 0;
    public const int F_GETFD = 1;
    public const int F_SETFD = 2;
    public const int F_GETFL = 3;
    public const int F_DUPFD_CLOEXEC = 1030;
    public const int F_ADD_SEALS = 1033;
    public const int F_GET_SEALS = 1034;
    public const int FD_CLOEXEC = 1;
    public const int O_ACCMODE = 3;

    // Variadic in C: see Syscall for why that does not matter here.
    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int sys_fcntl(int fd, int command, nint argument);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int sys_close(int fd);

    public static SysResult fcntl(int fd, int command, nint argument = 0) => SysResult.From(sys_fcntl(fd, command, argument));

    public static bool IsNonBlocking(int fd) => (fcntl(fd, F_GETFL).Value & OpenFlags.O_NONBLOCK) != 0;

    /// <summary>Another number for the same open file, closed at exec.</summary>
    public static SysResult Duplicate(int fd) => fcntl(fd, F_DUPFD_CLOEXEC);

    /// <summary>The descriptor is gone whatever is returned, after EINTR too: never called again. Network file systems say here that a write failed.</summary>
    public static SysResult close(int fd)
    {
        SysResult r = SysResult.From(sys_close(fd));
        return r.Errno == Errno.EINTR ? SysResult.Ok() : r;
    }
}
