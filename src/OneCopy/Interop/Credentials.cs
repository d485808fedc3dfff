using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>setresuid(2) and its kin. The C library's functions change all threads of the process, the system calls only one.</summary>
internal static unsafe partial class Credentials
{
    [LibraryImport("libc", EntryPoint = "setresuid", SetLastError = true)]
    private static partial int sys_setresuid(uint real, uint effective, uint saved);

    [LibraryImport("libc", EntryPoint = "setresgid", SetLastError = true)]
    private static partial int sys_setresgid(uint real, uint effective, uint saved);

    [LibraryImport("libc", EntryPoint = "setgroups", SetLastError = true)]
    private static partial int sys_setgroups(nuint count, uint* groups);

    public static SysResult setresuid(uint real, uint effective, uint saved) => SysResult.From(sys_setresuid(real, effective, saved));

    public static SysResult setresgid(uint real, uint effective, uint saved) => SysResult.From(sys_setresgid(real, effective, saved));

    /// <summary>Gives up every supplementary group.</summary>
    public static SysResult setgroups() => SysResult.From(sys_setgroups(0, null));

    /// <summary>One supplementary group, and no other.</summary>
    public static SysResult setgroups(uint group) => SysResult.From(sys_setgroups(1, &group));
}
