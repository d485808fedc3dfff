using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>POSIX_FADV_* of posix_fadvise(2).</summary>
internal enum Fadvise
{
    Normal = 0,
    Sequential = 2,
    DontNeed = 4,
}

/// <summary>fsync(2), fdatasync(2) and posix_fadvise(2): what of a file is on the medium, and what is cached.</summary>
internal static partial class FileCache
{
    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int sys_fsync(int fd);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int sys_fdatasync(int fd);

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int sys_posix_fadvise(int fd, long offset, long length, int advice);

    /// <summary>Begun again on EINTR.</summary>
    public static SysResult fsync(int fd)
    {
        while (true)
        {
            SysResult r = SysResult.From(sys_fsync(fd));
            if (r.Errno != Errno.EINTR)
                return r;
        }
    }

    /// <summary>Begun again on EINTR.</summary>
    public static SysResult fdatasync(int fd)
    {
        while (true)
        {
            SysResult r = SysResult.From(sys_fdatasync(fd));
            if (r.Errno != Errno.EINTR)
                return r;
        }
    }

    /// <summary>The call returns its errno. Length 0: to the end.</summary>
    public static SysResult posix_fadvise(int fd, long offset, long length, Fadvise advice)
    {
        int errno = sys_posix_fadvise(fd, offset, length, (int)advice);
        return errno == 0 ? SysResult.Ok() : SysResult.Failed(errno);
    }
}
