using System.Threading.Tasks.Sources;

namespace OneCopy.Messaging;

/// <summary>
/// How a task waits: for a signal that means "look again", whatever it was for (done, rung, cancelled, late, closing). So one signal too many, from an earlier
/// wait, does no harm. One waiter at a time; used again, so that nothing is allocated for a wait.
/// </summary>
internal abstract class AsyncSignal : IValueTaskSource
{
    private const int None = 0;
    private const int Signalled = 1;
    private const int Waiting = 2;

    private readonly Resumption _resumption;
    private TaskSource<bool> _source = new();
    private Timer? _timer;
    private int _signal;

    protected AsyncSignal() => _resumption = new Resumption(this);

    /// <summary>
    /// Full fence: what the signal is for was written before. <paramref name="inPlace"/>: the waiter goes on in this thread, as who cancels may expect.
    /// </summary>
    public void Signal(bool inPlace = false)
    {
        if (Interlocked.Exchange(ref _signal, Signalled) != Waiting)
            return;
        if (inPlace)
            _source.SetResult(true);
        else
            ThreadPool.UnsafeQueueUserWorkItem(_resumption, preferLocal: true);
    }

    /// <summary>The signals so far have been seen: what they were for is looked at after this.</summary>
    public void Clear() => Interlocked.Exchange(ref _signal, None);

    /// <summary>Until the next signal since <see cref="Clear"/>. By one at a time.</summary>
    public ValueTask Next()
    {
        _source.Reset();
        return Interlocked.CompareExchange(ref _signal, Waiting, None) == None ? new ValueTask(this, _source.Version) : ValueTask.CompletedTask;
    }

    /// <summary>A signal at that time, or some time before if it is far.</summary>
    public void SignalAt(long deadline)
    {
        if (deadline == Deadline.Never)
            return;
        if (_timer is null)
        {
            // It is as old as the handle, and must not keep what its first user has in its context.
            AsyncFlowControl? flow = ExecutionContext.IsFlowSuppressed() ? null : ExecutionContext.SuppressFlow();
            _timer = new Timer(static s => ((AsyncSignal)s!).Signal(), this, Timeout.Infinite, Timeout.Infinite);
            flow?.Undo();
        }

        _timer.Change(Deadline.Left(deadline) + TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
    }

    public void StopTimer() => _timer?.Change(Timeout.Infinite, Timeout.Infinite);

    void IValueTaskSource.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    /// <summary>The waiter goes on in a thread of the pool: an item of its own, for the source's would be allocated each time.</summary>
    private sealed class Resumption(AsyncSignal signal) : IThreadPoolWorkItem
    {
        public void Execute() => signal._source.SetResult(true);
    }
}
