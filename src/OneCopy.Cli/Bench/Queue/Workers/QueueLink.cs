using System.Runtime.InteropServices;
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

    private const int Page = 4096;

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
            Outgoing.SendUntilCompleted(Payload);
            return;
        }

        for (int sent = 0; sent < count; sent += AtOnce)
            Outgoing.SendManyUntilCompleted(_payloads.AsSpan(0, Math.Min(AtOnce, count - sent)));
    }

    /// <summary>An array, as most payloads are, or the library's memory for payloads. Both begin with a page, as the other systems' do.</summary>
    private static unsafe (IDisposable? Owner, Memory<byte> Memory) Make(int bytes, bool pooled, byte content)
    {
        if (pooled)
        {
            PooledBuffer buffer = OneCopyMemoryPool.Shared.RentBuffer(bytes);
            buffer.Span.Fill(content);
            return (buffer, buffer.Memory);
        }

        byte[] array = GC.AllocateUninitializedArray<byte>(checked(bytes + Page - 1), pinned: true);
        Array.Fill(array, content);
        int start = (int)(-Marshal.UnsafeAddrOfPinnedArrayElement(array, 0) & (Page - 1));
        return (null, array.AsMemory(start, bytes));
    }
}
