using System.Runtime.CompilerServices;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>How a handle is closed.</summary>
public enum CloseMode
{
    /// <summary>At once, as Dispose does: what is held is given back, attached messages not completed are taken back.</summary>
    GiveBack,

    /// <summary>When all that was begun has come to its end.</summary>
    Drain,
}

/// <summary>Closing after what was begun has come to its end.</summary>
public sealed partial class MessageQueue
{
    private static readonly TimeSpan s_longestDrainPause = TimeSpan.FromMilliseconds(20);

    private bool _draining;

    /// <summary>
    /// Closes the handle. With <see cref="CloseMode.Drain"/>, no send, receive, rent or replay begins on it from now on, and receives that wait for a message end, both with
    /// <see cref="ObjectDisposedException"/>; messages that are held are waited for until they are answered, sends until they are complete (attached ones and those
    /// with <see cref="SendOptions.UntilCompleted"/> until a receiver has completed the message), and messages that were given back while the ring was full until they are in it.
    /// What is left at the time limit is given back and taken back, as <see cref="Dispose"/> does. However it ends, the handle is closed then.
    /// Other handles and processes go on. What was sent by copy and nobody received yet stays in the queue: it is not waited for.
    /// </summary>
    /// <param name="mode">What to do with what was begun.</param>
    /// <param name="timeLimit">How long to drain; null: as long as it takes. To wait without a limit for a message that is answered only after this call is to wait for ever.</param>
    /// <param name="cancellationToken">Ends the waiting as the time limit does; no exception.</param>
    /// <returns>
    /// True: all came to its end, nothing was given back or taken back (or the handle was closed before). False: something was. Rented buffers that were not sent do not count.
    /// </returns>
    public async ValueTask<bool> CloseAsync(CloseMode mode, TimeSpan? timeLimit = null, CancellationToken cancellationToken = default)
    {
        if (mode is not (CloseMode.GiveBack or CloseMode.Drain))
            throw new ArgumentOutOfRangeException(nameof(mode));
        long deadline = Deadline.After(timeLimit);
        bool drained = mode == CloseMode.Drain ? await DrainAsync(deadline, cancellationToken).ConfigureAwait(false) : HoldsNoMessage() is not false && NothingIsLeft();
        await DisposeAsync().ConfigureAwait(false);
        return drained;
    }

    private async ValueTask<bool> DrainAsync(long deadline, CancellationToken ct)
    {
        if (Volatile.Read(ref _closed))
            return true;

        // A full fence on both sides: either who enters sees this, or it is counted among the operations below.
        Interlocked.Exchange(ref _draining, true);
        EndWaitingReceives();
        TimeSpan pause = TimeSpan.FromMilliseconds(1);
        while (true)
        {
            // No receive is under way, so no message comes; none is held, so no answer begins; none is under way any more, so nothing more is put off.
            bool? drained = NothingIsUnderWay() ? HoldsNoMessage() : false;
            if (drained is null)
                return false; // Closed by somebody else, who gave back the rest.
            if (drained is true && NothingIsUnderWay() && NothingIsLeft())
                return true;
            if (!Deadline.IsAhead(deadline) || ct.IsCancellationRequested)
                return false;
            TimeSpan left = Deadline.Left(deadline);
            await Task.Delay(left < pause && left >= TimeSpan.Zero ? left : pause, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = pause * 2 < s_longestDrainPause ? pause * 2 : s_longestDrainPause;
        }
    }

    /// <summary>Enter, for what a handle that is being drained does not begin any more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private nint EnterNew()
    {
        nint thread = Enter();
        if (Volatile.Read(ref _draining))
            throw ExitedDraining(thread);
        return thread;
    }

    private ObjectDisposedException ExitedDraining(nint thread)
    {
        Exit(thread);
        return new ObjectDisposedException(nameof(MessageQueue), $"The handle of queue {Name} is being closed, and begins nothing new.");
    }

    private void ThrowIfEnding(WaitKind kind) =>
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _closed) || (kind == WaitKind.Receive && Volatile.Read(ref _draining)), this);

    // After the flag: who looked at it before reads the doorbell as it was, and does not fall asleep on it.
    private void EndWaitingReceives()
    {
        if (!TryEnter())
            return;
        _self.RingAll();
        ReleaseAwaiters();
        Exit();
    }

    /// <summary>Sends, answers and moves of this handle. Short ones (statistics) come at any time, so it is looked at for a while.</summary>
    private bool NothingIsUnderWay()
    {
        for (int i = 0; i < 50; i++)
        {
            if (_operations.Count() == 0)
                return true;
            Thread.SpinWait(20);
        }

        return false;
    }

    /// <summary>Of what outlives an operation but for messages: sends that wait for a receiver, messages that wait for room.</summary>
    private bool NothingIsLeft()
    {
        lock (_attached)
        {
            if (_attached.Count > 0)
                return false;
        }

        lock (_putOff)
            return _putOff.Count == 0;
    }

    /// <summary>No message is on a lease of this handle. Null: it is closed.</summary>
    private bool? HoldsNoMessage()
    {
        if (!TryEnter())
            return null;
        try
        {
            for (int index = 1; index <= _ring.HighestIndex; index++)
            {
                if (TryPeerAt(index) is { } owner && HoldsOneOf(owner.File))
                    return false;
            }

            return true;
        }
        finally
        {
            Exit();
        }
    }

    private bool HoldsOneOf(Participant owner)
    {
        for (int block = 0; block < owner.BlockCount; block++)
        {
            BlockState s = owner.State(block);
            if (s.Phase == Phase.Leased && s.Actor == _self.Index)
                return true;
        }

        return false;
    }
}
