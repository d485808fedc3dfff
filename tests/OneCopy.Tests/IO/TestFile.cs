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
