namespace OneCopy.Tests.Messaging;

/// <summary>A root of its own for the queues of one test, gone afterwards.</summary>
public sealed class TestRoot : IDisposable
{
    public string Path { get; } = $"/dev/shm/onecopy-test-{Environment.ProcessId}-{Guid.NewGuid():N}";

    public QueueOptions Options => new() { Root = Path };

    public MessageQueue Open(string name = "q", QueueOptions? options = null) => MessageQueue.Open(name, (options ?? new QueueOptions()) with { Root = Path });

    public void Dispose()
    {
        if (Directory.Exists(Path))
            Directory.Delete(Path, recursive: true);
    }
}
