using System.Threading.Tasks.Sources;

namespace OneCopy.Messaging;

/// <summary>
/// The runtime's source of a task that is used again, but for one case: a task that becomes complete after its awaiter has asked and before it has registered goes on in the pool, and the runtime's allocates an item for
/// that. Here it is kept, as the task is. A field, not to be copied.
/// </summary>
internal struct TaskSource<TResult>
{
    private ManualResetValueTaskSourceCore<TResult> _core;
    private readonly LateContinuation _late = new(); // At once, so that none is allocated for a message.

    public TaskSource()
    {
    }

    public readonly short Version => _core.Version;

    public void Reset() => _core.Reset();

    public void SetResult(TResult result) => _core.SetResult(result);

    public void SetException(Exception exception) => _core.SetException(exception);

    public TResult GetResult(short token) => _core.GetResult(token);

    public readonly ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        if (_core.GetStatus(token) == ValueTaskSourceStatus.Pending || !MayGoOnAnywhere(flags))
            _core.OnCompleted(continuation, state, token, flags);
        else
            _late.Queue(continuation, state);
    }

    private static bool MayGoOnAnywhere(ValueTaskSourceOnCompletedFlags flags) =>
        (flags & ValueTaskSourceOnCompletedFlags.FlowExecutionContext) == ValueTaskSourceOnCompletedFlags.None
        && ((flags & ValueTaskSourceOnCompletedFlags.UseSchedulingContext) == ValueTaskSourceOnCompletedFlags.None || (SynchronizationContext.Current is null && TaskScheduler.Current == TaskScheduler.Default));

    /// <summary>One at a time: the source is used again by what it calls at the earliest.</summary>
    private sealed class LateContinuation : IThreadPoolWorkItem
    {
        private Action<object?>? _continuation;
        private object? _state;

        public void Queue(Action<object?> continuation, object? state)
        {
            (_continuation, _state) = (continuation, state);
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: true);
        }

        public void Execute()
        {
            (Action<object?> continuation, object? state) = (_continuation!, _state);
            (_continuation, _state) = (null, null);
            continuation(state);
        }
    }
}
