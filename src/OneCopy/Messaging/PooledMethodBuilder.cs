using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading.Tasks.Sources;

namespace OneCopy.Messaging;

/// <summary>
/// Has the compiler keep the state of an asynchronous method in objects that are used again. The runtime's <see cref="PoolingAsyncValueTaskMethodBuilder{TResult}"/> keeps one for each thread and
/// processor, and allocates where more are under way at a time; here as many are kept as were ever under way, up to <see cref="StatePool{TState}.Most"/> of a method.
/// </summary>
/// <remarks>The contract is the compiler's: docs, "AsyncMethodBuilder attribute" of the C# reference. A task may be awaited once, as any <see cref="ValueTask"/>.</remarks>
[StructLayout(LayoutKind.Auto)]
internal struct PooledMethodBuilder<TResult>
{
    private PooledState<TResult>? _state;
    private TResult _result;

    public readonly ValueTask<TResult> Task => _state is { } state ? new ValueTask<TResult>(state, state.Version) : new ValueTask<TResult>(_result);

    /// <summary>Null: it has not waited yet.</summary>
    public readonly PooledState<TResult>? State => _state;

    public static PooledMethodBuilder<TResult> Create() => default;

    // The runtime's: keeps what the method changes in its execution context from its caller.
    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => default(AsyncValueTaskMethodBuilder).Start(ref stateMachine);

    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
        // Of boxed state machines only, which this has none of.
    }

    public void SetResult(TResult result)
    {
        if (_state is { } state)
            state.SetResult(result);
        else
            _result = result;
    }

    public void SetException(Exception exception) => (_state ??= new PooledState<TResult>()).SetException(exception);

    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => awaiter.OnCompleted(GoOnOf(ref stateMachine));

    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => awaiter.UnsafeOnCompleted(GoOnOf(ref stateMachine));

    private Action GoOnOf<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine
    {
        if (_state is not PooledState<TStateMachine, TResult> state)
        {
            // This builder is in the state machine: what is moved knows where it is.
            _state = state = StatePool<PooledState<TStateMachine, TResult>>.Take();
            state.StateMachine = stateMachine;
        }

        state.Context = ExecutionContext.Capture();
        return state.GoOn;
    }
}

/// <summary>The same for methods without a result.</summary>
internal struct PooledMethodBuilder
{
    private PooledMethodBuilder<Nothing> _builder;

    public readonly ValueTask Task => _builder.State is { } state ? new ValueTask(state, state.Version) : ValueTask.CompletedTask;

    public static PooledMethodBuilder Create() => default;

    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => _builder.Start(ref stateMachine);

    public readonly void SetStateMachine(IAsyncStateMachine stateMachine) => _builder.SetStateMachine(stateMachine);

    public void SetResult() => _builder.SetResult(default);

    public void SetException(Exception exception) => _builder.SetException(exception);

    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => _builder.AwaitOnCompleted(ref awaiter, ref stateMachine);

    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => _builder.AwaitUnsafeOnCompleted(ref awaiter, ref stateMachine);

    private readonly struct Nothing;
}

/// <summary>The task of an asynchronous method. By itself of one that failed before it waited, which is not used again.</summary>
internal class PooledState<TResult> : IValueTaskSource<TResult>, IValueTaskSource
{
    private TaskSource<TResult> _source = new();

    public short Version => _source.Version;

    public void SetResult(TResult result) => _source.SetResult(result);

    public void SetException(Exception exception) => _source.SetException(exception);

    public TResult GetResult(short token)
    {
        // One that is asked too early, or once more, is refused before anything is given back.
        if (_source.GetStatus(token) == ValueTaskSourceStatus.Pending)
            throw new InvalidOperationException("The task is not completed yet: await it.");
        try
        {
            return _source.GetResult(token);
        }
        finally
        {
            _source.Reset();
            GiveBack();
        }
    }

    void IValueTaskSource.GetResult(short token) => GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _source.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    /// <summary>Its result was fetched.</summary>
    protected virtual void GiveBack()
    {
    }
}

/// <summary>With the variables of a method that has waited.</summary>
internal sealed class PooledState<TStateMachine, TResult> : PooledState<TResult>
    where TStateMachine : IAsyncStateMachine
{
    // A field: it is run where it is.
    public TStateMachine StateMachine = default!;

    public PooledState() => GoOn = MoveNext;

    public ExecutionContext? Context { get; set; }

    public Action GoOn { get; }

    protected override void GiveBack()
    {
        // What the method held is not held by the pool.
        StateMachine = default!;
        Context = null;
        StatePool<PooledState<TStateMachine, TResult>>.Return(this);
    }

    private void MoveNext()
    {
        if (Context is { } context)
            ExecutionContext.Run(context, static s => ((PooledState<TStateMachine, TResult>)s!).StateMachine.MoveNext(), this);
        else
            StateMachine.MoveNext();
    }
}

/// <summary>Those of one method that nobody uses now, in all threads.</summary>
internal static class StatePool<TState>
    where TState : class, new()
{
    /// <summary>More are left to the garbage collector.</summary>
    public const int Most = 256;

    private static readonly Stack<TState> s_idle = new();

    public static TState Take()
    {
        lock (s_idle)
            return s_idle.TryPop(out TState? idle) ? idle : new TState();
    }

    public static void Return(TState state)
    {
        lock (s_idle)
        {
            if (s_idle.Count < Most)
                s_idle.Push(state);
        }
    }
}
