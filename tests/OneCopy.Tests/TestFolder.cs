namespace OneCopy.Tests;

/// <summary>A directory of its own for one test, on the file system of the temporary files or in memory.</summary>
internal sealed class TestFolder : IDisposable
{
    public TestFolder(string below = "")
    {
        Path = System.IO.Path.Combine(below.Length == 0 ? System.IO.Path.GetTempPath() : below, $"onecopy-io-{Environment.ProcessId}-{Guid.NewGuid():N}");
        Directory.CreateDirectory(Path);
    }

    public string Path { get; }

    public string File(string name = "file") => System.IO.Path.Combine(Path, name);

    /// <summary>A file whose bytes tell their offset.</summary>
    public string Pattern(long length, string name = "file")
    {
        byte[] bytes = new byte[length];
        for (int i = 0; i < bytes.Length; i++)
            bytes[i] = At(i);
        System.IO.File.WriteAllBytes(File(name), bytes);
        return File(name);
    }

    public static byte At(long offset) => (byte)((offset * 31) + (offset >> 8) + 1);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
