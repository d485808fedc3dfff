using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.Tests.IO;

/// <summary>A file of one test, open for both directions, gone after it.</summary>
internal sealed class TestFile : IDisposable
{
    public TestFile(byte[]? content = null, string? folder = null, int flags = 0)
    {
        Path = System.IO.Path.Combine(folder ?? System.IO.Path.GetTempPath(), $"onecopy-test-{Guid.NewGuid():N}");
        Handle = SafeFd.Open(Path, OpenFlags.O_RDWR | OpenFlags.O_CREAT | OpenFlags.O_EXCL | flags, 0x180);
        if (content is not null)
            File.WriteAllBytes(Path, content);
    }

    public string Path { get; }

    public SafeFileHandle Handle { get; }

    public byte[] Content
    {
        get
        {
            using FileStream stream = new(Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        }
    }

    public void Dispose()
    {
        Handle.Dispose();
        File.Delete(Path);
    }

    /// <summary>Bytes that differ from place to place, and with the period of a prime from page to page.</summary>
    public static byte[] Pattern(int length, int seed = 0)
    {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++)
            bytes[i] = (byte)((i + seed) % 251);
        return bytes;
    }
}

/// <summary>Calls that tests alone make.</summary>
internal static unsafe partial class TestCalls
{
    private const int AF_UNIX = 1;
    private const int SOCK_CLOEXEC = 0x80000;

    public const int SOCK_STREAM = 1;
    public const int SOCK_DGRAM = 2;

    [LibraryImport("libc", EntryPoint = "pipe2", SetLastError = true)]
    private static partial int sys_pipe2(int* fds, int flags);

    [LibraryImport("libc", EntryPoint = "socketpair", SetLastError = true)]
    private static partial int sys_socketpair(int domain, int type, int protocol, int* fds);

    [LibraryImport("libc", EntryPoint = "openpty", SetLastError = true)]
    private static partial int sys_openpty(int* master, int* slave, nint name, nint settings, nint size);

    public static (SafeFileHandle Reader, SafeFileHandle Writer) Pipe(bool nonBlocking = false)
    {
        int* fds = stackalloc int[2];
        SysResult.From(sys_pipe2(fds, OpenFlags.O_CLOEXEC | (nonBlocking ? OpenFlags.O_NONBLOCK : 0))).OrThrow("pipe2");
        return (new(fds[0], ownsHandle: true), new(fds[1], ownsHandle: true));
    }

    public static (SafeFileHandle One, SafeFileHandle Other) Sockets(int type = SOCK_STREAM)
    {
        int* fds = stackalloc int[2];
        SysResult.From(sys_socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds)).OrThrow("socketpair");
        return (new(fds[0], ownsHandle: true), new(fds[1], ownsHandle: true));
    }

    public static (SafeFileHandle Master, SafeFileHandle Slave) Terminal()
    {
        int master;
        int slave;
        SysResult.From(sys_openpty(&master, &slave, 0, 0, 0)).OrThrow("openpty");
        return (new(master, ownsHandle: true), new(slave, ownsHandle: true));
    }
}
