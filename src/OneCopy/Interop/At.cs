using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>
/// The calls that take a directory and a name in it: a walk through a tree looks up no path twice, and nobody who renames a directory above leads it elsewhere. Names
/// are bytes that end with 0, as the kernel has them: not every name is UTF-8.
/// </summary>
internal static unsafe partial class At
{
    public const int AT_SYMLINK_FOLLOW = 0x400;
    public const int AT_REMOVEDIR = 0x200;

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true)]
    private static partial int sys_openat(int directory, byte* name, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static partial int sys_statx(int directory, byte* name, int flags, uint mask, statx* buffer);

    [LibraryImport("libc", EntryPoint = "mkdirat", SetLastError = true)]
    private static partial int sys_mkdirat(int directory, byte* name, uint mode);

    [LibraryImport("libc", EntryPoint = "mkfifoat", SetLastError = true)]
    private static partial int sys_mkfifoat(int directory, byte* name, uint mode);

    [LibraryImport("libc", EntryPoint = "linkat", SetLastError = true)]
    private static partial int sys_linkat(int fromDirectory, byte* from, int toDirectory, byte* to, int flags);

    [LibraryImport("libc", EntryPoint = "symlinkat", SetLastError = true)]
    private static partial int sys_symlinkat(byte* target, int directory, byte* name);

    [LibraryImport("libc", EntryPoint = "readlinkat", SetLastError = true)]
    private static partial nint sys_readlinkat(int directory, byte* name, byte* buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "renameat2", SetLastError = true)]
    private static partial int sys_renameat2(int fromDirectory, byte* from, int toDirectory, byte* to, uint flags);

    [LibraryImport("libc", EntryPoint = "unlinkat", SetLastError = true)]
    private static partial int sys_unlinkat(int directory, byte* name, int flags);

    [LibraryImport("libc", EntryPoint = "fchownat", SetLastError = true)]
    private static partial int sys_fchownat(int directory, byte* name, uint owner, uint group, int flags);

    [LibraryImport("libc", EntryPoint = "fchmodat", SetLastError = true)]
    private static partial int sys_fchmodat(int directory, byte* name, uint mode, int flags);

    /// <summary>O_CLOEXEC always. EINTR is handed on.</summary>
    public static SysResult openat(int directory, byte* name, int flags, uint mode = 0) =>
        SysResult.From(sys_openat(directory, name, flags | OpenFlags.O_CLOEXEC, mode));

    /// <summary>The link itself, unless it is to be followed.</summary>
    public static SysResult statx(int directory, byte* name, out statx status, bool followLinks = false)
    {
        fixed (statx* p = &status)
            return SysResult.From(sys_statx(directory, name, followLinks ? 0 : Stat.AT_SYMLINK_NOFOLLOW, Stat.STATX_BASIC_STATS, p));
    }

    public static SysResult mkdirat(int directory, byte* name, uint mode) => SysResult.From(sys_mkdirat(directory, name, mode));

    public static SysResult mkfifoat(int directory, byte* name, uint mode) => SysResult.From(sys_mkfifoat(directory, name, mode));

    public static SysResult linkat(int fromDirectory, byte* from, int toDirectory, byte* to, int flags = 0) =>
        SysResult.From(sys_linkat(fromDirectory, from, toDirectory, to, flags));

    public static SysResult symlinkat(byte* target, int directory, byte* name) => SysResult.From(sys_symlinkat(target, directory, name));

    /// <summary>As many bytes as were written, with no 0 behind them; as many as fit, without a word about more.</summary>
    public static SysResult readlinkat(int directory, byte* name, byte* buffer, int size) => SysResult.From(sys_readlinkat(directory, name, buffer, (nuint)size));

    public static SysResult renameat2(int fromDirectory, byte* from, int toDirectory, byte* to, uint flags = 0) =>
        SysResult.From(sys_renameat2(fromDirectory, from, toDirectory, to, flags));

    public static SysResult unlinkat(int directory, byte* name, int flags = 0) => SysResult.From(sys_unlinkat(directory, name, flags));

    /// <summary>Of the link itself.</summary>
    public static SysResult lchownat(int directory, byte* name, uint owner, uint group) =>
        SysResult.From(sys_fchownat(directory, name, owner, group, Stat.AT_SYMLINK_NOFOLLOW));

    public static SysResult fchmodat(int directory, byte* name, uint mode) => SysResult.From(sys_fchmodat(directory, name, mode, 0));
}
