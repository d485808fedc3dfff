using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>getdents64(2) and syncfs(2).</summary>
internal static unsafe partial class Directories
{
    public const byte DT_UNKNOWN = 0;
    public const byte DT_DIR = 4;
    public const byte DT_REG = 8;
    public const byte DT_LNK = 10;

    [LibraryImport("libc", EntryPoint = "getdents64", SetLastError = true)]
    private static partial nint sys_getdents64(int fd, byte* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    private static partial int sys_syncfs(int fd);

    /// <summary>The next entries, as bytes in the buffer; 0 at the end.</summary>
    public static SysResult getdents64(int fd, byte* buffer, int length) => SysResult.From(sys_getdents64(fd, buffer, (nuint)length));

    /// <summary>All that was written to the file system that a file is on. Since Linux 5.8 it says when some of it could not be.</summary>
    public static SysResult syncfs(int fd) => SysResult.From(sys_syncfs(fd));

    /// <summary>Takes the next entry of <see cref="getdents64"/> from its buffer: struct linux_dirent64 is a number, an offset, two bytes of length, one of type, and the name.</summary>
    public static byte* Next(ref byte* entry, out byte type)
    {
        byte* name = entry + 19;
        type = entry[18];
        entry += *(ushort*)(entry + 16);
        return name;
    }

    /// <summary>"." and "..", which every directory has.</summary>
    public static bool IsDots(byte* name) => name[0] == (byte)'.' && (name[1] == 0 || (name[1] == (byte)'.' && name[2] == 0));
}
