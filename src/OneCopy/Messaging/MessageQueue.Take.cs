using System.Diagnostics.CodeAnalysis;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>Taking one certain message, out of turn.</summary>
public sealed partial class MessageQueue
{
    /// <summary>
    /// Takes a message that a look has found waiting, whether its time has passed or not. The claim is the same compare-and-swap as for the one whose
    /// turn it is; the reference in the ring is stale from then on. False: it does not wait any more.
    /// </summary>
    internal bool TryTake(InspectedMessage seen, [NotNullWhen(true)] out ReceivedMessage? message)
    {
        message = null;
        Enter();
        try
        {
            if (PeerAt(seen.SenderIndex) is not { } owner || owner.Incarnation != seen.Incarnation || seen.Block >= owner.File.BlockCount)
                return false;
            while (true)
            {
                CrashPoint.At(Step.ReceiveState);
                BlockState queued = owner.File.State(seen.Block);
                if (queued.Phase != Phase.Queued || queued.Generation != seen.Generation)
                    return false;
                BlockState leased = queued.To(Phase.Leased, _self.Index);
                CrashPoint.At(Step.ReceiveClaim);
                if (!owner.File.TryChange(seen.Block, queued, leased))
                    continue;
                if (!MessageRecord.TryRead(owner.File, seen.Block, out MessageRecord record) || !owner.TryAddReference())
                {
                    // Withdrawn and gone, or impossible: nobody is to get it.
                    Finish(owner, seen.Block, leased);
                    return false;
                }

                message = new ReceivedMessage(this, owner, seen.Block, leased, record);
                return true;
            }
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Removes the references at the head whose messages are gone, so that senders find the room at once.</summary>
    internal void DropStaleReferences()
    {
        Enter();
        try
        {
            while (_ring.TryPeek(out Ring.Peeked oldest) && ((IStaleness)this).IsStale(oldest.Cell.Reference))
            {
                _ring.Remove(oldest);

                // After the full fence of the removal: somebody may sleep for the room.
                WakeOne(WaitKind.Space);
            }
        }
        finally
        {
            Exit();
        }
    }
}
