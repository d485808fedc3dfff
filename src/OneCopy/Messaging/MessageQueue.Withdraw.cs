using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>Taking a message back: because its sender does not want to wait any more, or because it cannot be delivered.</summary>
public sealed partial class MessageQueue
{
    private bool IsDone(AttachedSend waiting)
    {
        BlockState s = _self.State(waiting.Block);
        return s.Generation != waiting.Generation || s.Phase is Phase.Done or Phase.Free;
    }

    /// <summary>
    /// Withdraw: the next generation, and the memory is the caller's again at once. An attached message is taken even from a receiver that holds
    /// it; inline and arena bytes may be being read in place, and are not.
    /// </summary>
    private bool TryWithdraw(AttachedSend waiting)
    {
        // Not while the payload is being moved into the arena; afterwards it is an arena message.
        lock (waiting.Gate)
            return TryWithdraw(waiting.Block, waiting.Generation);
    }

    private bool TryWithdraw(int block, uint generation)
    {
        while (true)
        {
            BlockState s = _self.State(block);
            bool attached = MessageRecord.IsAttached(_self, block);
            if (s.Generation != generation || !(s.Phase == Phase.Queued || (s.Phase == Phase.Leased && attached)))
                return false;
            BlockState withdrawn = new(NextGeneration(s), Phase.Filling, _self.Index, 0);
            CrashPoint.At(Step.WithdrawState);
            if (!_self.TryChange(block, s, withdrawn))
                continue;
            CrashPoint.At(Step.WithdrawRing);
            _self.Count(Counter.Withdrawn);

            // A receiver that waits for this payload to be moved or pushed looks up. After the full fence of the change.
            if (s.Phase == Phase.Leased && TryPeerAt(s.Actor) is { } holder && Volatile.Read(ref holder.File.OwnSleeping) != 0)
                holder.File.Ring(WaitKind.Own);
            Discard(new Draft(block, withdrawn, 0, 0));
            return true;
        }
    }

    /// <summary>This process ends its own send: the message is withdrawn, its receiver learns that, and the send throws.</summary>
    private void TakeBack(AttachedSend waiting, Exception why)
    {
        lock (waiting.Gate)
        {
            if (!TryWithdraw(waiting))
                return; // Done after all.
            waiting.TakenBack = why;
        }

        waiting.Signal();
    }

    private static void ThrowIfTakenBack(AttachedSend waiting)
    {
        // With its gate: who takes it back sets the reason after the state.
        lock (waiting.Gate)
        {
            if (waiting.TakenBack is { } why)
                throw why;
        }
    }

    private static OneCopyException LostPayload(long length) => new(
        "process_vm_readv", Errno.EFAULT, $"the payload of {length:N0} bytes in this process",
        "Its memory was unmapped, or its file truncated, before a receiver had it. Nothing of it was delivered; leave the memory as it is until the send has completed.");

    private OneCopyException NoOtherWay(int receiver)
    {
        Peer? peer = TryPeerAt(receiver);
        return new OneCopyException(
            $"Participant {receiver} (process {peer?.File.Pid}) of queue {Name} can neither copy the payload out of this process's memory nor have it copied into its own" +
            $"{(peer?.Push.Refusal is { } why ? $": {why}" : ".")} The message was taken back, as QueueOptions.Attach is Required; with Allowed it would go through shared memory. " +
            $"'onecopy queue stat {Name}' shows who was refused what.");
    }
}
