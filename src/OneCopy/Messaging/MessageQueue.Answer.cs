using System.Runtime.CompilerServices;
using OneCopy.Interop;
using OneCopy.Memory;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>The three answers to a message: complete, abandon, dead-letter.</summary>
public sealed partial class MessageQueue
{
    private readonly MonitorLock _deadLetterGate = new();
    private MessageQueue? _deadLetters;

    /// <summary>The queue that this one's dead letters go to: an ordinary queue, which anybody may open and receive from.</summary>
    public string DeadLetterQueueName => _directory.DeadLetters.Name;

    internal void FinishDeadLettered(Peer owner, int block, BlockState leased)
    {
        Enter();
        try
        {
            Finish(owner, block, leased);
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Complete. False: the message was withdrawn meanwhile.</summary>
    internal bool TryComplete(ReceivedMessage message)
    {
        nint thread = Enter();
        try
        {
            return message.TryComplete(thread);
        }
        finally
        {
            Exit(thread);
        }
    }

    /// <summary>Within an operation and within the gate of the leases, so that no exchange is needed: nobody else writes these words.</summary>
    internal void CountCompleted(Lane lane, long length) => _self.CountInGate(Counter.CompletedInline, lane, 1, length);

    /// <summary>Abandon. False: it was withdrawn, or it is lost with its sender.</summary>
    internal bool TryAbandon(Peer owner, int block, BlockState leased, bool countAttempt = true)
    {
        if (!TryEnter())
            return false; // Closing gave it back.
        try
        {
            if (IsGoneOrDead(owner) && MessageRecord.IsAttached(owner.File, block))
            {
                Lose(owner, block, leased);
                return false;
            }

            BlockState queued = leased.ToRequeued(_self.Index, countAttempt);
            CrashPoint.At(Step.AbandonState);
            if (!owner.File.TryChange(block, leased, queued))
                return false;
            CrashPoint.At(Step.AbandonEnqueue);
            EnqueueOrPutOff(new MessageReference(owner.Index, block, queued.Generation & Cell.GenerationMask));
            _self.Count(Counter.Abandoned, countAttempt ? 1 : 0);
            return true;
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Moves the message to the dead-letter queue: there first, then done here, so that it is never in neither.</summary>
    internal void DeadLetter(Lease message, string reason, CancellationToken ct)
    {
        Enter();
        try
        {
            SendDeadLetter(message, new Verdict(reason, message.DeliveryAttempt), wait: true, ct);
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>The message's end, for whoever holds it: its owner is told, and retired if it is dead and this was its last.</summary>
    internal bool Finish(Peer owner, int block, BlockState leased)
    {
        CrashPoint.At(Step.CompleteState);
        if (!owner.File.TryChange(block, leased, leased.To(Phase.Done, _self.Index)))
            return false;

        TellEnd(owner, block);
        return true;
    }

    // After the full fence of the change: the owner's flag and the table are looked at after it can be seen.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void TellEnd(Peer owner, int block)
    {
        CrashPoint.At(Step.CompleteRing);
        if (owner.File.WaitsForEndOf(block))
            RingSender(owner);
        CrashPoint.At(Step.CompleteRetire);
        if (IsGoneOrDead(owner))
            RetireSender(owner);
    }

    // Both apart, so that what they need is not made ready for each message.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void RingSender(Peer owner) => owner.TryRing(WaitKind.Own);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void RetireSender(Peer owner) => NewRecovery().TryRetire(owner.File);

    /// <summary>As <see cref="Finish"/>, of a message that cannot be read.</summary>
    internal void FinishDamaged(Peer owner, int block, BlockState leased)
    {
        if (!TryEnter())
            return; // Closing gave it back, as far as it could be.
        try
        {
            Finish(owner, block, leased);
        }
        finally
        {
            Exit();
        }
    }

    internal void Lose(Peer owner, int block, BlockState leased)
    {
        if (Finish(owner, block, leased))
            _self.Count(Counter.LostWithSender);
    }

    /// <summary>At the last attempt's end, or at the claim after it: true = it is a dead letter now (or nothing is left of it).</summary>
    internal bool TryDeadLetterExhausted(Lease message)
    {
        // At the claim, the attempt that is just beginning is one too many.
        bool claimed = message.DeliveryAttempt > _ring.MaxAttempts;
        if (message.DeliveryAttempt < _ring.MaxAttempts || !TryEnter())
            return false;
        try
        {
            int times = message.DeliveryAttempt - (claimed ? 1 : 0);
            return SendDeadLetter(message, new Verdict($"handed out {times} times without being completed", times), wait: false, CancellationToken.None);
        }
        catch (Exception e) when (e is MessageLostException or MessageWithdrawnException)
        {
            return true;
        }
        catch (Exception e) when (e is OneCopyException or InvalidOperationException or ArgumentException or OutOfMemoryException)
        {
            return false; // It cannot be put there: handed out once more rather than kept from everybody.
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Why a message becomes a dead letter, and how often it was handed out before.</summary>
    private readonly record struct Verdict(string Reason, int Attempts, bool Expired = false);

    /// <summary>False: the dead-letter queue has no room and must not be waited for.</summary>
    private bool SendDeadLetter(Lease message, Verdict verdict, bool wait, CancellationToken ct)
    {
        MessageQueue deadLetters = DeadLetters();
        MessageProperties properties = message.Properties.Copy();
        DeadLetterHeaders.Write(message, properties, Name, verdict.Reason, verdict.Attempts);
        CrashPoint.At(Step.DeadSend);
        if (!deadLetters.TrySendCopy(message, new SendOptions { Properties = properties, TimeToLive = Timeout.InfiniteTimeSpan }, wait, ct))
            return false;
        CrashPoint.At(Step.DeadState);
        _self.Count(Counter.DeadLettered);
        if (verdict.Expired)
            _self.Count(Counter.Expired);
        message.FinishDeadLettered();
        return true;
    }

    /// <summary>
    /// Sends another queue's message on: its payload is copied once, from where it is to where it goes, whatever its length. False: there is no room, and it is
    /// not to be waited for.
    /// </summary>
    private unsafe bool TrySendCopy(Lease source, SendOptions options, bool wait, CancellationToken ct)
    {
        Needs needs = Needs.OfPayload(source.Length, options.Properties?.EncodedLength() ?? 0);
        Enter();
        try
        {
            if (!TryDraft(needs, options.Properties, out Draft draft))
            {
                if (!wait)
                    return false;
                draft = WaitForDraft(needs, options.Properties, Deadline.Never, ct);
            }

            try
            {
                source.CopyTo(0, draft.Body, source.Length, ct);
            }
            catch
            {
                Discard(draft);
                throw;
            }

            // To the microsecond: a replay looks at those alone that were there when it began.
            *(long*)(_self.Block(draft.Block) + BlockLayout.TimeSentOffset) = MessageRecord.Now;
            LimitLife(draft, options);
            if (wait)
                Publish(draft, Deadline.Never, ct);
            else if (!TryPublish(draft))
                return false;

            EndSend(source.Length, CurrentThread.Id);
            return true;
        }
        finally
        {
            Exit();
        }
    }

    private MessageQueue DeadLetters()
    {
        lock (_deadLetterGate)
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _closed), this);
            return _deadLetters ??= Join(_directory.DeadLetters.SharedWith(_ring.Access), _options with { MaxDeliveryAttempts = ushort.MaxValue, TimeToLive = null }, create: true)!;
        }
    }
}
