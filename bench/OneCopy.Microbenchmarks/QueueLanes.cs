using BenchmarkDotNet.Attributes;

namespace OneCopy.Microbenchmarks;

/// <summary>A message sent, received, copied out and completed in one thread; attached ones by SendAsync, which the same thread completes. The copy is a pull there.</summary>
public class QueueLanes
{
    private readonly Scratch _scratch = new();
    private MessageQueue _queue = null!;
    private MessageQueue _attaching = null!;
    private byte[] _payload = [];
    private byte[] _target = [];

    [Params(64, 4096, 65536, 1048576)]
    public int Bytes { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _payload = GC.AllocateArray<byte>(Bytes, pinned: true);
        _target = GC.AllocateArray<byte>(Bytes, pinned: true);
        Random.Shared.NextBytes(_payload);
        _queue = MessageQueue.Open("copying", new QueueOptions { Root = _scratch.Path });
        _attaching = MessageQueue.Open("attaching", new QueueOptions { Root = _scratch.Path, AttachThreshold = 0 });
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _queue.Dispose();
        _attaching.Dispose();
        _scratch.Dispose();
    }

    /// <summary>Inline for 64 bytes, through the arena for the others.</summary>
    [Benchmark(Baseline = true)]
    public void Copied()
    {
        _queue.Send(_payload);
        Take(_queue);
    }

    [Benchmark]
    public async Task Attached()
    {
        ValueTask sent = _attaching.SendAsync(_payload);
        Take(_attaching);
        await sent.ConfigureAwait(false);
    }

    private void Take(MessageQueue queue)
    {
        using ReceivedMessage message = queue.Receive();
        message.CopyTo(_target);
        message.Complete();
    }
}
