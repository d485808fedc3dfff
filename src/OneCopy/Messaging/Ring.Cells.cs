using System.Runtime.CompilerServices;

namespace OneCopy.Messaging;

/// <summary>Head, tail and cells. A position never wraps; it is cell <c>position mod capacity</c> in lap <c>position / capacity</c>.</summary>
internal sealed unsafe partial class Ring
{
    /// <summary>
    /// How often one operation begins again before head, tail and cells are taken to be in disorder. In a sound ring each new beginning is
    /// another's success in between, and nobody is overtaken so often in a row.
    /// </summary>
    private const int MaxTries = 1 << 14;

    /// <summary>How far the tail may be behind what was put in, and the head behind what was taken out: a batch, whose putter or taker moves it once for all.</summary>
    public const int MaxLag = 64;

    /// <summary>Neighbouring cells are in so many lines (<see cref="PlaceOf"/>).</summary>
    public const int LinesSideBySide = 8;

    // So many messages after another receiver was met, none is left.
    private const int AtOnceForOthers = 1024;

    // The head follows this handle's single receives every so often, or when there is nothing at the next place.
    private const int Follows = 16;

    // The position behind a reference that is to be removed yet (RemoveLater), and that reference. 0: none.
    private ulong _left;
    private ulong _leftCell;

    // Where the next reference is, most likely: all before it were taken out, so that whoever finds one there has the oldest. A hint, which threads may overwrite each other's of.
    private ulong _next;
    private int _toRemoveAtOnce;

    /// <summary>What <see cref="TryPeek"/> found at the head.</summary>
    public readonly struct Peeked(ulong position, Cell cell, ulong* place)
    {
        public ulong Position => position;

        public Cell Cell => cell;

        /// <summary>Where it is.</summary>
        public ulong* Place => place;
    }

    /// <summary>Enqueue: puts a reference at the tail. False: the ring is full, and its oldest reference is not stale.</summary>
    public bool TryEnqueue(MessageReference reference, IStaleness staleness)
    {
        for (int tries = 0; tries < MaxTries; tries++)
        {
            CrashPoint.At(Step.EnqueueTail);
            ulong tail = Volatile.Read(ref Tail);
            uint lap = (uint)(tail >> _lapShift) & Cell.LapMask;
            CrashPoint.At(Step.EnqueueCell);
            // Not looked at first: a look would fetch the line to read, and the exchange fetch it again to write. The full fence of this exchange
            // orders the block's state before the reference, and the reference before the look at the sleepers that follows.
            ulong empty = Cell.Empty(lap).Bits;
            Cell seen = new(Interlocked.CompareExchange(ref *PlaceAt(tail), Cell.Of(lap, reference).Bits, empty));
            if (seen.Bits == empty)
            {
                CrashPoint.At(Step.EnqueueAdvance);
                Interlocked.CompareExchange(ref Tail, tail + 1, tail);
                return true;
            }

            if (LapsAhead(seen.Lap, tail) >= 0)
            {
                CrashPoint.At(Step.EnqueueHelp);
                Interlocked.CompareExchange(ref Tail, tail + 1, tail);

                // Once: behind one that died in the middle of a batch there are many to help over.
                if (tries == 0)
                    GiveWay();
            }
            else if (tail == Volatile.Read(ref Tail) && !TryDropStaleHead(staleness))
            {
                return false;
            }
        }

        throw InDisorder();
    }

    /// <summary>The same with one try, where the tail was, unless it is somewhere else by now. False: perhaps there is room all the same. Throws nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryEnqueueAtOnce(ulong tail, ulong* place, MessageReference reference)
    {
        ulong now = TailPosition;
        if (now != tail)
        {
            tail = now;
            place = PlaceAt(now);
        }

        if (!TryPutAt(tail, place, reference))
            return false;
        CrashPoint.At(Step.EnqueueAdvance);
        Interlocked.CompareExchange(ref Tail, tail + 1, tail);
        return true;
    }

    /// <summary>Where the next reference goes, most likely.</summary>
    public ulong TailPosition
    {
        get
        {
            CrashPoint.At(Step.EnqueueTail);
            return Volatile.Read(ref Tail);
        }
    }

    /// <summary>Puts a reference at a position, if that is empty and in its lap; the tail is to follow (<see cref="AdvanceTail"/>). A full fence, as in <see cref="TryEnqueue"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryPutAt(ulong position, ulong* place, MessageReference reference)
    {
        uint lap = (uint)(position >> _lapShift) & Cell.LapMask;
        ulong empty = Cell.Empty(lap).Bits;
        CrashPoint.At(Step.EnqueueCell);
        return Interlocked.CompareExchange(ref *place, Cell.Of(lap, reference).Bits, empty) == empty;
    }

    /// <summary>Also where somebody has helped it on a part of the way.</summary>
    public void AdvanceTail(ulong from, int by)
    {
        CrashPoint.At(Step.EnqueueAdvance);
        Advance(ref Tail, from, from, from + (uint)by);
    }

    /// <summary>The reference at a position behind the head, as of one who has taken out all before it.</summary>
    public bool TryLookAt(ulong position, ulong* place, out Cell cell)
    {
        CrashPoint.At(Step.ReceiveCell);
        cell = new(Volatile.Read(ref *place));
        return !cell.IsEmpty && LapsAhead(cell.Lap, position) == 0;
    }

    /// <summary>The first half of <see cref="Remove"/>; the head is to follow. False: somebody else has done it.</summary>
    public static bool TakeOut(ulong* place, Cell cell, string pop = Step.ReceivePop)
    {
        CrashPoint.At(pop);
        return Interlocked.CompareExchange(ref *place, Cell.Empty(cell.Lap + 1).Bits, cell.Bits) == cell.Bits;
    }

    /// <summary>To behind what was taken out, unless it is there: everything before.</summary>
    public void AdvanceHead(ulong to, string advance = Step.ReceiveAdvance)
    {
        CrashPoint.At(advance);
        Advance(ref Head, Volatile.Read(ref Head), to - MaxLag, to);

        // From the head, so that one that is in disorder is met.
        Volatile.Write(ref _next, Volatile.Read(ref Head));
    }

    // All between the two was put in, or taken out: wherever the word is there, it may be moved to the end.
    private static void Advance(ref ulong word, ulong likely, ulong from, ulong to)
    {
        for (ulong seen = likely; seen - from < to - from;)
        {
            ulong before = seen;
            seen = Interlocked.CompareExchange(ref word, to, before);
            if (seen == before)
                return;
        }
    }

    /// <summary>
    /// Reads the oldest reference. False: the ring is empty. The tail is not read for that, whose line is its senders': whether it agrees, <see cref="ThrowIfInDisorder"/> tells who is about to sleep.
    /// </summary>
    /// <exception cref="QueueCorruptException">Head and cells contradict each other.</exception>
    public bool TryPeek(out Peeked peeked)
    {
        if (!TryPeekAtOnce(out peeked))
            return Look(out peeked, asksTail: false) ?? throw InDisorder();
        FollowTo(peeked.Position);
        return true;
    }

    /// <summary>The same where the cell at the head has a reference. False: perhaps there is one all the same. Throws nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryPeekAtOnce(out Peeked peeked)
    {
        ulong left = Volatile.Read(ref _left);
        if (left != 0)
            RemoveLeft(left - 1);
        CrashPoint.At(Step.ReceiveHead);
        ulong next = Volatile.Read(ref _next);

        // Near the head, for a cell says its lap by 26 bits alone, and this handle may have looked last long ago.
        return (TryPeekAt(next, out peeked) && next - Volatile.Read(ref Head) <= MaxLag) || TryPeekAtHead(out peeked);
    }

    /// <summary>The same where the head is, which is taken to where this handle knows that it may be.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryPeekAtHead(out Peeked peeked)
    {
        FollowTo(Volatile.Read(ref _next));
        ulong head = Volatile.Read(ref Head);
        Volatile.Write(ref _next, head);
        return TryPeekAt(head, out peeked);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryPeekAt(ulong position, out Peeked peeked)
    {
        ulong* place = PlaceAt(position);
        bool isThere = TryLookAt(position, place, out Cell seen);
        peeked = new Peeked(position, seen, place);
        return isThere;
    }

    /// <summary>The head, to a place before which all were taken out.</summary>
    public void FollowTo(ulong position)
    {
        if (position - Volatile.Read(ref Head) - 1 < MaxLag)
            AdvanceHead(position);
    }

    /// <exception cref="QueueCorruptException">Head, tail and cells contradict each other.</exception>
    public void ThrowIfInDisorder()
    {
        if (Look(out _, asksTail: true) is null)
            throw InDisorder();
    }

    /// <summary>
    /// Whether the cell at the head has a reference, or was emptied: something for a receiver to look at. Only that: the tail, which senders write, is not read, so that who
    /// waits takes no line from them but the one that will have the reference.
    /// </summary>
    /// <param name="seen">The cell at the head.</param>
    public bool SeesNews(out Cell seen)
    {
        ulong head = Volatile.Read(ref Head);
        seen = new(Volatile.Read(ref *PlaceAt(head)));
        return !seen.IsEmpty || LapsAhead(seen.Lap, head) != 0;
    }

    /// <summary>A cell that is to be changed: its line is on its way while something else is done.</summary>
    public void PrefetchForWrite(ulong position) => Processor.PrefetchForWrite(PlaceAt(position));

    /// <summary>The cell behind one that was found, whatever its lap: what a receiver will want next.</summary>
    public Cell Glance(ulong position) => new(Volatile.Read(ref *PlaceAt(position)));

    /// <summary>
    /// Another one was first, so that two run that do the same: they take the lines of that place from each other with each message. Lets somebody else run, who does the other half most likely, if anybody waits for
    /// a processor; if nobody does, it is a moment in which the other one gets away.
    /// </summary>
    public static void GiveWay() => Thread.Yield();

    // Null: no sense can be made of it.
    private bool? Look(out Peeked peeked, bool asksTail)
    {
        peeked = default;
        for (int tries = 0; tries < MaxTries; tries++)
        {
            CrashPoint.At(Step.ReceiveHead);
            ulong head = Volatile.Read(ref Head);
            CrashPoint.At(Step.ReceiveCell);
            ulong* place = PlaceAt(head);
            Cell seen = new(Volatile.Read(ref *place));
            int ahead = LapsAhead(seen.Lap, head);
            if (ahead == 0 && !seen.IsEmpty)
            {
                peeked = new Peeked(head, seen, place);
                return true;
            }

            // Empty. The tail is here then, or behind (whoever put in the last ones has not advanced it yet); farther on if some were
            // put in since the cell was read: again. It is never anywhere else.
            if (ahead == 0 && (!asksTail || head - Volatile.Read(ref Tail) <= MaxLag))
                return false;

            // Taken out already (the next lap's): help. An older lap is never seen, for head follows the cells.
            if (ahead > 0)
            {
                CrashPoint.At(Step.ReceiveHelp);
                Interlocked.CompareExchange(ref Head, head + 1, head);
            }
        }

        return null;
    }

    private QueueCorruptException InDisorder() =>
        new(_path, $"head {Volatile.Read(ref Head)}, tail {Volatile.Read(ref Tail)} and the cells contradict each other");

    /// <summary>Takes a reference out, once its message is claimed or it was found stale. Anybody may; only one succeeds.</summary>
    public void Remove(Peeked peeked, string pop = Step.ReceivePop, string advance = Step.ReceiveAdvance)
    {
        TakeOut(peeked.Place, peeked.Cell, pop);
        AdvanceHead(peeked.Position + 1, advance);
    }

    /// <summary>The same by one who mostly removes the next ones as well, for whom the head follows later.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void RemoveInTurn(Peeked peeked)
    {
        if (!TryRemoveAtOnce(peeked))
            TakeOutInTurn(peeked.Position, peeked.Place, peeked.Cell);
    }

    // For a while after others were met.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryRemoveAtOnce(Peeked peeked)
    {
        if (_toRemoveAtOnce <= 0)
            return false;
        _toRemoveAtOnce--;
        Remove(peeked);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void TakeOutInTurn(ulong position, ulong* place, Cell cell)
    {
        if (!TakeOut(place, cell))
            _toRemoveAtOnce = AtOnceForOthers; // Others receive as well, and were kept up by it.
        else if ((position + 1) % Follows == 0)
            AdvanceHead(position + 1);
        else
            Volatile.Write(ref _next, position + 1);
    }

    /// <summary>
    /// The same at this handle's next look at the head, which comes before its next wait: what its user does with the message, an answer above all, need not wait for these two exchanges. Until then the reference is
    /// stale, and whoever meets it at the head removes it. So only for one whose message is done, and after a look that found nobody asleep: who sleeps goes by what it saw.
    /// </summary>
    public void RemoveLater(Peeked peeked)
    {
        if (TryRemoveAtOnce(peeked))
            return;
        _leftCell = peeked.Cell.Bits;
        Volatile.Write(ref _left, peeked.Position + 1);
    }

    // Several threads may do so at once, as whoever removes a reference; one of two that left some may be forgotten, and is as one whose receiver was killed. Where the two words are of two threads,
    // the reference is of another lap, or not what is in the cell, and nothing is removed: the head follows only what was.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void RemoveLeft(ulong position)
    {
        Cell cell = new(_leftCell);
        Volatile.Write(ref _left, 0);
        if (LapsAhead(cell.Lap, position) == 0)
            TakeOutInTurn(position, PlaceAt(position), cell);
    }

    /// <summary>Whether a reference may be there; cheap, and may be out of date at once.</summary>
    public bool LooksEmpty => Held <= 0 && Look(out _, asksTail: true) != true;

    /// <summary>Whether references are there, but for one whose enqueuer has not told yet; cheaper, and may be out of date at once.</summary>
    public bool HoldsAny => Held > 0;

    /// <summary>
    /// Whether a reference would find no room; cheap, and may be out of date at once. The head may be behind what was taken out, so the cell has the last word: it is not empty yet.
    /// </summary>
    public bool LooksFull
    {
        get
        {
            if (Held < Capacity)
                return false;
            ulong tail = Volatile.Read(ref Tail);
            return LapsAhead(new Cell(Volatile.Read(ref *PlaceAt(tail))).Lap, tail) < 0;
        }
    }

    // Less than nothing while the tail follows.
    private long Held => (long)(Volatile.Read(ref Tail) - Volatile.Read(ref Head));

    /// <summary>
    /// The references from head to tail, for those who only look: nothing is helped on. What is put in or taken out meanwhile may be
    /// among them or not; some may be stale, or there twice.
    /// </summary>
    public List<MessageReference> References()
    {
        List<MessageReference> found = [];
        ulong head = Volatile.Read(ref Head);
        for (ulong position = head; position - head < (ulong)Capacity + MaxLag; position++)
        {
            Cell seen = new(Volatile.Read(ref *PlaceAt(position)));
            int ahead = LapsAhead(seen.Lap, position);
            if (ahead < 0 || (ahead == 0 && seen.IsEmpty))
                break; // The tail.
            if (ahead == 0)
                found.Add(seen.Reference);
        }

        return found;
    }

    private bool TryDropStaleHead(IStaleness staleness)
    {
        CrashPoint.At(Step.FullHead);
        if (!TryPeek(out Peeked oldest))
            return true; // Emptied meanwhile.
        if (!staleness.IsStale(oldest.Cell.Reference))
            return false;
        Remove(oldest, Step.FullRemove, Step.FullAdvance);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong* PlaceAt(ulong position) => _cells + PlaceOf((nuint)position & _lastPlace);

    /// <summary>
    /// Where a position's cell is. Neighbours lie in different cache lines, so that who puts in the next reference does not take the line of the one before from who
    /// is just taking that out: eight lines are filled side by side.
    /// </summary>
    /// <param name="position">In its lap.</param>
    internal static nuint PlaceOf(nuint position)
    {
        // The lowest three bits and the next three change places.
        nuint differing = (position ^ (position >> 3)) & (LinesSideBySide - 1);
        return position ^ differing ^ (differing << 3);
    }

    // The sign of (lap of the cell) - (lap of the position), in 26 bits.
    private int LapsAhead(uint cellLap, ulong position)
    {
        uint expected = (uint)(position >> _lapShift) & Cell.LapMask;
        return (int)((cellLap - expected) << (32 - Cell.LapBits)) >> (32 - Cell.LapBits);
    }
}

/// <summary>Tells whether a reference no longer means a queued message.</summary>
internal interface IStaleness
{
    bool IsStale(MessageReference reference);
}
