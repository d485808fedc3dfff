using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>struct statfs of statfs(2), alike on x86-64 and arm64.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct statfs
{
    public long f_type;
    public long f_bsize;
    public ulong f_blocks;
    public ulong f_bfree;
    public ulong f_bavail;
    public ulong f_files;
    public ulong f_ffree;
    public long f_fsid;
    public long f_namelen;
    public long f_frsize;
    public long f_flags;
    public fixed long f_spare[4];
}

/// <summary>sys/vfs.h: what kind of file system a file is in.</summary>
internal static unsafe partial class Statfs
{
    public const long HUGETLBFS_MAGIC = 0x958458f6;
    public const long TMPFS_MAGIC = 0x01021994;

    [LibraryImport("libc", EntryPoint = "fstatfs", SetLastError = true)]
    private static partial int sys_fstatfs(int fd, statfs* buffer);

    public static SysResult fstatfs(int fd, out statfs status)
    {
        fixed (statfs* p = &status)
            return SysResult.From(sys_fstatfs(fd, p));
    }
}
