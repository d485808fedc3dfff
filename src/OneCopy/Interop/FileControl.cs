using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>fcntl(2) and ftruncate(2): what a descriptor and its open file are like.</summary>
/// <remarks>fcntl is variadic in C; on x86-64 and arm64 Linux, variadic integers and pointers travel in the same registers as fixed ones.</remarks>
internal static partial class FileControl
{
    public const int F_GETFD = 1;
    public const int F_SETFD = 2;
    public const int F_GETFL = 3;
    public const int F_DUPFD = 0;
    public const int F_DUPFD_CLOEXEC = 1030;
    public const int F_ADD_SEALS = 1033;
    public const int F_GET_SEALS = 1034;
    public const int FD_CLOEXEC = 1;
    public const int O_ACCMODE = 3;

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int sys_fcntl(int fd, int command, nint argument);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    private static partial int sys_ftruncate(int fd, long length);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int sys_fallocate(int fd, int mode, long offset, long length);

    /// <summary>fallocate: the file keeps its length; blocks behind the end are its own from then on.</summary>
    public const int FALLOC_FL_KEEP_SIZE = 1;

    public static SysResult fcntl(int fd, int command, nint argument = 0) => SysResult.From(sys_fcntl(fd, command, argument));

    /// <summary>Begun again on EINTR.</summary>
    public static SysResult ftruncate(int fd, long length)
    {
        while (true)
        {
            SysResult r = SysResult.From(sys_ftruncate(fd, length));
            if (r.Errno != Errno.EINTR)
                return r;
        }
    }

    /// <summary>Begun again on EINTR.</summary>
    public static SysResult fallocate(int fd, int mode, long offset, long length)
    {
        while (true)
        {
            SysResult r = SysResult.From(sys_fallocate(fd, mode, offset, length));
            if (r.Errno != Errno.EINTR)
                return r;
        }
    }
}
