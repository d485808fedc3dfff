using OneCopy.Cli.Processes;
using OneCopy.Messaging;

namespace OneCopy.Cli.Bench.Queue.Workers;

/// <summary>
/// Through a queue, from a buffer of the sender's to a buffer of the receiver's, both always the same. Short messages by <c>Send</c>, so that many can be under way;
/// from the threshold on, or out of a pool's buffer, where the payload stays with the sender, by <c>SendManyUntilCompleted</c>, and so too.
/// </summary>
internal class QueueLink : Link
{
    // Two of the largest, so that one can be built while the other is read.
    private const long UsualArena = 1L << 30;

    // In one call; it has fewer under way.
    private const int AtOnce = 1024;

    // Up to here a payload is an array, as short ones mostly are; longer ones are memory of their own, whose pages are known to be as any allocator has them.
    private const int LongestArray = 16 << 10;

    private readonly IDisposable? _source;
    private readonly IDisposable? _target;
    private readonly Memory<byte> _received;
    private readonly bool _attaches;
    private readonly ReadOnlyMemory<byte>[] _payloads;
    private Lane? _lane;

    public QueueLink(LinkPlan plan)
    {
        QueueOptions options = new()
        {
            Root = plan.Root,
            ArenaLimit = Math.Max(UsualArena, (2 * plan.Bytes) + (1 << 20)),
            WaitStrategy = plan.Way switch { Ways.Spin or Ways.IntoSpin => WaitStrategy.Spin, Ways.Sleep => WaitStrategy.Sleep, _ => WaitStrategy.Adaptive },
        };
        Bytes = checked((int)plan.Bytes);
        Outgoing = MessageQueue.Open(plan.IsFirst ? plan.Name : plan.Back, options);
        Incoming = plan.IsRoundTrip ? MessageQueue.Open(plan.IsFirst ? plan.Back : plan.Name, options) : plan.IsFirst ? Outgoing : MessageQueue.Open(plan.Name, options);
        bool pooled = plan.Way is Ways.Pooled;
        (_source, Payload) = Make(plan.IsRoundTrip || plan.IsFirst ? Bytes : 0, pooled, Content);
        (_target, _received) = Make(plan.IsRoundTrip || !plan.IsFirst ? Bytes : 0, pooled, Slab.Untouched);
        _attaches = pooled || AttachThreshold.IsReached(Bytes, null);
        _payloads = new ReadOnlyMemory<byte>[_attaches ? AtOnce : 0];
        Array.Fill(_payloads, Payload);
    }

    public override string? Lane => _lane?.ToString().ToLowerInvariant();

    protected int Bytes { get; }

    protected MessageQueue Outgoing { get; }

    protected MessageQueue Incoming { get; }

    protected Memory<byte> Payload { get; }

    protected Span<byte> Target => _received.Span;

    public override void Send(int count)
    {
        if (_attaches)
        {
            SendUntilCompleted(count);
            return;
        }

        ReadOnlySpan<byte> payload = Payload.Span;
        for (int i = 0; i < count; i++)
            Outgoing.Send(payload);
    }

    public override void Receive(int count)
    {
        Span<byte> target = Target;
        for (int i = 0; i < count; i++)
        {
            using ReceivedMessage message = Incoming.Receive();
            message.CopyTo(target);
            _lane = message.Lane;
            message.Complete();
        }
    }

    protected void Note(Lane lane) => _lane = lane;

    /// <summary>Of messages that are done when they are received, and say no more how they came.</summary>
    protected void NoteLane() => Note(Incoming.Statistics.Completed.Inline.Messages > 0 ? OneCopy.Lane.Inline : OneCopy.Lane.Arena);

    public override void Check() => Check(Target);

    protected override void Dispose(bool disposing)
    {
        Outgoing.Dispose();
        Incoming.Dispose();
        _source?.Dispose();
        _target?.Dispose();
    }

    private void SendUntilCompleted(int count)
    {
        if (count == 1)
        {
            Outgoing.SendUntilCompleted(Payload.Span);
            return;
        }

        for (int sent = 0; sent < count; sent += AtOnce)
            Outgoing.SendManyUntilCompleted(_payloads.AsSpan(0, Math.Min(AtOnce, count - sent)));
    }

    /// <summary>As any allocator has it, or the library's for payloads.</summary>
    private static (IDisposable? Owner, Memory<byte> Memory) Make(int bytes, bool pooled, byte content)
    {
        if (pooled)
        {
            PooledBuffer buffer = OneCopyMemoryPool.Shared.RentBuffer(bytes);
            buffer.Span.Fill(content);
            return (buffer, buffer.Memory);
        }

        if (bytes <= LongestArray)
        {
            byte[] array = GC.AllocateUninitializedArray<byte>(bytes, pinned: true);
            Array.Fill(array, content);
            return (null, array);
        }

        Slab slab = new(bytes, hugePages: false, content);
        return (slab, slab.Memory(0, bytes));
    }
}
