namespace OneCopy.Interop;

/// <summary>S_IF* and the mode bits of inode(7) that are nobody's permission, beside those of <see cref="Stat"/> and <see cref="Permissions"/>.</summary>
internal static class FileKind
{
    public const ushort S_IFIFO = 0x1000;
    public const ushort S_IFCHR = 0x2000;
    public const ushort S_IFBLK = 0x6000;
    public const ushort S_IFLNK = 0xa000;
    public const ushort S_IFSOCK = 0xc000;
    public const uint S_ISUID = 0x800;
    public const int O_PATH = 0x200000;

    /// <summary>With the bits of O_DIRECTORY, as in C.</summary>
    public static readonly int O_TMPFILE = 0x400000 | OpenFlags.O_DIRECTORY;
}
