using OneCopy.Interop;

namespace OneCopy;

/// <summary>What kind of file system an open file is on.</summary>
internal static class FileSystem
{
    /// <summary>The name in /proc/filesystems, for the kinds that are met; the magic number of another.</summary>
    public static string NameOf(int fd) => MagicOf(fd) switch
    {
        0xEF53 => "ext4",
        0x01021994 => "tmpfs",
        0x9123683E => "btrfs",
        0x58465342 => "xfs",
        0x794C7630 => "overlay",
        0x6969 => "nfs",
        0xFF534D42 or 0xFE534D42 => "cifs",
        0x65735546 => "fuse",
        0x9FA0 => "proc",
        0x62656572 => "sysfs",
        0x958458F6 => "hugetlbfs",
        0xF2F52010 => "f2fs",
        0x2FC12FC1 => "zfs",
        0xCA451A4E => "bcachefs",
        0x4D44 => "vfat",
        0x2011BAB0 => "exfat",
        0x73717368 => "squashfs",
        0xE0F5E1E2 => "erofs",
        long magic => $"0x{magic:x}",
    };

    /// <summary>Kinds that share extents between files, most of the time (of xfs, those made with reflink=1); an overlay or a server may, too.</summary>
    public static bool MayClone(int fd) => NameOf(fd) is "btrfs" or "xfs" or "bcachefs" or "zfs" or "nfs" or "cifs" or "overlay";

    public static ulong IdOf(int fd) => Stat.Of(fd, out statx status).Succeeded ? ((ulong)status.stx_dev_major << 32) | status.stx_dev_minor : 0;

    private static long MagicOf(int fd) => Statfs.fstatfs(fd, out statfs status).Succeeded ? status.f_type : 0;
}
