using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>chown(2), chmod(2) and renameat2(2): whose a file is, who may use it, and how it gets its name when it is ready.</summary>
internal static partial class Permissions
{
    /// <summary>renameat2: fail with EEXIST if the name is taken.</summary>
    public const uint RENAME_NOREPLACE = 1;

    public const uint S_ISGID = 0x400;
    public const uint S_IRWXU = 0x1C0;
    public const uint S_IRWXG = 0x38;
    public const uint S_IRWXO = 0x7;
    public const uint S_IXGRP = 0x8;
    public const uint S_IXOTH = 0x1;

    [LibraryImport("libc", EntryPoint = "fchown", SetLastError = true)]
    private static partial int sys_fchown(int fd, uint owner, uint group);

    [LibraryImport("libc", EntryPoint = "fchmod", SetLastError = true)]
    private static partial int sys_fchmod(int fd, uint mode);

    [LibraryImport("libc", EntryPoint = "renameat2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sys_renameat2(int fromDirectory, string from, int toDirectory, string to, uint flags);

    /// <summary>In place of an id that stays: chown(2) takes -1.</summary>
    public const uint Unchanged = uint.MaxValue;

    /// <summary>EPERM: the caller may not give files away, or is not a member of the group. Clears setuid and setgid.</summary>
    public static SysResult fchown(int fd, uint owner, uint group) => SysResult.From(sys_fchown(fd, owner, group));

    /// <summary>As given: the umask has no part in it.</summary>
    public static SysResult fchmod(int fd, uint mode) => SysResult.From(sys_fchmod(fd, mode));

    public static SysResult renameat2(string from, string to, uint flags) =>
        SysResult.From(sys_renameat2(Fcntl.AT_FDCWD, from, Fcntl.AT_FDCWD, to, flags));
}
