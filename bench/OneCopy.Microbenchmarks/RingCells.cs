using BenchmarkDotNet.Attributes;
using OneCopy.Messaging;

namespace OneCopy.Microbenchmarks;

/// <summary>One reference into the ring and out of it, by one thread: what is shared by all messages, without blocks, payloads or wake-ups.</summary>
public class RingCells
{
    private readonly Scratch _scratch = new();
    private readonly NothingIsStale _nothing = new();
    private MessageQueue _queue = null!;
    private Ring _ring = null!;

    [GlobalSetup]
    public void Setup()
    {
        QueueOptions options = new() { Root = _scratch.Path };
        _queue = MessageQueue.Open("q", options);
        _ring = Ring.Open(QueueDirectory.Of("q", options), options, create: false)!;
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _ring.Dispose();
        _queue.Dispose();
        _scratch.Dispose();
    }

    [Benchmark]
    public bool EnqueueAndDequeue()
    {
        _ring.TryEnqueue(new MessageReference(1, 1, 1), _nothing);
        bool found = _ring.TryPeek(out Ring.Peeked peeked);
        _ring.Remove(peeked);
        return found;
    }

    private sealed class NothingIsStale : IStaleness
    {
        public bool IsStale(MessageReference reference) => false;
    }
}
