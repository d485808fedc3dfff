using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace OneCopy.Cli.Bench.Queue.Workers;

/// <summary>
/// Through a queue without blocked threads: <c>SendAsync</c>, a few under way at a time, and <c>ReceiveAsync</c>. The methods here take their state from a pool, so
/// that what is allocated is the queue's.
/// </summary>
internal sealed class AsyncLink : QueueLink
{
    private const int UnderWay = 4;

    private readonly ValueTask[] _sends = new ValueTask[UnderWay];
    private readonly ManualResetEventSlim _done = new();
    private readonly Action _setDone;

    public AsyncLink(LinkPlan plan)
        : base(plan)
    {
        _setDone = _done.Set;
        _done.Wait(1); // The first wait that sleeps makes an object, of the runtime's and not the queue's.
    }

    public override void Send(int count) => Await(SendAsync(count));

    public override void Receive(int count) => Await(ReceiveAsync(count));

    public override void Ask(long[] times, int from, int count) => Await(AskAsync(times, from, count));

    public override void Answer(int count) => Await(AnswerAsync(count));

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _done.Dispose();
    }

    private void Await(ValueTask task)
    {
        ValueTaskAwaiter awaiter = task.GetAwaiter();
        if (!awaiter.IsCompleted)
        {
            _done.Reset();
            awaiter.UnsafeOnCompleted(_setDone);
            _done.Wait();
        }

        awaiter.GetResult();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendAsync(int count)
    {
        for (int i = 0; i < count; i++)
        {
            await _sends[i % UnderWay];
            _sends[i % UnderWay] = Outgoing.SendAsync(Payload);
        }

        for (int i = 0; i < UnderWay; i++)
        {
            await _sends[i];
            _sends[i] = default;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask ReceiveAsync(int count)
    {
        for (int i = 0; i < count; i++)
            Take(await Incoming.ReceiveAsync());
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AskAsync(long[] times, int from, int count)
    {
        for (int i = from; i < from + count; i++)
        {
            long start = Stopwatch.GetTimestamp();
            ValueTask sent = Outgoing.SendAsync(Payload);
            Take(await Incoming.ReceiveAsync());
            await sent;
            times[i] = Stopwatch.GetTimestamp() - start;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AnswerAsync(int count)
    {
        for (int i = 0; i < count; i++)
        {
            Take(await Incoming.ReceiveAsync());
            await Outgoing.SendAsync(Payload);
        }
    }

    private void Take(ReceivedMessage message)
    {
        message.CopyTo(Target);
        Note(message.Lane);
        message.Complete();
        message.Dispose();
    }
}
