namespace OneCopy.Tests.Cli;

/// <summary>A root for queues, and a directory for files, of one test; both are removed with it.</summary>
internal sealed class CliRoot : IDisposable
{
    public string Queues { get; } = $"/dev/shm/onecopy-test-{Guid.NewGuid():N}";

    public string Files { get; } = Directory.CreateTempSubdirectory("onecopy-test-").FullName;

    public QueueOptions Options => new() { Root = Queues };

    public string PathOf(string name) => Path.Combine(Files, name);

    /// <summary>Makes a file of random bytes, with the directories above it.</summary>
    public string Make(string name, int length)
    {
        string path = PathOf(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        byte[] content = new byte[length];
        Random.Shared.NextBytes(content);
        File.WriteAllBytes(path, content);
        return path;
    }

    public void Dispose()
    {
        if (Directory.Exists(Queues))
            Directory.Delete(Queues, recursive: true);
        Directory.Delete(Files, recursive: true);
    }
}
