using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>struct flock of fcntl(2).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct flock
{
    public short l_type;
    public short l_whence;
    public long l_start;
    public long l_len;
    public int l_pid;
}

/// <summary>Locks of fcntl(2) that belong to an open file description, on a range of its bytes; dropped by the kernel when its last descriptor goes.</summary>
internal static unsafe class OpenFileLock
{
    public const short F_WRLCK = 1;
    public const short F_UNLCK = 2;
    public const int F_OFD_SETLKW = 38;

    /// <summary>Waits for the lock of one byte. Begun again on EINTR. EINVAL, ENOLCK and others: this file system has no such locks.</summary>
    public static SysResult Take(int fd, long at)
    {
        while (true)
        {
            SysResult r = Set(fd, at, F_WRLCK);
            if (r.Errno != Errno.EINTR)
                return r;
        }
    }

    public static SysResult Release(int fd, long at) => Set(fd, at, F_UNLCK);

    private static SysResult Set(int fd, long at, short type)
    {
        flock range = new() { l_type = type, l_start = at, l_len = 1 };
        return Descriptor.fcntl(fd, F_OFD_SETLKW, (nint)(&range));
    }
}
