using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>What streams and pipes over a queue need of it beyond sending and receiving: waiting for other conditions, and seeing what becomes of their own messages.</summary>
public sealed partial class MessageQueue
{
    internal long ArenaLimit => _options.ArenaLimit;

    internal int OwnBlocks => _blocks.Length;

    /// <summary>Calls <paramref name="attempt"/> once, within an operation.</summary>
    internal bool Try<TState>(TState state, Func<MessageQueue, TState, bool> attempt)
    {
        EnterNew();
        try
        {
            return attempt(this, state);
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Waits in this thread until <paramref name="attempt"/> succeeds. False: the deadline passed.</summary>
    internal bool Wait<TState>(WaitKind kind, TState state, Func<MessageQueue, TState, bool> attempt, long deadline, CancellationToken ct)
    {
        EnterNew();
        try
        {
            return WaitUntil(kind, state, attempt, deadline, ct);
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>The same without a thread.</summary>
    internal async ValueTask WaitAsync<TState>(WaitKind kind, TState state, Func<MessageQueue, TState, bool> attempt, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        EnterNew();
        try
        {
            await WaitUntilAsync(kind, new StateAttempt<TState>(state, attempt), Deadline.Never, ct).ConfigureAwait(false);
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>The state of an own message's block. Within an operation.</summary>
    internal BlockState OwnState(int block) => _self.State(block);

    /// <summary>Takes back an own message that was copied into the queue and that nobody holds. Within an operation.</summary>
    internal bool TryTakeFromQueue(int block, uint generation) => TryWithdraw(block, generation);

    /// <summary>Whether a message's sender has closed its handle or died. Within an operation.</summary>
    internal bool HasLeft(Peer sender) => IsGoneOrDead(sender);

    /// <summary>The same of a place in the table: nobody living has it.</summary>
    internal bool HasLeft(int index) => TryPeerAt(index) is not { } peer || IsGoneOrDead(peer);

    /// <summary>The next message, if there is one. Within an operation.</summary>
    internal bool TryClaim(out ReceivedMessage message) => Handed(ClaimNext(CurrentThread.Id), out message);

    /// <summary>Abandon, and wake the sender in any case.</summary>
    internal void GiveUp(Peer owner, int block, BlockState leased)
    {
        if (!TryEnter())
            return; // Closing gave it back.
        try
        {
            // After the full fence of the state's change.
            if (TryAbandon(owner, block, leased) && Volatile.Read(ref owner.File.OwnSleeping) != 0)
                owner.File.Ring(WaitKind.Own);
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>False: the dead-letter queue has no room now, or cannot be written.</summary>
    internal bool TryDeadLetter(Lease message, string reason)
    {
        Enter();
        try
        {
            return SendDeadLetter(message, new Verdict(reason, message.DeliveryAttempt), wait: false, CancellationToken.None);
        }
        catch (OneCopyException)
        {
            return false;
        }
        finally
        {
            Exit();
        }
    }
}
