using OneCopy.Interop;
using OneCopy.Memory;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>The handle's own blocks and arena: taking them for a message, taking them back when it is done.</summary>
public sealed unsafe partial class MessageQueue
{
    // A gate and no lock: to enter it and to leave it is a store each, mostly. A short message is filled and put into the ring within it, all others take their block there.
    private Gate _blocksGate = new();
    private readonly OwnBlock[] _blocks;
    private readonly OwnArena _arena;
    private readonly OwnArena _moves;

    // Room for all that a handle of the usual size has, so that none is made while messages pass.
    private const int ArenaOrderAtFirst = 4096;

    // Blocks that hold arena bytes, in the order sent: mostly that in which they are done.
    private readonly Queue<(int Block, uint Generation)> _arenaOrder;
    private int _nextBlock;
    private long _sequence;

    // Of batches: it has run out of blocks, and may take so many before it looks how far its receivers are. Under the gate.
    private bool _isBehind;
    private int _blocksToUse;

    // Taken for the next message; its generation, or 0: none is. Under the gate.
    private int _blockAhead;
    private uint _generationAhead;

    /// <summary>A block being filled: where its parts go.</summary>
    private readonly struct Draft(int block, BlockState state, nint body, nint properties)
    {
        public int Block { get; } = block;

        public BlockState State { get; } = state;

        /// <summary>Where the payload or the table of segments goes.</summary>
        public byte* Body => (byte*)body;

        public byte* Properties => (byte*)properties;

        public MessageReference Reference(int participant) => new(participant, Block, State.Generation & Cell.GenerationMask);
    }

    /// <summary>What a message needs: a body (the payload, or the table of segments) and properties, each in the block if it fits.</summary>
    private readonly record struct Needs(long Body, int Properties, bool Attached, long PayloadLength, int Segments, byte Flags = 0)
    {
        public static Needs OfPayload(long length, int properties) => new(length, properties, Attached: false, length, 0);

        public static Needs OfSegments(AttachedSend attached, long length, int properties)
        {
            int count = attached.Segments.Length;
            bool isNamed = !attached.Buffer.IsNone;
            return new(((long)count * BlockLayout.SegmentSize) + (isNamed ? SharedName.Size : 0), properties, Attached: true, length, count, (byte)((isNamed ? BlockLayout.InSharedBuffer : 0) | (attached.IsInArrays ? BlockLayout.InArrays : 0)));
        }

        public bool BodyFits(int capacity) => Body <= capacity;

        public bool PropertiesFit(int capacity) => Properties <= capacity - (BodyFits(capacity) ? Aligned(Body) : 0);

        public long ArenaBytes(int capacity) => (BodyFits(capacity) ? 0 : Aligned(Body)) + (PropertiesFit(capacity) ? 0 : Properties);

        public static long Aligned(long length) => (length + 15) & ~15L;
    }

    /// <summary>What this process alone knows of one of its blocks.</summary>
    private struct OwnBlock
    {
        public long ArenaOffset;
        public long ArenaSize;

        // The payload, if it was moved here.
        public long MovedOffset;
        public long MovedSize;
        public AttachedSend? Waiting;

        public readonly bool HoldsAnything => (ArenaSize | MovedSize) != 0 || Waiting is not null;
    }

    /// <summary>Send, first step. False: no block or no arena bytes are free now. Throws if there never will be, or ENOSPC.</summary>
    /// <param name="needs">What it is to hold.</param>
    /// <param name="properties">As far as they are counted in <paramref name="needs"/>.</param>
    /// <param name="draft">The block, with all but the payload.</param>
    /// <param name="looksAtAll">At all blocks. False, of one who will wait: at the next one, as each look takes the block's line from the receiver that has it.</param>
    private bool TryDraft(in Needs needs, MessageProperties? properties, out Draft draft, bool looksAtAll = true) =>
        TryDraft(needs, properties, out draft, looksAtAll, CurrentThread.Id);

    private bool TryDraft(in Needs needs, MessageProperties? properties, out Draft draft, bool looksAtAll, nint thread)
    {
        long arenaBytes = ArenaBytesOf(needs);

        // Its line comes while the block is filled.
        _ring.PrefetchForWrite(Volatile.Read(ref _ring.Tail));
        _blocksGate.Enter(thread);
        try
        {
            // One that is sent alone, without a wait, does not care.
            _isBehind &= looksAtAll;
            return TryTakeDraft(needs, arenaBytes, properties, looksAtAll, out draft);
        }
        finally
        {
            _blocksGate.Exit();
        }
    }

    /// <summary>What it needs of the arena; more than that has is refused.</summary>
    private long ArenaBytesOf(in Needs needs)
    {
        long arenaBytes = needs.ArenaBytes(_self.InlineCapacity);
        return arenaBytes <= _self.ArenaLimit ? arenaBytes : throw TooLarge(needs.PayloadLength);
    }

    private OneCopyException TooLarge(long length) => new(
        $"A message of {length:N0} bytes does not fit in this participant's arena of {_self.ArenaLimit:N0} bytes. " +
        "Raise QueueOptions.ArenaLimit, or send it with SendAsync, which attaches large payloads.");

    /// <summary>The first step of a send, within the gate of the blocks.</summary>
    private bool TryTakeDraft(in Needs needs, long arenaBytes, MessageProperties? properties, bool looksAtAll, out Draft draft)
    {
        draft = default;
        long offset = -1;
        if (!TryTakeBlock(looksAtAll, out int block, out BlockState state))
            return false;
        SysResult taken = arenaBytes == 0 ? SysResult.Ok() : TakeArena(arenaBytes, out offset);
        if (!taken.Succeeded)
        {
            _self.TryChange(block, state, state.To(Phase.Free, _self.Index));
            if (taken.Errno == Errno.EAGAIN)
                return false;
            ThrowIfBroken();
            taken.OrThrow("fallocate", _self.Path);
        }

        _blocks[block] = new OwnBlock { ArenaOffset = offset, ArenaSize = arenaBytes };
        if (arenaBytes > 0)
        {
            // Its ends, which a receiver had last, while the record is written.
            Processor.PrefetchForWrite(_self.Arena(offset));
            Processor.PrefetchForWrite(_self.Arena(offset) + arenaBytes - 1);
            Remember(block, state.Generation);
        }

        CrashPoint.At(Step.SendRecord);
        draft = WriteRecord(block, state, needs, offset);
        if (needs.Properties > 0)
            properties!.Encode(new Span<byte>(draft.Properties, needs.Properties));
        return true;
    }

    private Draft WriteRecord(int block, BlockState state, in Needs needs, long arenaOffset)
    {
        int capacity = _self.InlineCapacity;
        byte* p = _self.Block(block);
        bool bodyInline = needs.BodyFits(capacity);
        bool propertiesInline = needs.PropertiesFit(capacity);
        long bodyOffset = bodyInline ? BlockLayout.InlineOffset : arenaOffset;
        long propertiesOffset = propertiesInline
            ? BlockLayout.InlineOffset + (bodyInline ? Needs.Aligned(needs.Body) : 0)
            : arenaOffset + (bodyInline ? 0 : Needs.Aligned(needs.Body));
        Lane lane = needs.Attached ? Lane.Attached : bodyInline ? Lane.Inline : Lane.Arena;
        if (needs.Attached)
        {
            // A zero means none; what is left of an earlier message could have this generation again, after four thousand million of them.
            _self.MoveRequest(block) = 0;
            _self.Moved(block) = 0;
        }

        *(ulong*)(p + BlockLayout.SequenceOffset) = (ulong)++_sequence;
        *(long*)(p + BlockLayout.PayloadLengthOffset) = needs.PayloadLength;
        p[BlockLayout.LaneOffset] = (byte)lane;
        p[BlockLayout.FlagsOffset] = (byte)((propertiesInline ? BlockLayout.PropertiesInline : 0)
            | (needs.Attached && bodyInline ? BlockLayout.SegmentsInline : 0)
            | needs.Flags);
        *(ushort*)(p + BlockLayout.PropertiesLengthOffset) = (ushort)needs.Properties;
        *(int*)(p + BlockLayout.SegmentCountOffset) = needs.Segments;
        *(long*)(p + BlockLayout.PayloadOffsetOffset) = bodyOffset;
        *(long*)(p + BlockLayout.PropertiesOffsetOffset) = propertiesOffset;
        *(long*)(p + BlockLayout.TimeSentOffset) = MessageRecord.RoughNow;
        *(long*)(p + BlockLayout.ExpiresOffset) = 0; // Set when it is sent (LimitLife).
        return new Draft(
            block,
            state,
            (nint)(bodyInline ? p + bodyOffset : _self.Arena(bodyOffset)),
            (nint)(propertiesInline ? p + propertiesOffset : needs.Properties == 0 ? null : _self.Arena(propertiesOffset)));
    }

    /// <summary>In turn, so that with receivers in step the first one looked at is free; mostly it was taken ahead.</summary>
    private bool TryTakeBlock(bool looksAtAll, out int block, out BlockState state)
    {
        if (_generationAhead != 0)
        {
            CrashPoint.At(Step.SendTake);
            (block, state) = (_blockAhead, new BlockState(_generationAhead, Phase.Filling, _self.Index, 0));
            _generationAhead = 0;
            return true;
        }

        int looks = looksAtAll ? _blocks.Length : 1;
        for (int i = 0; i < looks; i++)
        {
            if (TryTakeNext(passesOver: looksAtAll, out block, out state))
                return true;
        }

        block = -1;
        state = default;
        return false;
    }

    private bool TryTakeNext(bool passesOver, out int block, out BlockState state)
    {
        block = _nextBlock;
        ref ulong word = ref _self.StateWord(block);
        BlockState seen = new(Volatile.Read(ref word));
        state = new BlockState(NextGeneration(seen), Phase.Filling, _self.Index, 0);
        bool isFree = seen.Phase is Phase.Free or Phase.Done;
        if (isFree || passesOver)
            _nextBlock = block + 1 == _blocks.Length ? 0 : block + 1;
        if (!isFree)
            return false;
        ref OwnBlock own = ref _blocks[block];
        if (own.HoldsAnything)
            Release(block, seen);
        CrashPoint.At(Step.SendTake);

        // A store, and no exchange: a block that is free or done is changed by its owner alone, and this is under the gate. Before what is written of the record next:
        // who inspects a done message looks at the state again after its record, and is not to take the next one's for it.
        Volatile.Write(ref word, state.Bits);
        Volatile.WriteBarrier();
        return true;
    }

    /// <summary>
    /// Takes the next message's block when one was sent, if it is free: its lines, which a receiver had last, are on their way here while the sender does something else, mostly waits for the answer. For
    /// others it is the block of a sender that has not gone on yet. Under the gate.
    /// </summary>
    private void TakeAhead()
    {
        if (_generationAhead != 0 || (_isBehind && _blocksToUse <= 0) || !TryTakeNext(passesOver: false, out int block, out BlockState state))
            return;
        (_blockAhead, _generationAhead) = (block, state.Generation);

        // The first line of an inline payload as well: a store, which nobody waits for, fetches it as a hint would, which .NET has only as a call.
        *(ulong*)(_self.Block(block) + BlockLayout.InlineOffset) = 0;
    }

    /// <summary>
    /// A glance for who waits for a block, between two pauses of some 32 ns. Most of them look at nothing: each look takes a block's line from the receiver that is about to answer, and the sender is not late, as
    /// all its other blocks are on their way. First at one some way on, so that several are free when it is: who takes each block from its receiver as soon as that is done with it has both wait for cache lines. Or the
    /// one behind it, as one of them may be held for long. Later at the next one, and now and then at one of all in turn.
    /// </summary>
    private bool MayHaveFreeBlock(int glances)
    {
        const int FarAlone = 4096; // Glances, some 130 µs.
        const int OneOf = 64;
        if (Volatile.Read(ref _generationAhead) != 0)
            return true; // Another thread's send has taken it ahead.
        int every = Math.Clamp(_blocks.Length / 32, 1, 32);
        if (glances % every != 0)
            return false;
        int look = glances / every;
        int next = Volatile.Read(ref _nextBlock);
        if (glances < FarAlone || look % 2 == 0)
            return IsFree((BlockFarAhead + (look / 2 % 2)) % _blocks.Length);
        return IsFree((look % OneOf == 1 ? next + (look / OneOf) : next) % _blocks.Length);
    }

    private int BlockFarAhead => (Volatile.Read(ref _nextBlock) + (_blocks.Length / 8)) % _blocks.Length;

    private bool IsFree(int block) => _self.State(block).Phase is Phase.Free or Phase.Done;

    // Never 0: a zero in the words of a move means "none".
    private static uint NextGeneration(BlockState seen) => seen.Generation == uint.MaxValue ? 1 : seen.Generation + 1;

    // One message that is held for long at the head must not let the list grow with all those behind it.
    private void Remember(int block, uint generation)
    {
        if (_arenaOrder.Count > 2 * _blocks.Length)
        {
            for (int left = _arenaOrder.Count; left > 0; left--)
            {
                (int Block, uint Generation) oldest = _arenaOrder.Dequeue();
                if (_self.State(oldest.Block).Generation == oldest.Generation)
                    _arenaOrder.Enqueue(oldest);
            }
        }

        _arenaOrder.Enqueue((block, generation));
    }

    /// <summary>
    /// Arena bytes that are allocated in the file as well. EAGAIN: none are free now; ENOSPC and the like: the file cannot grow. What
    /// done messages hold is used first: memory that is warm, and a file no longer than it must be.
    /// </summary>
    private SysResult TakeArena(long bytes, out long offset)
    {
        PrefetchOnlyOneInArena(bytes);
        TryFindOldestInArena(out _);
        return TakeFrom(_arena, bytes, out offset);
    }

    /// <summary>
    /// Where messages go one at a time, the one before is done by now, and its bytes are used again. Its state and both ends of its place, which its receiver had last, are fetched at once: what is looked at, or written,
    /// one after the other would be waited for as often.
    /// </summary>
    private void PrefetchOnlyOneInArena(long bytes)
    {
        if (_arenaOrder.Count != 1)
            return;
        int block = _arenaOrder.Peek().Block;
        long offset = _blocks[block].ArenaOffset;
        if (_blocks[block].ArenaSize < bytes)
            return;
        Processor.Prefetch(_self.Block(block));
        Processor.PrefetchForWrite(_self.Arena(offset));
        Processor.PrefetchForWrite(_self.Arena(offset) + bytes - 1);
    }

    private bool IsInArena((int Block, uint Generation) message)
    {
        BlockState seen = _self.State(message.Block);
        return seen.Generation == message.Generation && seen.Phase != Phase.Done;
    }

    /// <summary>Frees what the oldest done messages hold. False: no message holds any of the arena.</summary>
    private bool TryFindOldestInArena(out (int Block, uint Generation) oldest)
    {
        while (_arenaOrder.TryPeek(out oldest))
        {
            if (IsInArena(oldest))
                return true;
            _arenaOrder.Dequeue();
            BlockState seen = _self.State(oldest.Block);
            if (seen.Generation == oldest.Generation)
                Release(oldest.Block, seen);
        }

        return false;
    }

    private SysResult TakeFrom(OwnArena arena, long bytes, out long offset)
    {
        offset = -1;
        if (bytes > _self.ArenaLimit)
            return SysResult.Failed(Errno.ENOSPC); // There never will be room.
        if (arena.TryTakeWarm(bytes, out offset))
            return SysResult.Ok();

        // Before the file grows, those are looked for that were done out of turn.
        ReclaimDone();
        return arena.Take(bytes, out offset);
    }

    /// <summary>Frees what done messages still hold of the arena.</summary>
    private void ReclaimDone()
    {
        for (int block = 0; block < _blocks.Length; block++)
        {
            if (_blocks[block].ArenaSize + _blocks[block].MovedSize > 0 && _self.State(block) is { Phase: Phase.Done } seen)
                Release(block, seen);
        }
    }

    /// <summary>The message in this block is over: its arena bytes are free, its sender is told.</summary>
    private void Release(int block, BlockState seen)
    {
        ref OwnBlock own = ref _blocks[block];
        if (own.ArenaSize > 0)
            _arena.Free(own.ArenaOffset, own.ArenaSize);
        if (own.MovedSize > 0)
            _moves.Free(own.MovedOffset, own.MovedSize);
        AttachedSend? waiting = own.Waiting;
        own = default;
        if (waiting is not null && seen.Phase == Phase.Done)
            waiting.Signal();
    }

    /// <summary>A draft that is not sent after all.</summary>
    private void Discard(Draft draft)
    {
        _blocksGate.Enter();
        try
        {
            Release(draft.Block, draft.State);
            CrashPoint.At(Step.SendDiscard);
            _self.TryChange(draft.Block, draft.State, draft.State.To(Phase.Free, _self.Index));
        }
        finally
        {
            _blocksGate.Exit();
        }

        // Somebody may be waiting for just this block.
        if (Volatile.Read(ref _self.OwnSleeping) != 0)
            _self.Ring(WaitKind.Own);
    }
}
