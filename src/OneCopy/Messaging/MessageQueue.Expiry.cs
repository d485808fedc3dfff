using OneCopy.Messaging;

namespace OneCopy;

/// <summary>Messages whose time has passed: they become dead letters, and are handed to nobody.</summary>
public sealed partial class MessageQueue
{
    private static readonly TimeSpan s_shortestPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(2);

    // Expired messages that the dead-letter queue could not take yet. They stay on this handle's lease: closing gives them back, and
    // recovery does if the process dies.
    private readonly Queue<Lease> _setAside = new();
    private bool _triesSetAside;

    private enum PutAway
    {
        /// <summary>A dead letter, or nothing is left of it.</summary>
        Done,

        /// <summary>The dead-letter queue has no room for any message now.</summary>
        NoRoom,

        /// <summary>This message cannot be put there now.</summary>
        Refused,
    }

    /// <summary>Right before the message can be seen: when its time is over.</summary>
    private unsafe void LimitLife(Draft draft, SendOptions options) =>
        *(long*)(_self.Block(draft.Block) + BlockLayout.ExpiresOffset) = options.ExpiresAt(_ring.TimeToLive);

    /// <summary>At the claim: the message is not handed out, whatever becomes of it here.</summary>
    private void PutAwayExpired(Lease message)
    {
        // Where the payload must be moved first, a receive is not to wait for its sender.
        bool mustMove = message.Lane == Lane.Attached && !CanPullFrom(message.Owner);
        if (mustMove)
            AskForMove(message.Owner, message.Block, message.Leased);
        else if (TryPutAway(message) == PutAway.Done)
            return;
        lock (_setAside)
        {
            _setAside.Enqueue(message);
            if (_triesSetAside)
                return;
            _triesSetAside = true;
        }

        _ = PutAwaySetAsideAsync();
    }

    private PutAway TryPutAway(Lease message)
    {
        try
        {
            Verdict verdict = new($"expired {message.Expires:u}", message.DeliveryAttempt - 1, Expired: true);
            if (!SendDeadLetter(message, verdict, wait: false, CancellationToken.None))
                return PutAway.NoRoom;
        }
        catch (Exception e) when (e is MessageLostException or MessageWithdrawnException)
        {
            // Nothing to put away.
        }
        catch (Exception e) when (e is OneCopyException or InvalidOperationException or ArgumentException or OutOfMemoryException)
        {
            return PutAway.Refused;
        }

        message.Dispose();
        return PutAway.Done;
    }

    private async Task PutAwaySetAsideAsync()
    {
        TimeSpan pause = s_shortestPause;
        while (true)
        {
            await Task.Delay(pause).ConfigureAwait(false);
            if (!TryEnter())
            {
                // Given back by closing: what is left to do is to let go of their memory.
                while (TryTakeSetAside() is { } closed)
                    closed.Dispose();
                return;
            }

            try
            {
                if (!TryPutAwaySetAside(ref pause))
                    return;
            }
            finally
            {
                Exit();
            }
        }
    }

    /// <summary>One round. False: none is left, and nobody tries any more.</summary>
    private bool TryPutAwaySetAside(ref TimeSpan pause)
    {
        int left;
        lock (_setAside)
            left = _setAside.Count;
        bool any = false;
        for (; left > 0 && TryTakeSetAside() is { } message; left--)
        {
            bool waits = message.Lane == Lane.Attached && !CanPullFrom(message.Owner) && !IsMoveOver(message);
            PutAway outcome = waits ? PutAway.Refused : TryPutAway(message);
            any |= outcome == PutAway.Done;
            if (outcome == PutAway.Done)
                continue;
            lock (_setAside)
                _setAside.Enqueue(message);
            if (outcome == PutAway.NoRoom)
                break;
        }

        pause = any ? s_shortestPause : TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, s_longestPause.Ticks));
        lock (_setAside)
            return _triesSetAside = _setAside.Count > 0;
    }

    private Lease? TryTakeSetAside()
    {
        lock (_setAside)
            return _setAside.TryDequeue(out Lease? message) ? message : null;
    }
}
