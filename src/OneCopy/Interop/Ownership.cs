using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>chown(2), of both.</summary>
internal static partial class Ownership
{
    [LibraryImport("libc", EntryPoint = "fchown", SetLastError = true)]
    private static partial int sys_fchown(int fd, uint owner, uint group);

    /// <summary><see cref="uint.MaxValue"/>: stays as it is.</summary>
    public static SysResult fchown(int fd, uint owner, uint group) => SysResult.From(sys_fchown(fd, owner, group));
}
