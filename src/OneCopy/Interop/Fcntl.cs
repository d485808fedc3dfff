using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OneCopy.Interop;

/// <summary>O_* of open(2). The kernel's O_DIRECTORY and O_NOFOLLOW differ between x86-64 and arm64.</summary>
internal static class OpenFlags
{
    public const int O_RDONLY = 0;
    public const int O_WRONLY = 1;
    public const int O_RDWR = 2;
    public const int O_CREAT = 0x40;
    public const int O_EXCL = 0x80;
    public const int O_NONBLOCK = 0x800;
    public const int O_CLOEXEC = 0x80000;

    public static readonly int O_DIRECTORY = IsArm64 ? 0x4000 : 0x10000;
    public static readonly int O_NOFOLLOW = IsArm64 ? 0x8000 : 0x20000;

    private static bool IsArm64 => RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
}

/// <summary>fcntl.h and its neighbours: opening, linking and removing files. Paths are UTF-8.</summary>
internal static partial class Fcntl
{
    public const int AT_FDCWD = -100;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sys_open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sys_openat(int directory, string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sys_link(string from, string to);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sys_rename(string from, string to);

    [LibraryImport("libc", EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sys_unlink(string path);

    [LibraryImport("libc", EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sys_mkdir(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "mkdirat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sys_mkdirat(int directory, string path, uint mode);

    [LibraryImport("libc", EntryPoint = "rmdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sys_rmdir(string path);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    private static unsafe partial nint sys_pread(int fd, byte* buffer, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    private static unsafe partial nint sys_pwrite(int fd, byte* buffer, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static unsafe partial nint sys_read(int fd, byte* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static unsafe partial nint sys_write(int fd, byte* buffer, nuint count);

    public static SysResult open(string path, int flags, uint mode = 0) => SysResult.From(sys_open(path, flags | OpenFlags.O_CLOEXEC, mode));

    public static SysResult openat(int directory, string path, int flags, uint mode = 0) =>
        SysResult.From(sys_openat(directory, path, flags | OpenFlags.O_CLOEXEC, mode));

    public static SysResult link(string from, string to) => SysResult.From(sys_link(from, to));

    public static SysResult rename(string from, string to) => SysResult.From(sys_rename(from, to));

    public static SysResult unlink(string path) => SysResult.From(sys_unlink(path));

    public static SysResult mkdir(string path, uint mode) => SysResult.From(sys_mkdir(path, mode));

    public static SysResult mkdirat(int directory, string path, uint mode) => SysResult.From(sys_mkdirat(directory, path, mode));

    public static SysResult rmdir(string path) => SysResult.From(sys_rmdir(path));

    /// <summary>May fall short; EINTR is handed on.</summary>
    public static unsafe SysResult read(int fd, byte* buffer, nuint count) => SysResult.From(sys_read(fd, buffer, count));

    /// <summary>May fall short; EINTR is handed on.</summary>
    public static unsafe SysResult write(int fd, byte* buffer, nuint count) => SysResult.From(sys_write(fd, buffer, count));

    /// <summary>May fall short; EINTR is handed on.</summary>
    public static unsafe SysResult pread(int fd, byte* buffer, nuint count, long offset) => SysResult.From(sys_pread(fd, buffer, count, offset));

    /// <summary>May fall short; EINTR is handed on.</summary>
    public static unsafe SysResult pwrite(int fd, byte* buffer, nuint count, long offset) => SysResult.From(sys_pwrite(fd, buffer, count, offset));
}
