using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>Adds up what the files of a queue say into its statistics; for a participant and for those who only look alike.</summary>
internal sealed unsafe class QueueTally
{
    // Whoever was killed while it left stays on its way: then the numbers are as they are.
    private const int Looks = 8;

    private readonly long[] _retired;
    private readonly long[] _entries;
    private bool _leaving;
    private readonly long[] _counters = new long[(int)Counter.Count];
    private readonly List<ParticipantStatistics> _participants = [];
    private readonly List<Downgrade> _downgrades = [];
    private long _queued;
    private long _leased;
    private long _bytes;
    private long _oldest = long.MaxValue;

    private QueueTally(Ring ring)
    {
        _retired = Retired(ring);
        _entries = EntriesOf(ring);
        _retired.CopyTo(_counters, 0);
    }

    /// <summary>
    /// Counts, and counts again if somebody left meanwhile: who leaves takes its counters out of its file and adds them to the ring's, in
    /// several steps, and would be counted twice or not at all.
    /// </summary>
    public static QueueStatistics Count(Ring ring, Action<QueueTally> addAll)
    {
        for (int look = 1; ; look++)
        {
            QueueTally tally = new(ring);
            addAll(tally);

            // What was read stays before what is read again.
            Interlocked.MemoryBarrier();
            if (look == Looks || tally.IsConsistent(ring))
                return tally.ToStatistics();
            Thread.Yield();
        }
    }

    /// <param name="file">The participant's file.</param>
    /// <param name="participant">What is said of it.</param>
    /// <param name="words">The words that it has itself for what it was refused; without them they are made of the reason alone.</param>
    public void Add(Participant file, ParticipantStatistics participant, Func<ulong, string?>? words = null)
    {
        _participants.Add(participant);
        foreach (RefusalTable.Entry e in RefusalTable.All(file.Refusals))
        {
            _downgrades.Add(new Downgrade(
                file.Index, file.Pid, e.Peer, e.PeerPid, e.Direction, Errno.NameOf(e.Errno), e.Reason, words?.Invoke(e.Key) ?? RefusalText.Of(e.Reason, e.Direction), e.Count));
        }

        // Unlinked: its counters are on their way.
        _leaving |= Entries.IsDead(_entries[file.Index]) && (!Stat.Of(file.File.Fd(), out statx s).Succeeded || s.stx_nlink == 0);
        for (int c = 0; c < _counters.Length; c++)
            _counters[c] += Volatile.Read(ref file.CounterWord(c));
        for (int block = 0; block < file.BlockCount; block++)
            AddBlock(file, block);
    }

    private bool IsConsistent(Ring ring) =>
        !_leaving && _entries.Count(e => e != 0) == _participants.Count && _entries.SequenceEqual(EntriesOf(ring)) && _retired.SequenceEqual(Retired(ring));

    private static long[] Retired(Ring ring)
    {
        long[] counters = new long[(int)Counter.Count];
        for (int c = 0; c < counters.Length; c++)
            counters[c] = Volatile.Read(ref ring.RetiredCounter(c));
        return counters;
    }

    private static long[] EntriesOf(Ring ring)
    {
        long[] entries = new long[Cell.MaxParticipants + 1];
        for (int index = 1; index <= ring.HighestIndex; index++)
            entries[index] = Volatile.Read(ref ring.Entry(index));
        return entries;
    }

    private QueueStatistics ToStatistics() => new()
    {
        Queued = _queued,
        Leased = _leased,
        BytesPending = _bytes,
        OldestAge = _queued == 0 ? null : TimeSpan.FromMicroseconds(Math.Clamp(MessageRecord.Now - _oldest, 0, TimeSpan.MaxValue.Ticks / 100)),
        Sent = Lanes(Counter.SentInline),
        Completed = Lanes(Counter.CompletedInline),
        Redelivered = Of(Counter.Redelivered),
        Abandoned = Of(Counter.Abandoned),
        DeadLettered = Of(Counter.DeadLettered),
        Expired = Of(Counter.Expired),
        Withdrawn = Of(Counter.Withdrawn),
        LostWithSender = Of(Counter.LostWithSender),
        Moved = Of(Counter.Moved),
        Pulled = Of(Counter.Pulled),
        Pushed = Of(Counter.Pushed),
        CopiedByBoth = Of(Counter.CopiedByBoth),
        Staged = Of(Counter.Staged),
        Migrations = Of(Counter.Migrations),
        CopiedFromMapping = Of(Counter.CopiedFromMapping),
        PushedBytes = Of(Counter.PushedBytes),
        PullsRefused = Of(Counter.PullsRefused),
        PushesRefused = Of(Counter.PushesRefused),
        Downgrades = _downgrades,
        Participants = _participants,
    };

    private void AddBlock(Participant file, int block)
    {
        BlockState seen = file.State(block);
        if (seen.Phase is not (Phase.Queued or Phase.Leased))
            return;
        byte* p = file.Block(block);
        long length = *(long*)(p + BlockLayout.PayloadLengthOffset);
        long sent = *(long*)(p + BlockLayout.TimeSentOffset);

        // The reads above stay before the one below: if the block is another message's by now, they are not this one's.
        Interlocked.MemoryBarrier();
        if (file.State(block).Generation != seen.Generation)
            return;
        _bytes += Math.Max(length, 0);
        _leased += seen.Phase == Phase.Leased ? 1 : 0;
        _queued += seen.Phase == Phase.Queued ? 1 : 0;
        if (seen.Phase == Phase.Queued)
            _oldest = Math.Min(_oldest, sent);
    }

    private long Of(Counter counter) => _counters[(int)counter];

    private LaneStatistics Lanes(Counter first)
    {
        LaneTraffic At(int lane) => new(Of(first + (lane * 2)), Of(first + (lane * 2) + 1));
        return new LaneStatistics(At(0), At(1), At(2));
    }
}
