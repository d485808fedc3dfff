using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>
/// The way of a short message with no options, whose block was taken ahead: the same steps as of any other (<see cref="Send(ReadOnlySpan{byte}, SendOptions?, CancellationToken)"/>), without what such a one cannot need.
/// </summary>
public sealed unsafe partial class MessageQueue
{
    // So many messages; with fewer the lines are late.
    private const int Further = 16;

    // What is copied within the gate of the blocks, for which this handle's other threads wait.
    private const int LongestInGate = 4096;

    /// <summary>False: nothing was done, and it is to go the way of all others.</summary>
    /// <param name="payload">Any.</param>
    /// <param name="mayWait">For room in the ring.</param>
    /// <param name="ct">Ends that wait.</param>
    private bool TrySendShort(ReadOnlySpan<byte> payload, bool mayWait, CancellationToken ct)
    {
        Participant self = _self;
        Ring ring = _ring;
        if (payload.Length > Math.Min(self.InlineCapacity, LongestInGate) || ring.TimeToLive != 0 || ct.IsCancellationRequested)
            return false;
        nint thread = EnterNew();

        // Nothing throws until it is left: within a handler the compiler would keep in memory all that follows. And one entry of the gate for all that is under it.
        ulong tail = Volatile.Read(ref ring.Tail);
        ulong* place = ring.PlaceAt(tail);
        Processor.PrefetchForWrite(place); // Its line comes while the block is filled.
        CrashPoint.At(Step.SendTake);
        _blocksGate.Enter(thread);
        int block = _blockAhead;
        uint generation = _generationAhead;
        _generationAhead = 0;
        _isBehind = false;
        if (generation == 0)
        {
            _blocksGate.Exit();
            Exit(thread);
            return false;
        }

        CrashPoint.At(Step.SendRecord);
        byte* p = self.Block(block);
        FillShort(p, payload, (ulong)++_sequence, MessageRecord.RoughNow);
        MarkQueued(p, generation);
        if (!ring.TryEnqueueAtOnce(tail, place, new MessageReference(self.Index, block, generation)))
        {
            _blocksGate.Exit();
            return TrySendQueued(new ShortDraft(block, generation), payload.Length, mayWait, thread, ct);
        }

        self.CountInGate(Counter.SentInline, Lane.Inline, 1, payload.Length);
        TakeAhead();
        _blocksGate.Exit();
        CrashPoint.At(Step.SendWake);
        if (ring.AnySleeps(WaitKind.Receive))
            WakeOrExit(thread);
        if (IsBroken)
            throw ExitedBroken(thread);
        Exit(thread);
        return true;
    }

    // Its locks can be interrupted (Thread.Interrupt).
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void WakeOrExit(nint thread)
    {
        try
        {
            WakeOne(WaitKind.Receive);
        }
        catch
        {
            Exit(thread);
            throw;
        }
    }

    /// <summary>The rest of it, where another sender was first, or the ring is full. False: it is not sent.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TrySendQueued(ShortDraft queued, int length, bool mayWait, nint thread, CancellationToken ct)
    {
        try
        {
            Draft draft = AsDraft(queued);
            if (mayWait)
            {
                Enqueue(draft, Deadline.Never, ct, keepDraft: false);
            }
            else if (TryEnqueueQueued(draft))
            {
                CrashPoint.At(Step.SendWake);
                WakeOne(WaitKind.Receive);
            }
            else
            {
                Discard(draft);
                return false;
            }

            ThrowIfBroken();
            EndSend(Lane.Inline, length, thread);
            return true;
        }
        finally
        {
            Exit(thread);
        }
    }

    /// <summary>
    /// Many of them. Blocks are taken for as many as there are; then one after the other is filled and its reference put behind the one before; and then the tail is taken there in one step: whoever is killed in
    /// between leaves a tail that others help on, as they do by one after a single send. How many are sent; what there was no room for is not.
    /// </summary>
    /// <param name="payloads">No more than are sent at once.</param>
    /// <param name="mayThrow">Where the first payload cannot be had. At a later one those before it are sent, and it is said by the call that begins with it.</param>
    /// <param name="looksAtAll">At all blocks, as for <see cref="TryDraft(in Needs, MessageProperties?, out Draft, bool)"/>.</param>
    /// <param name="thread">The one that calls.</param>
    [SkipLocalsInit]
    private int SendShortOnes(ReadOnlySpan<ReadOnlyMemory<byte>> payloads, bool mayThrow, bool looksAtAll, nint thread)
    {
        ShortDraft* drafts = stackalloc ShortDraft[MostAtOnce];
        int taken = TakeShortDrafts(payloads.Length, drafts, looksAtAll, thread, out ulong sequence);
        int sent = 0;
        long bytes = 0;
        ulong tail = 0;
        int put = -1; // Nothing is being put.
        try
        {
            long now = MessageRecord.RoughNow;
            while (sent < taken)
            {
                bool isRefused = PutShortOnes(payloads[sent..taken], drafts + sent, sequence + (uint)sent, now, out tail, out put, ref bytes);
                _ring.AdvanceTail(tail, put);
                sent += put;
                put = -1;

                // Another sender was there first, or the ring is full: this one, which is queued by now, as one that is sent alone.
                if (!isRefused || !TryEnqueueQueued(AsDraft(drafts[sent])))
                    break;
                bytes += payloads[sent++].Length;
            }
        }
        catch when (put >= 0 && (sent + put > 0 || !mayThrow))
        {
            // A payload that cannot be had: said by the call that begins with it.
            _ring.AdvanceTail(tail, put);
            sent += put;
        }
        finally
        {
            // In the order of an undo.
            for (int i = taken - 1; i >= sent; i--)
                DiscardUnsent(AsDraft(drafts[i]));
            EndSends(Lane.Inline, sent, bytes, thread);
        }

        CrashPoint.At(Step.SendWake);
        if (sent > 0)
            WakeOne(WaitKind.Receive);
        return sent;
    }

    /// <summary>
    /// From where the tail is, which is to follow. True: the one behind those that were put is queued, and not in the ring. Throws where a payload cannot be had; without a handler, so how far it came is known all the time.
    /// </summary>
    private bool PutShortOnes(ReadOnlySpan<ReadOnlyMemory<byte>> payloads, ShortDraft* drafts, ulong sequence, long now, out ulong tail, out int put, ref long bytes)
    {
        Ring ring = _ring;
        Participant self = _self;
        ulong first = tail = ring.TailPosition;
        int at = put = 0;
        for (; at < payloads.Length; put = ++at)
        {
            // As many lines as are filled side by side; they are here then.
            ulong* place = ring.PlaceAt(first + (uint)at);
            if (at < Ring.LinesSideBySide)
                Processor.PrefetchForWrite(place);
            ReadOnlySpan<byte> payload = MemoryMarshal.TryGetArray(payloads[at], out ArraySegment<byte> array) ? array : Foreign(payloads[at], first, at);
            if (payload.Length > self.InlineCapacity)
                break; // Another one by now than was counted.
            (int block, uint generation) = (drafts[at].Block, drafts[at].Generation);
            CrashPoint.At(Step.SendRecord);
            byte* p = self.Block(block);
            FillShort(p, payload, sequence + (uint)at, now);
            MarkQueued(p, generation);
            if (!ring.TryPutAt(first + (uint)at, place, new MessageReference(self.Index, block, generation)))
                return true;
            bytes += payload.Length;
        }

        return false;
    }

    /// <summary>A payload that is no array is another's to hand out, which may take its time: what was put before it is told first. It may be gone, and throw.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private ReadOnlySpan<byte> Foreign(ReadOnlyMemory<byte> payload, ulong tail, int put)
    {
        if (put > 0)
        {
            _ring.AdvanceTail(tail, put);
            CrashPoint.At(Step.SendWake);
            WakeOne(WaitKind.Receive);
        }

        return payload.Span;
    }

    /// <summary>What <see cref="WriteRecord"/> writes of a payload that fits in the block and has no properties, and the payload.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FillShort(byte* p, ReadOnlySpan<byte> payload, ulong sequence, long now)
    {
        *(ulong*)(p + BlockLayout.SequenceOffset) = sequence;
        *(long*)(p + BlockLayout.PayloadLengthOffset) = payload.Length;
        *(ulong*)(p + BlockLayout.LaneOffset) = BlockLayout.ShortFields;
        *(long*)(p + BlockLayout.PayloadOffsetOffset) = BlockLayout.InlineOffset;
        *(long*)(p + BlockLayout.PropertiesOffsetOffset) = BlockLayout.InlineOffset;
        *(long*)(p + BlockLayout.TimeSentOffset) = now;
        *(long*)(p + BlockLayout.ExpiresOffset) = 0;
        VectorCopy.Copy(payload, new Span<byte>(p + BlockLayout.InlineOffset, payload.Length));
    }

    /// <summary>The first step of a send, of payloads that all fit in their blocks. How many blocks there are for them.</summary>
    private int TakeShortDrafts(int most, ShortDraft* drafts, bool looksAtAll, nint thread, out ulong sequence)
    {
        int taken = 0;
        _blocksGate.Enter(thread);
        sequence = (ulong)_sequence + 1;
        if (looksAtAll || !IsToLetReceiversGoOn())
        {
            while (taken < most && TryTakeBlock(looksAtAll, out int block, out BlockState state))
            {
                PrefetchFurther(block);
                drafts[taken++] = new ShortDraft(block, state.Generation);
            }

            _sequence += taken;
            NoteTaken(taken, most);
        }

        _blocksGate.Exit();
        return taken;
    }

    private Draft AsDraft(ShortDraft draft) =>
        new(draft.Block, new BlockState(draft.Generation, Phase.Filling, _self.Index, 0), (nint)_self.Block(draft.Block) + BlockLayout.InlineOffset, 0);

    private readonly record struct ShortDraft(int Block, uint Generation);

    /// <summary>The lines of the block of a message further on in a batch, which a receiver had last: they come while those in between are written.</summary>
    private void PrefetchFurther(int block)
    {
        if (block + Further >= _blocks.Length)
            return; // The first ones of the next turn go without.
        byte* p = _self.Block(block + Further);
        Processor.PrefetchForWrite(p);
        Processor.PrefetchForWrite(p + BlockLayout.InlineOffset);
    }
}
