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

    /// <summary>Waits for the lock, but not for ever: anybody who can open a file can hold its lock. EAGAIN: it was not free in time.</summary>
    public static SysResult LockWithin(int fd, TimeSpan time)
    {
        SysResult r = default;
        SpinWait.SpinUntil(() => (r = flock(fd, LOCK_EX | LOCK_NB)).Errno != Errno.EAGAIN, time);
        return r;
    }

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
