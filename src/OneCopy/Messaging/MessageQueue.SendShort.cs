using System.Runtime.CompilerServices;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>
/// The way of a short message with no options, whose block was taken ahead: the same steps as of any other (<see cref="Send(ReadOnlySpan{byte}, SendOptions?, CancellationToken)"/>), without what such a one cannot need.
/// </summary>
public sealed unsafe partial class MessageQueue
{
    // So many messages; with fewer the lines are late.
    private const int Further = 16;

    /// <summary>False: nothing was done, and it is to go the way of all others.</summary>
    private bool TrySendShort(ReadOnlySpan<byte> payload, CancellationToken ct)
    {
        Participant self = _self;
        Ring ring = _ring;
        if (payload.Length > self.InlineCapacity || ring.TimeToLive != 0 || ct.IsCancellationRequested)
            return false;
        int thread = EnterNew();
        try
        {
            // Its line comes while the block is filled.
            ring.PrefetchForWrite(Volatile.Read(ref ring.Tail));
            CrashPoint.At(Step.SendTake);
            _blocksGate.Enter(thread);
            int block = _blockAhead;
            uint generation = _generationAhead;
            _generationAhead = 0;
            _isBehind = false;
            if (generation == 0)
            {
                _blocksGate.Exit();
                return false;
            }

            ulong sequence = (ulong)++_sequence;
            _blocksGate.Exit();
            CrashPoint.At(Step.SendRecord);
            byte* body = WriteShortRecord(block, sequence, payload.Length, MessageRecord.RoughNow);
            VectorCopy.Copy(payload, new Span<byte>(body, payload.Length));
            Draft draft = new(block, new BlockState(generation, Phase.Filling, self.Index, 0), (nint)body, 0);
            MarkQueued(draft);
            if (!TryEnqueueOnce(draft))
                Enqueue(draft, Deadline.Never, ct, keepDraft: false);
            ThrowIfBroken();
            EndSend(Lane.Inline, payload.Length, thread);
            return true;
        }
        finally
        {
            Exit(thread);
        }
    }

    /// <summary>What <see cref="WriteRecord"/> writes of a payload that fits in the block and has no properties. Where the payload goes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* WriteShortRecord(int block, ulong sequence, int length, long now)
    {
        byte* p = _self.Block(block);
        *(ulong*)(p + BlockLayout.SequenceOffset) = sequence;
        *(long*)(p + BlockLayout.PayloadLengthOffset) = length;
        *(ulong*)(p + BlockLayout.LaneOffset) = (ulong)Lane.Inline | ((ulong)BlockLayout.PropertiesInline << 8); // No properties, no segments: four fields in one store.
        *(long*)(p + BlockLayout.PayloadOffsetOffset) = BlockLayout.InlineOffset;
        *(long*)(p + BlockLayout.PropertiesOffsetOffset) = BlockLayout.InlineOffset;
        *(long*)(p + BlockLayout.TimeSentOffset) = now;
        *(long*)(p + BlockLayout.ExpiresOffset) = 0;
        return p + BlockLayout.InlineOffset;
    }

    /// <summary>As <see cref="TakeDrafts"/>, of payloads that all fit in their blocks.</summary>
    private int TakeShortDrafts(ReadOnlySpan<ReadOnlyMemory<byte>> payloads, Draft* drafts, bool looksAtAll, int thread)
    {
        int taken = 0;
        long now = MessageRecord.RoughNow;
        _blocksGate.Enter(thread);
        if (looksAtAll || !IsToLetReceiversGoOn())
        {
            while (taken < payloads.Length && TryTakeBlock(looksAtAll, out int block, out BlockState state))
            {
                PrefetchFurther(block);
                CrashPoint.At(Step.SendRecord);
                byte* body = WriteShortRecord(block, (ulong)++_sequence, payloads[taken].Length, now);
                drafts[taken++] = new Draft(block, state, (nint)body, 0);
            }

            NoteTaken(taken, payloads.Length);
        }

        _blocksGate.Exit();
        return taken;
    }

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
