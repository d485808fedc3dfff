using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>flock(2): a lock on an open file description, dropped by the kernel when its last descriptor goes, at death too.</summary>
internal static partial class Flock
{
    public const int LOCK_EX = 2;
    public const int LOCK_NB = 4;
    public const int LOCK_UN = 8;

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int sys_flock(int fd, int operation);

    /// <summary>Begun again on EINTR. EAGAIN (EWOULDBLOCK): somebody else holds it.</summary>
    public static SysResult flock(int fd, int operation)
    {
        while (true)
        {
            SysResult r = SysResult.From(sys_flock(fd, operation));
            if (r.Errno != Errno.EINTR)
                return r;
        }
    }
}
