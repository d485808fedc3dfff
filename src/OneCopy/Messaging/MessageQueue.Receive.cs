using System.Runtime.CompilerServices;
using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>Receiving: the claim of a message, and waiting for one.</summary>
public sealed partial class MessageQueue
{
    // Who sent what was received last: whom a wait is for, most likely.
    private int _lastSender;

    /// <summary>Waits for the next message and takes it on a lease, which ends with its completion, or with this process.</summary>
    /// <param name="timeout">How long to wait; null: as long as it takes.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="TimeoutException">None came in time.</exception>
    /// <exception cref="QueueCorruptException">A message's record is impossible; that message was thrown away.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public ReceivedMessage Receive(TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        ClaimOrWait(timeout ?? Timeout.InfiniteTimeSpan, cancellationToken) is { } lease
            ? new ReceivedMessage(lease)
            : throw new TimeoutException($"No message came in the queue {Name} in time.");

    /// <summary>Takes the next message if there is one. Does not wait for one.</summary>
    /// <param name="message">The message, on a lease.</param>
    /// <exception cref="QueueCorruptException">A message's record is impossible; that message was thrown away.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public bool TryReceive(out ReceivedMessage message)
    {
        nint thread = EnterNew();
        try
        {
            if (Handed(ClaimNext(thread), out message))
                return true;
            _ring.ThrowIfInDisorder();
            return false;
        }
        finally
        {
            Exit(thread);
        }
    }

    /// <summary>Takes the next message, waiting for one. False: none came in time.</summary>
    /// <param name="timeout">How long to wait.</param>
    /// <param name="message">The message, on a lease.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="QueueCorruptException">A message's record is impossible; that message was thrown away.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public bool TryReceive(TimeSpan timeout, out ReceivedMessage message, CancellationToken cancellationToken = default) =>
        Handed(ClaimOrWait(timeout, cancellationToken), out message);

    // Null: none came in time.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Lease? ClaimOrWait(TimeSpan timeout, CancellationToken ct)
    {
        nint thread = EnterNew();
        Lease? lease;
        try
        {
            lease = TryClaimShort(thread);
        }
        catch
        {
            Exit(thread);
            throw;
        }

        // Where there is none, the operation goes on.
        if (lease is null)
            return ClaimOtherOrWait(timeout, thread, ct);
        _gathering.Found(1);
        Exit(thread);
        return lease;
    }

    // Within an operation, which it ends. Apart, so that its locals are not made ready for each message that is there already.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Lease? ClaimOtherOrWait(TimeSpan timeout, nint thread, CancellationToken ct)
    {
        try
        {
            // One try first: the clock is read by those alone who wait.
            Lease? lease = ClaimOther(thread);
            if (lease is null)
                lease = WaitForMessage(timeout, ct);
            else
                _gathering.Found(1);
            return lease;
        }
        finally
        {
            Exit(thread);
        }
    }

    // Apart, so that its locals are not made ready for each message that is there already.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Lease? WaitForMessage(TimeSpan timeout, CancellationToken ct)
    {
        Claim claim = default;
        WaitUntil(WaitKind.Receive, ref claim, Deadline.After(timeout), ct);
        return claim.Claimed;
    }

    /// <summary>Waits for the next message without a thread, and takes it on a lease.</summary>
    /// <param name="cancellationToken">Ends the wait; no message is lost by it.</param>
    /// <exception cref="QueueCorruptException">A message's record is impossible; that message was thrown away.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public ValueTask<ReceivedMessage> ReceiveAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        MakeFirstAwaiters();
        if (!TryReceive(out ReceivedMessage message))
            return WaitAsync(this, cancellationToken);
        _gathering.Found(1);
        return new ValueTask<ReceivedMessage>(message);

        [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
        static async ValueTask<ReceivedMessage> WaitAsync(MessageQueue queue, CancellationToken ct)
        {
            queue.EnterNew();
            try
            {
                (_, Claim claim) = await queue.WaitUntilAsync(WaitKind.Receive, default(Claim), Deadline.Never, ct).ConfigureAwait(false);
                return new ReceivedMessage(claim.Claimed!);
            }
            finally
            {
                queue.Exit();
            }
        }
    }

    /// <summary>
    /// All messages, one after the other, until cancelled or closed. Each one is to be answered (<see cref="ReceivedMessage.Complete"/> and
    /// its kin); one that was not is given back when the next is asked for.
    /// </summary>
    /// <param name="cancellationToken">Ends the enumeration with <see cref="OperationCanceledException"/>.</param>
    public async IAsyncEnumerable<ReceivedMessage> ReceiveAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (true)
        {
            using ReceivedMessage message = await ReceiveAsync(cancellationToken).ConfigureAwait(false);
            yield return message;
        }
    }

    private struct Claim : IAttempt
    {
        public Lease? Claimed { get; private set; }

        public readonly bool MaySucceed(MessageQueue queue) => queue.SeesMessage();

        public bool Try(MessageQueue queue) => (Claimed = queue.ClaimNext(CurrentThread.Id, hasWaited: true)) is not null;
    }

    private static bool Handed(Lease? lease, out ReceivedMessage message)
    {
        message = lease is null ? default : new ReceivedMessage(lease);
        return lease is not null;
    }

    /// <summary>Null: the owner's file is not mapped any more.</summary>
    private Lease? StartLease(Peer owner, int block, BlockState leased, in MessageRecord record, nint thread)
    {
        Lease? lease = owner.TakeLease(this, thread);
        lease?.Start(block, leased, record);
        return lease;
    }

    /// <summary>Receive: the oldest message that can be claimed. Null: the ring is empty.</summary>
    /// <param name="thread">The one that calls.</param>
    /// <param name="hasWaited">Then another one is hardly there yet, and is not looked for.</param>
    private Lease? ClaimNext(nint thread, bool hasWaited = false) => TryClaimShort(thread, hasWaited) ?? ClaimOther(thread, hasWaited);

    /// <summary>The same of any, after none was found that is short.</summary>
    private unsafe Lease? ClaimOther(nint thread, bool hasWaited = false)
    {
        for (int tries = 0; _ring.TryPeek(out Ring.Peeked oldest); tries++)
        {
            MessageReference reference = oldest.Cell.Reference;
            Peer? owner = OwnerOf(reference, out QueueCorruptException? corrupt);
            PrefetchPayload(owner, reference.Block);
            Processor.PrefetchForWrite(oldest.Place);
            BlockState leased = default;
            bool claimed = owner is not null && TryClaim(owner, reference.Block, reference.Generation, Cell.GenerationMask, out leased);
            _ring.Remove(oldest);

            // After the full fence of the removal: somebody may sleep for the room; others for the messages behind this one.
            WakeOne(WaitKind.Space);
            if (!claimed)
            {
                if (UnsaidDamage(reference.Participant, owner, corrupt) is { } damage)
                    throw damage;
                if (tries == 0)
                    Ring.GiveWay(); // Once: there may be many stale references.
                continue;
            }

            _lastSender = reference.Participant;
            PassOn();
            if (!hasWaited)
                PrefetchMessage(oldest.Position + 1);
            if (Admit(owner!, reference.Block, leased, thread) is { } lease)
                return lease;
        }

        ThrowIfBroken(); // Zeros look like an empty ring.
        return null;
    }

    /// <summary>The oldest message, if it is a short one, on a lease. Null: nothing was done, and it is to be looked for in another way. Apart from its callers, as <see cref="TryTakeShort"/>.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private unsafe Lease? TryClaimShort(nint thread, bool hasWaited = false)
    {
        Ring ring = _ring;
        if (!ring.TryPeekAtOnce(out Ring.Peeked oldest))
            return null;
        Processor.PrefetchForWrite(oldest.Place);
        if (ClaimShort(oldest.Cell, thread) is not { } lease)
            return null;
        _lastSender = oldest.Cell.Participant;
        ring.RemoveInTurn(oldest);

        // After the full fence of the removal: somebody may sleep for the room; others for the messages behind this one.
        if (ring.AnySleeps())
        {
            ring.FollowTo(oldest.Position + 1); // Where they look.
            WakeOthers();
        }

        if (!hasWaited)
            PrefetchMessage(ring.Glance(oldest.Position + 1), lease.Owner.File);
        return lease;
    }

    /// <summary>
    /// Claims a short message without properties that was not handed out before, on a lease that is there already. What is copied of its record is so while it is queued; the exchange of the claim says that it was this
    /// message's. Its reference is to be removed then. Null: nothing was done.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private unsafe Lease? ClaimShort(Cell cell, nint thread)
    {
        Peer? owner = KnownAt(cell.Participant, Volatile.Read(ref _ring.Entry(cell.Participant)));
        if (owner is null)
            return null;
        Participant file = owner.File;
        if (cell.Block >= file.BlockCount)
            return null;
        byte* block = file.Block(cell.Block);
        CrashPoint.At(Step.ReceiveState);
        ref ulong word = ref *(ulong*)(block + BlockLayout.StateOffset);
        BlockState queued = new(Volatile.Read(ref word));
        if (!queued.IsQueuedAs(cell.Generation) || queued.Attempts != 0 || !MessageRecord.TryReadShort(file, block, out MessageRecord record)
            || owner.TakeIdleLease(this, thread) is not { } lease)
        {
            return null;
        }

        BlockState leased = queued.To(Phase.Leased, _self.Index);
        CrashPoint.At(Step.ReceiveClaim);
        if (Interlocked.CompareExchange(ref word, leased.Bits, queued.Bits) != queued.Bits)
        {
            GiveBack(lease, thread);
            return null;
        }

        owner.LikelyGeneration = queued.Generation;
        lease.Start(cell.Block, leased, record);
        return lease;
    }

    /// <summary>One that was not used.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void GiveBack(Lease lease, nint thread)
    {
        Leases.Enter(thread);
        bool isKept = lease.Owner.TryReturn(lease);
        Leases.Exit();
        if (!isKept)
            ReleaseLater(lease.Owner);
    }

    /// <summary>After a full fence behind what was taken out: who waits for the room, and who for what is left.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void WakeOthers()
    {
        WakeOne(WaitKind.Space);
        PassOn();
    }

    /// <summary>A glance of one who waits. What it finds is on its way at once, before it is looked at in earnest.</summary>
    private bool SeesMessage()
    {
        if (!_ring.SeesNews(out Cell seen))
            return false;
        PrefetchMessage(seen);
        return true;
    }

    /// <summary>There may be more than was taken, and somebody who sleeps. By the cell at the head, as the tail's line is its senders'.</summary>
    private void PassOn()
    {
        CrashPoint.At(Step.ReceivePass);
        if (_ring.AnySleeps(WaitKind.Receive) && _ring.SeesNews(out _))
            WakeOne(WaitKind.Receive);
    }

    /// <summary>The claim: one compare-and-swap, whose success makes the message this participant's.</summary>
    private bool TryClaim(Peer owner, int block, uint generation, uint generationMask, out BlockState leased)
    {
        leased = default;
        if (block >= owner.File.BlockCount)
            return false;

        // Blocks are used in turn, so it is most likely of the generation of the one before, and new. If not, the exchange says what it is, as a look would that fetches the line for writing.
        CrashPoint.At(Step.ReceiveState);
        BlockState seen = new((owner.LikelyGeneration & ~generationMask) | generation, Phase.Queued, owner.Index, 0);
        while (true)
        {
            leased = seen.To(Phase.Leased, _self.Index);
            CrashPoint.At(Step.ReceiveClaim);
            BlockState found = owner.File.Change(block, seen, leased);
            if (found == seen)
            {
                owner.LikelyGeneration = seen.Generation;
                return true;
            }

            if (found.Phase != Phase.Queued || (found.Generation & generationMask) != generation)
                return false;
            seen = found;
        }
    }

    /// <summary>The line behind the record, while the exchange on the state waits for the record's own.</summary>
    private static unsafe void PrefetchPayload(Peer? owner, int block)
    {
        if (owner is not null && block < owner.File.BlockCount)
            Processor.Prefetch(owner.File.Block(block) + BlockLayout.InlineOffset);
    }

    /// <summary>Both ends of a payload in the arena, where its head is and, of what has one, the table of contents, while the rest of the hand-over is done.</summary>
    private static unsafe void PrefetchEnds(Peer owner, in MessageRecord record)
    {
        if (record.Lane != Lane.Arena)
            return;
        byte* body = owner.File.Arena(record.BodyOffset);
        Processor.Prefetch(body);
        Processor.Prefetch(body + record.Length - 1);
    }

    /// <summary>What will be read first of the message at a position, if it is there and its sender is known.</summary>
    private void PrefetchMessage(ulong position) => PrefetchMessage(_ring.Glance(position));

    private unsafe void PrefetchMessage(Cell cell)
    {
        if (cell.IsEmpty || Volatile.Read(ref _peers[cell.Participant]) is not { } owner || cell.Block >= owner.File.BlockCount)
            return;
        PrefetchLines(owner.File.Block(cell.Block));
    }

    /// <summary>The same where it is mostly of this sender.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private unsafe void PrefetchMessage(Cell cell, Participant sender)
    {
        if (cell.Participant != sender.Index)
            PrefetchMessage(cell);
        else if (cell.Block < sender.BlockCount)
            PrefetchLines(sender.Block(cell.Block));
    }

    /// <summary>State and record are one line, which is to be written as well; the payload begins the next.</summary>
    private static unsafe void PrefetchLines(byte* block)
    {
        Processor.PrefetchForWrite(block);
        Processor.Prefetch(block + BlockLayout.InlineOffset);
    }

    internal Lease? Admit(Peer owner, int block, BlockState leased, nint thread)
    {
        MessageRecord record;
        try
        {
            record = MessageRecord.Read(owner.File, block);
        }
        catch (QueueCorruptException)
        {
            // Withdrawn meanwhile, the record was another message's; else it is as it says, and nobody is to get it again.
            if (!Finish(owner, block, leased))
                return null;
            throw;
        }

        PrefetchEnds(owner, record);

        // Withdrawn between the claim and the reading of its record, the block may hold the sender's next message by now, and that record
        // was read under this claim. What is not attached cannot be withdrawn from here on.
        if (!IsStillMine(owner, block, leased))
            return null;
        bool expired = record.HasExpired;
        if (leased.Attempts > 0 && !expired)
            _self.Count(Counter.Redelivered);
        if (StartLease(owner, block, leased, record, thread) is not { } message)
            return null; // Withdrawn, and its sender gone.
        if (expired)
        {
            PutAwayExpired(message);
            return null;
        }

        if (leased.Attempts >= _ring.MaxAttempts && TryDeadLetterExhausted(message))
        {
            message.Dispose();
            return null;
        }

        // At once, so that it is there when it is read: unless it can be pulled, or pushed when there is a place for it.
        if (record.Lane == Lane.Attached && !CanPullFrom(owner) && !(owner.Pull.Access == PullAccess.Refused && CanBePushedBy(owner)))
            AskForMove(owner, block, leased);
        return message;
    }
}
