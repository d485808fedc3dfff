namespace OneCopy.Microbenchmarks;

/// <summary>A directory in memory, for one class of benchmarks.</summary>
internal sealed class Scratch : IDisposable
{
    public Scratch() => Directory.CreateDirectory(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

    public string Path { get; } = $"/dev/shm/onecopy-micro-{Environment.ProcessId}-{Guid.NewGuid():N}";

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
