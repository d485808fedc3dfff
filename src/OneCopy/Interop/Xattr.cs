using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>xattr(7): extended attributes. Names are bytes that end with 0.</summary>
internal static unsafe partial class Xattr
{
    [LibraryImport("libc", EntryPoint = "flistxattr", SetLastError = true)]
    private static partial nint sys_flistxattr(int fd, byte* list, nuint size);

    [LibraryImport("libc", EntryPoint = "fgetxattr", SetLastError = true)]
    private static partial nint sys_fgetxattr(int fd, byte* name, byte* value, nuint size);

    [LibraryImport("libc", EntryPoint = "fsetxattr", SetLastError = true)]
    private static partial int sys_fsetxattr(int fd, byte* name, byte* value, nuint size, int flags);

    [LibraryImport("libc", EntryPoint = "fremovexattr", SetLastError = true)]
    private static partial int sys_fremovexattr(int fd, byte* name);

    /// <summary>Every name, one 0 after each. ERANGE: they do not fit.</summary>
    public static SysResult flistxattr(int fd, byte* list, int size) => SysResult.From(sys_flistxattr(fd, list, (nuint)size));

    /// <summary>ENODATA: there is no such attribute. ERANGE: its value does not fit.</summary>
    public static SysResult fgetxattr(int fd, byte* name, byte* value, int size) => SysResult.From(sys_fgetxattr(fd, name, value, (nuint)size));

    public static SysResult fsetxattr(int fd, byte* name, byte* value, int size) => SysResult.From(sys_fsetxattr(fd, name, value, (nuint)size, 0));

    public static SysResult fremovexattr(int fd, byte* name) => SysResult.From(sys_fremovexattr(fd, name));
}
