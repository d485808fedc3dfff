using OneCopy.Memory;

namespace OneCopy.Streaming;

/// <summary>A wait that another thread may end without an error (CancelPendingRead, CancelPendingFlush): the one under way, or else the next one.</summary>
internal sealed class PendingWait
{
    private readonly MonitorLock _gate = new();
    private CancellationTokenSource? _pending;
    private bool _isCancelled;

    /// <summary>Whether a cancellation came that no wait has said yet. It is said by this.</summary>
    public bool TakeCancelled()
    {
        lock (_gate)
        {
            bool cancelled = _isCancelled;
            _isCancelled = false;
            return cancelled;
        }
    }

    public void Cancel()
    {
        CancellationTokenSource? pending;
        lock (_gate)
        {
            _isCancelled = true;
            pending = _pending;
        }

        // Not under the lock: it may run what waits.
        pending?.Cancel();
    }

    /// <summary>Awaits. False: cancelled by <see cref="Cancel"/>. The caller's own token throws.</summary>
    public async ValueTask<bool> RunAsync<TState>(TState state, Func<TState, CancellationToken, ValueTask> wait, CancellationToken ct)
    {
        // Not disposed: whoever cancels may just have taken it, and without a timer there is nothing to free.
        CancellationTokenSource pending = new();
        using CancellationTokenRegistration registration = ct.UnsafeRegister(static s => ((CancellationTokenSource)s!).Cancel(), pending);
        lock (_gate)
        {
            _pending = pending;
            if (_isCancelled)
                pending.Cancel();
        }

        try
        {
            await wait(state, pending.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (pending.IsCancellationRequested)
        {
            ct.ThrowIfCancellationRequested();
            return !TakeCancelled();
        }
        finally
        {
            lock (_gate)
                _pending = null;
        }
    }
}
