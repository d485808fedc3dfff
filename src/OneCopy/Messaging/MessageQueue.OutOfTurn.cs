using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>One certain message, out of turn.</summary>
public sealed partial class MessageQueue
{
    /// <summary>
    /// Takes a message that a look has found waiting, whether its time has passed or not. The claim is the same compare-and-swap as for the one whose
    /// turn it is; the reference in the ring is stale from then on. False: it does not wait any more.
    /// </summary>
    internal bool TryClaimOutOfTurn(InspectedMessage seen, out ReceivedMessage message)
    {
        message = default;
        Enter();
        try
        {
            if (PeerAt(seen.SenderIndex) is not { } owner || owner.Incarnation != seen.Incarnation
                || !TryClaim(owner, seen.Block, seen.Generation, uint.MaxValue, out BlockState leased))
                return false;
            if (AdmitOutOfTurn(owner, seen.Block, leased) is not { } lease)
                return false;
            message = new ReceivedMessage(lease);
            return true;
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Of a claimed message. Null: it is withdrawn, or impossible, and then nobody is to get it.</summary>
    internal Lease? AdmitOutOfTurn(Peer owner, int block, BlockState leased)
    {
        if (MessageRecord.TryRead(owner.File, block, out MessageRecord record))
        {
            // As in Admit: what was read may be the sender's next message.
            return IsStillMine(owner, block, leased) ? StartLease(owner, block, leased, record, CurrentThread.Id) : null;
        }

        Finish(owner, block, leased);
        return null;
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
