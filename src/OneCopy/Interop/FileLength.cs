using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>POSIX_FADV_* of posix_fadvise(2).</summary>
internal enum Fadvise
{
    Normal = 0,
    Sequential = 2,
    DontNeed = 4,
}

/// <summary>lseek(2), ftruncate(2) and their kin: where a file has data, how long it is, what of it is cached and what is on the medium.</summary>
internal static partial class FileLength
{
    public const int SEEK_DATA = 3;
    public const int SEEK_HOLE = 4;

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    private static partial long sys_lseek(int fd, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    private static partial int sys_ftruncate(int fd, long length);

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int sys_posix_fadvise(int fd, long offset, long length, int advice);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int sys_fsync(int fd);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int sys_fdatasync(int fd);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int sys_close(int fd);

    /// <summary>ENXIO: there is no data (SEEK_DATA) from here to the end, or the offset is behind the end.</summary>
    public static SysResult lseek(int fd, long offset, int whence) => SysResult.From((nint)sys_lseek(fd, offset, whence));

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

    /// <summary>The call returns its errno. Length 0: to the end.</summary>
    public static SysResult posix_fadvise(int fd, long offset, long length, Fadvise advice)
    {
        int errno = sys_posix_fadvise(fd, offset, length, (int)advice);
        return errno == 0 ? SysResult.Ok() : SysResult.Failed(errno);
    }

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

    /// <summary>The descriptor is gone whatever is returned, after EINTR too: never called again. Network file systems say here that a write failed.</summary>
    public static SysResult close(int fd)
    {
        SysResult r = SysResult.From(sys_close(fd));
        return r.Errno == Errno.EINTR ? SysResult.Ok() : r;
    }
}
