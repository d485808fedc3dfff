using System.Runtime.CompilerServices;
using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>Receiving into the caller's memory: the message is copied and completed in one call, and nothing of it is left to be answered.</summary>
public sealed partial class MessageQueue
{
    /// <summary>What one look at the oldest message came to.</summary>
    private enum Taken
    {
        /// <summary>It is copied and done.</summary>
        Yes,

        /// <summary>There is none.</summary>
        Empty,

        /// <summary>It is longer than the destination, and stays where it is.</summary>
        TooLong,

        /// <summary>It is long, was handed out before, may expire, or its reference is stale: it is to be claimed first.</summary>
        NotSo,
    }

    /// <summary>
    /// Waits for the next message, copies it to the caller's memory and completes it. A short one (that fits in a block) costs less than half of what <see cref="Receive(TimeSpan?, CancellationToken)"/>,
    /// <see cref="ReceivedMessage.CopyTo(Span{byte}, CancellationToken)"/> and <see cref="ReceivedMessage.Complete"/> cost together. As with those three, it is handed out again if this process is killed before it is completed;
    /// but what the caller does with it comes after that: a process that ends then has lost it. For messages that must be answered when their work is done, or that have properties, take the other one.
    /// </summary>
    /// <param name="destination">Where the payload goes, at its beginning. If an exception is thrown, what it holds is not defined.</param>
    /// <param name="timeout">How long to wait; null: as long as it takes.</param>
    /// <param name="cancellationToken">Ends the wait, or the copy of a large message between two pieces; that message is in the queue again then.</param>
    /// <returns>Bytes of the message; 0 is a message as well.</returns>
    /// <exception cref="ArgumentException">The message is longer than the destination. It stays in the queue: at its place if only this handle receives.</exception>
    /// <exception cref="TimeoutException">None came in time.</exception>
    /// <exception cref="MessageLostException">It was attached, and its sender ended; it is done.</exception>
    /// <exception cref="OneCopyException">The payload cannot be pulled, nor can its sender move it into its arena. It is handed out again.</exception>
    /// <exception cref="QueueCorruptException">The message's record is impossible; it was thrown away.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public unsafe int Receive(Span<byte> destination, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        nint thread = EnterNew();
        fixed (byte* to = destination)
        {
            Taken taken;
            long length;
            try
            {
                taken = TryTakeShort(to, destination.Length, thread, hasWaited: false, out length);
            }
            catch
            {
                Exit(thread);
                throw;
            }

            if (taken != Taken.Yes)
                return ReceiveOther(taken, to, destination.Length, length, timeout, thread, cancellationToken);
            _gathering.Found(1);
            Exit(thread);
            return (int)length;
        }
    }

    /// <summary>As <see cref="Receive(Span{byte}, TimeSpan?, CancellationToken)"/>, without a wait. False: there is no message.</summary>
    /// <param name="destination">Where the payload goes. If there is none, or an exception is thrown, what it holds is not defined.</param>
    /// <param name="length">Bytes of the message.</param>
    /// <inheritdoc cref="Receive(Span{byte}, TimeSpan?, CancellationToken)" path="/exception[not(contains(@cref, 'Timeout'))]"/>
    public unsafe bool TryReceive(Span<byte> destination, out int length)
    {
        nint thread = EnterNew();
        try
        {
            fixed (byte* to = destination)
                length = TakeNext(to, destination.Length, thread, CancellationToken.None);
            if (length >= 0)
                return true;
            length = 0;
            _ring.ThrowIfInDisorder();
            return false;
        }
        finally
        {
            Exit(thread);
        }
    }

    /// <summary>
    /// As <see cref="TryReceive(Span{byte}, out int)"/>, of as many messages as are there and fit, one payload right behind the other, in their order. To wait for the first one, use
    /// <see cref="Receive(Span{byte}, TimeSpan?, CancellationToken)"/> when this returns 0.
    /// </summary>
    /// <param name="destination">Where the payloads go. Behind the last one, and if there is none or an exception is thrown, what it holds is not defined.</param>
    /// <param name="lengths">Bytes of each message, from the beginning on; no more messages are taken than it has places.</param>
    /// <returns>How many were taken.</returns>
    /// <inheritdoc cref="Receive(Span{byte}, TimeSpan?, CancellationToken)" path="/exception[not(contains(@cref, 'Timeout'))]"/>
    public unsafe int TryReceiveMany(Span<byte> destination, Span<int> lengths)
    {
        if (lengths.IsEmpty)
            return 0;
        int all = 0;
        int used = 0;
        nint thread = EnterNew();
        try
        {
            fixed (byte* to = destination)
            {
                while (all < lengths.Length)
                {
                    int taken = TakeMany(to + used, destination.Length - used, lengths[all..], thread, out int bytes);
                    all += taken;
                    used += bytes;
                    if (taken > 0)
                        continue;

                    // What is not short comes alone, and so does what must be said.
                    if (all > 0)
                        break;
                    int length = TakeNext(to, destination.Length, thread, CancellationToken.None);
                    if (length < 0)
                        break;
                    lengths[all++] = length;
                    used += length;
                }
            }

            _gathering.Found(all);
            return all;
        }
        finally
        {
            Exit(thread);
        }
    }

    /// <summary>As <see cref="Receive(Span{byte}, TimeSpan?, CancellationToken)"/>, waiting without a thread.</summary>
    /// <param name="destination">Where the payload goes; it must stay there until the task is complete.</param>
    /// <param name="cancellationToken">Ends the wait, or the copy of a large message between two pieces; that message is in the queue again then.</param>
    /// <returns>Bytes of the message.</returns>
    /// <inheritdoc cref="Receive(Span{byte}, TimeSpan?, CancellationToken)" path="/exception[not(contains(@cref, 'Timeout'))]"/>
    public ValueTask<int> ReceiveAsync(Memory<byte> destination, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        MakeFirstAwaiters();
        if (!TryReceive(destination.Span, out int length))
            return WaitAsync(this, destination, cancellationToken);
        _gathering.Found(1);
        return new ValueTask<int>(length);

        [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
        static async ValueTask<int> WaitAsync(MessageQueue queue, Memory<byte> destination, CancellationToken ct)
        {
            queue.EnterNew();
            try
            {
                (_, TakeIntoMemory take) = await queue.WaitUntilAsync(WaitKind.Receive, new TakeIntoMemory(destination, ct), Deadline.Never, ct).ConfigureAwait(false);
                return take.Length;
            }
            finally
            {
                queue.Exit();
            }
        }
    }

    /// <summary>The rest of it, where there was no short message at once.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private unsafe int ReceiveOther(Taken taken, byte* destination, int room, long length, TimeSpan? timeout, nint thread, CancellationToken ct)
    {
        try
        {
            int there = TakeOther(taken, destination, room, length, thread, ct) ?? TakeNext(destination, room, thread, ct);
            if (there >= 0)
            {
                _gathering.Found(1);
                return there;
            }

            TakeInto take = new(destination, room, thread, ct);
            return WaitUntil(WaitKind.Receive, ref take, Deadline.After(timeout), ct)
                ? take.Length
                : throw new TimeoutException($"No message came in the queue {Name} in time.");
        }
        finally
        {
            Exit(thread);
        }
    }

    /// <summary>Takes the oldest message that can be had: its length; -1: there is none.</summary>
    /// <param name="destination">Where to.</param>
    /// <param name="room">Bytes there.</param>
    /// <param name="thread">The one that calls.</param>
    /// <param name="ct">Ends the copy of a large one.</param>
    /// <param name="hasWaited">Then another one is hardly there yet, and is not looked for.</param>
    private unsafe int TakeNext(byte* destination, int room, nint thread, CancellationToken ct, bool hasWaited = false)
    {
        while (true)
        {
            Taken taken = TryTakeShort(destination, room, thread, hasWaited, out long length);
            if (taken == Taken.Yes)
                return (int)length;
            if (TakeOther(taken, destination, room, length, thread, ct) is { } other)
                return other;
        }
    }

    /// <summary>What is to be done when a message was not taken at once. Its length, or -1: there is none; null: it is to be looked for again.</summary>
    private unsafe int? TakeOther(Taken taken, byte* destination, int room, long length, nint thread, CancellationToken ct)
    {
        switch (taken)
        {
            case Taken.Empty when _ring.TryPeek(out _):
                return null;
            case Taken.Empty:
                ThrowIfBroken(); // Zeros look like an empty ring.
                return -1;
            case Taken.TooLong:
                throw TooLongFor(room, length);
            default:
                return TryTakeByLease(destination, room, thread, ct, out int other) ? other : null;
        }
    }

    /// <summary>
    /// The oldest message, if it is a short one. Its lines are on their way since the one before it was taken, or since a glance found it. Apart from its callers, which have handlers: within one, the compiler keeps
    /// in memory what follows, and calls the hint to the processor in a roundabout way.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private unsafe Taken TryTakeShort(byte* destination, int room, nint thread, bool hasWaited, out long length)
    {
        length = 0;
        Ring ring = _ring;
        if (!ring.TryPeekAtOnce(out Ring.Peeked oldest))
            return Taken.Empty;
        Taken taken = TryCopyAndComplete(oldest.Cell, destination, room, out long copied, out Peer? owner);
        length = copied;
        if (taken != Taken.Yes)
            return taken;
        _lastSender = oldest.Cell.Participant;

        // After the full fence of the exchange: whoever has not announced its sleep by now looks later, and finds the message done and its reference stale, which it removes itself.
        CrashPoint.At(Step.TakeSleepers);
        if (ring.AnySleeps())
        {
            ring.Remove(oldest);
            WakeOthers();
        }
        else
        {
            ring.RemoveLater(oldest);
        }

        if (!hasWaited)
            PrefetchMessage(ring.Glance(oldest.Position + 1), owner!.File);
        TellEnd(owner!, oldest.Cell.Block);
        CountTaken(1, copied, thread);
        return Taken.Yes;
    }

    /// <summary>
    /// Copies a message of one block while it is queued, and then claims and completes it in one exchange: which fails if anybody has changed its state since that was read, and so says that what was read in between
    /// is this message. Nothing was claimed until then, so nothing is to be given back. Its reference is to be removed then, and its sender told.
    /// </summary>
    /// <param name="cell">The reference.</param>
    /// <param name="destination">Where the payload goes.</param>
    /// <param name="room">Bytes there.</param>
    /// <param name="length">Bytes of the payload.</param>
    /// <param name="owner">Who sent it.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private unsafe Taken TryCopyAndComplete(Cell cell, byte* destination, int room, out long length, out Peer? owner)
    {
        length = 0;
        owner = KnownAt(cell.Participant, Volatile.Read(ref _ring.Entry(cell.Participant)));
        if (owner is null)
            return Taken.NotSo;
        Participant file = owner.File;
        int index = cell.Block;
        if (index >= file.BlockCount)
            return Taken.NotSo;

        byte* block = file.Block(index);
        CrashPoint.At(Step.ReceiveState);
        ref ulong word = ref *(ulong*)(block + BlockLayout.StateOffset);
        BlockState seen = new(Volatile.Read(ref word));
        if (!seen.IsQueuedAs(cell.Generation))
            return Taken.NotSo;
        CrashPoint.At(Step.TakeCopy);
        length = *(long*)(block + BlockLayout.PayloadLengthOffset);
        long body = *(long*)(block + BlockLayout.PayloadOffsetOffset);
        long expires = *(long*)(block + BlockLayout.ExpiresOffset);
        bool isInline = (Lane)block[BlockLayout.LaneOffset] == Lane.Inline;
        if (length > room)
            return StaysThere(file, index, seen, length) ? Taken.TooLong : Taken.NotSo;

        // Read once and then checked: another process may write what it likes.
        if (!isInline || seen.Attempts != 0 || expires != 0 || body < BlockLayout.InlineOffset || length < 0 || body > file.BlockSize - length)
            return Taken.NotSo;
        VectorCopy.Copy(block + body, destination, length);
        if (file.IsDamaged)
            return Taken.NotSo;

        // A full fence: the copy is before it, and what follows is looked at after it can be seen.
        CrashPoint.At(Step.TakeState);
        return Interlocked.CompareExchange(ref word, seen.To(Phase.Done, _self.Index).Bits, seen.Bits) == seen.Bits ? Taken.Yes : Taken.NotSo;
    }

    // What was read of it is that message's, and it is not one to be put away instead.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool StaysThere(Participant file, int block, BlockState seen, long length)
    {
        bool isPossible = MessageRecord.TryRead(file, block, out MessageRecord record) && record.Length == length && !record.HasExpired;
        Volatile.ReadBarrier();
        return isPossible && file.State(block) == seen && seen.Attempts < _ring.MaxAttempts;
    }

    private void CountTaken(int messages, long bytes, nint thread)
    {
        Leases.Enter(thread);
        _self.CountInGate(Counter.CompletedInline, Lane.Inline, messages, bytes);
        Leases.Exit();
    }

    /// <summary>One walk along the ring, as <see cref="ClaimMany"/>: short messages, until one is not, or does not fit.</summary>
    private unsafe int TakeMany(byte* destination, int room, Span<int> lengths, nint thread, out int bytes)
    {
        int taken = 0;
        bytes = 0;
        if (!_ring.TryPeek(out Ring.Peeked first))
            return 0;
        ulong position = first.Position;
        ulong* place = first.Place;
        Cell cell = first.Cell;
        for (uint i = 0; i < Math.Min((uint)lengths.Length, LookAhead); i++)
            PrefetchMessage(position + i);
        int most = Math.Min(lengths.Length, MostAtOnce);
        do
        {
            if (TryCopyAndComplete(cell, destination + bytes, room - bytes, out long length, out Peer? owner) != Taken.Yes)
                break;
            Ring.TakeOut(place, cell);
            TellEnd(owner!, cell.Block);
            lengths[taken++] = (int)length;
            bytes += (int)length;
            PrefetchMessage(_ring.Glance(position + LookAhead), owner!.File);
            place = _ring.PlaceAt(++position);
        }
        while (taken < most && _ring.TryLookAt(position, place, out cell));
        if (taken == 0)
            return 0;
        _ring.AdvanceHead(position);
        WakeOthers();
        CountTaken(taken, bytes, thread);
        return taken;
    }

    /// <summary>Claims the oldest message, copies and completes it. False: it was withdrawn meanwhile, or there is none any more.</summary>
    private unsafe bool TryTakeByLease(byte* destination, int room, nint thread, CancellationToken ct, out int length)
    {
        length = 0;
        if (ClaimOther(thread) is not { } lease)
            return false;
        using ReceivedMessage message = new(lease);
        if (message.Length > room)
        {
            message.GiveBack();
            throw TooLongFor(room, message.Length);
        }

        try
        {
            length = (int)message.Length;
            message.CopyTo(0, destination, length, ct);
            return message.TryComplete(thread);
        }
        catch (MessageWithdrawnException)
        {
            return false;
        }
        catch (OperationCanceledException)
        {
            message.GiveBack();
            throw;
        }
    }

    private ArgumentException TooLongFor(int room, long length) =>
        new($"The next message of queue {Name} has {length:N0} bytes, the destination {room:N0}. It stays in the queue: receive it into more, or with the Receive that hands out a ReceivedMessage.");

    private unsafe struct TakeInto(byte* destination, int room, nint thread, CancellationToken ct) : IAttempt
    {
        public int Length { get; private set; }

        public readonly bool MaySucceed(MessageQueue queue) => queue.SeesMessage();

        public bool Try(MessageQueue queue) => (Length = queue.TakeNext(destination, room, thread, ct, hasWaited: true)) >= 0;
    }

    private unsafe struct TakeIntoMemory(Memory<byte> destination, CancellationToken ct) : IAttempt
    {
        public int Length { get; private set; }

        public readonly bool MaySucceed(MessageQueue queue) => queue.SeesMessage();

        public bool Try(MessageQueue queue)
        {
            fixed (byte* to = destination.Span)
                return (Length = queue.TakeNext(to, destination.Length, CurrentThread.Id, ct, hasWaited: true)) >= 0;
        }
    }
}
