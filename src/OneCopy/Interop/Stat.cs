using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>struct statx_timestamp of statx(2).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct statx_timestamp
{
    public long tv_sec;
    public uint tv_nsec;
    public int __reserved;
}

/// <summary>struct statx of statx(2): unlike struct stat, one layout on every architecture.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct statx
{
    public uint stx_mask;
    public uint stx_blksize;
    public ulong stx_attributes;
    public uint stx_nlink;
    public uint stx_uid;
    public uint stx_gid;
    public ushort stx_mode;
    public ushort __spare0;
    public ulong stx_ino;
    public ulong stx_size;
    public ulong stx_blocks;
    public ulong stx_attributes_mask;
    public statx_timestamp stx_atime;
    public statx_timestamp stx_btime;
    public statx_timestamp stx_ctime;
    public statx_timestamp stx_mtime;
    public uint stx_rdev_major;
    public uint stx_rdev_minor;
    public uint stx_dev_major;
    public uint stx_dev_minor;
    public fixed ulong __spare2[14];
}

/// <summary>sys/stat.h: what a file is and whose.</summary>
internal static unsafe partial class Stat
{
    public const int AT_EMPTY_PATH = 0x1000;
    public const int AT_SYMLINK_NOFOLLOW = 0x100;
    public const uint STATX_BASIC_STATS = 0x7ff;
    public const ushort S_IFMT = 0xf000;
    public const ushort S_IFDIR = 0x4000;
    public const ushort S_IFREG = 0x8000;

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sys_statx(int directory, string path, int flags, uint mask, statx* buffer);

    public static SysResult Of(string path, out statx status, bool followLinks = true)
    {
        fixed (statx* p = &status)
            return SysResult.From(sys_statx(Fcntl.AT_FDCWD, path, followLinks ? 0 : AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, p));
    }

    public static SysResult Of(int fd, out statx status)
    {
        fixed (statx* p = &status)
            return SysResult.From(sys_statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, p));
    }
}
