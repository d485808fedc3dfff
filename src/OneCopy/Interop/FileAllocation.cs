using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>fallocate(2) on plain descriptors.</summary>
internal static partial class FileAllocation
{
    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int sys_fallocate(int fd, int mode, long offset, long length);

    /// <summary>Allocates, and makes the file longer where it must. Begun again on EINTR. EOPNOTSUPP: this file system cannot.</summary>
    public static SysResult fallocate(int fd, long offset, long length)
    {
        while (true)
        {
            SysResult r = SysResult.From(sys_fallocate(fd, 0, offset, length));
            if (r.Errno != Errno.EINTR)
                return r;
        }
    }
}
