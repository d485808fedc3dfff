namespace OneCopy.Tests.IO;

/// <summary>A directory of one test, on the disk or in memory.</summary>
internal sealed class CopyFolder : IDisposable
{
    public CopyFolder(string? root = null)
    {
        Path = System.IO.Path.Combine(root ?? System.IO.Path.GetTempPath(), $"onecopy-copy-{Guid.NewGuid():N}");
        Directory.CreateDirectory(Path);
    }

    public string Path { get; }

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>A file of random bytes.</summary>
    public byte[] Write(string name, int length)
    {
        byte[] content = new byte[length];
        new Random(length).NextBytes(content);
        File.WriteAllBytes(this[name], content);
        return content;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
