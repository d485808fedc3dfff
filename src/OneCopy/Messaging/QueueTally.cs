using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>Adds up what the files of a queue say into its statistics; for a participant and for those who only look alike.</summary>
internal sealed unsafe class QueueTally
{
    private readonly long[] _counters = new long[(int)Counter.Count];
    private readonly List<ParticipantStatistics> _participants = [];
    private readonly List<Downgrade> _downgrades = [];
    private long _queued;
    private long _leased;
    private long _bytes;
    private long _oldest = long.MaxValue;

    public QueueTally(Ring ring)
    {
        for (int c = 0; c < _counters.Length; c++)
            _counters[c] = Volatile.Read(ref ring.RetiredCounter(c));
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

        for (int c = 0; c < _counters.Length; c++)
            _counters[c] += Volatile.Read(ref file.CounterWord(c));
        for (int block = 0; block < file.BlockCount; block++)
            AddBlock(file, block);
    }

    public QueueStatistics ToStatistics() => new()
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
