using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>lseek(2), ftruncate(2) and fallocate(2): how long a file is, where it has data, and what it has blocks for.</summary>
internal static partial class FileLength
{
    public const int SEEK_DATA = 3;
    public const int SEEK_HOLE = 4;

    /// <summary>fallocate: the file keeps its length; blocks behind the end are its own from then on.</summary>
    public const int FALLOC_FL_KEEP_SIZE = 1;

    /// <summary>fallocate: gives the blocks back; what is read there is zero. With the length kept.</summary>
    public const int FALLOC_FL_PUNCH_HOLE = 2;

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    private static partial long sys_lseek(int fd, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    private static partial int sys_ftruncate(int fd, long length);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int sys_fallocate(int fd, int mode, long offset, long length);

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

    /// <summary>
    /// Allocates, and makes the file longer where it must: ENOSPC here instead of SIGBUS at the first touch. Begun again on EINTR. EOPNOTSUPP: this file
    /// system cannot.
    /// </summary>
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
