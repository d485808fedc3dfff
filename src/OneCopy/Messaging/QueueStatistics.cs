using OneCopy.Messaging;

namespace OneCopy;

/// <summary>Messages and payload bytes.</summary>
/// <param name="Messages">How many messages.</param>
/// <param name="Bytes">Bytes of their payloads.</param>
public readonly record struct LaneTraffic(long Messages, long Bytes);

/// <summary>What went by each lane.</summary>
/// <param name="Inline">Inside the blocks.</param>
/// <param name="Arena">Through the senders' arenas.</param>
/// <param name="Attached">Straight from memory to memory.</param>
public readonly record struct LaneStatistics(LaneTraffic Inline, LaneTraffic Arena, LaneTraffic Attached)
{
    /// <summary>All lanes together.</summary>
    public LaneTraffic Total => new(
        Inline.Messages + Arena.Messages + Attached.Messages, Inline.Bytes + Arena.Bytes + Attached.Bytes);
}

/// <summary>One participant, as others see it.</summary>
/// <param name="Index">Its number in the queue.</param>
/// <param name="Pid">Its process, in its own pid namespace.</param>
/// <param name="Uid">Its user.</param>
/// <param name="IsAlive">False: it is dead, and kept until its last message is done.</param>
/// <param name="PullDenied">Why this handle cannot pull from its memory, in words; null if it can, or has not tried.</param>
public sealed record ParticipantStatistics(int Index, int Pid, int Uid, bool IsAlive, string? PullDenied);

/// <summary>
/// What is in a queue now, and what went through it since it was made. Read while others go on, so that the numbers need not
/// belong to one instant.
/// </summary>
public sealed record QueueStatistics
{
    /// <summary>Messages that wait.</summary>
    public required long Queued { get; init; }

    /// <summary>Messages that receivers hold.</summary>
    public required long Leased { get; init; }

    /// <summary>Payload bytes of the messages that wait or are held.</summary>
    public required long BytesPending { get; init; }

    /// <summary>How long the oldest waiting message has been waiting; null if none waits.</summary>
    public required TimeSpan? OldestAge { get; init; }

    /// <summary>Sent, by the lane chosen at the send; those that were withdrawn later are among them.</summary>
    public required LaneStatistics Sent { get; init; }

    /// <summary>Completed, by the lane that the payload went in the end; dead letters are not among them.</summary>
    public required LaneStatistics Completed { get; init; }

    /// <summary>Handed out again after having been given back, or after the death of a receiver.</summary>
    public required long Redelivered { get; init; }

    /// <summary>Given back.</summary>
    public required long Abandoned { get; init; }

    /// <summary>Put into the dead-letter queue.</summary>
    public required long DeadLettered { get; init; }

    /// <summary>Taken back by their senders.</summary>
    public required long Withdrawn { get; init; }

    /// <summary>Attached messages whose sender died before they were copied. Their sends had not completed.</summary>
    public required long LostWithSender { get; init; }

    /// <summary>Attached payloads that could not be pulled and were moved into the arena.</summary>
    public required long Moved { get; init; }

    /// <summary>Who takes part.</summary>
    public required IReadOnlyList<ParticipantStatistics> Participants { get; init; }
}

public sealed partial class MessageQueue
{
    /// <summary>Counts what is there; looks at every block of every participant.</summary>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public QueueStatistics Statistics
    {
        get
        {
            Enter();
            try
            {
                QueueStatistics all = CountAll();
                ThrowIfBroken();
                return all;
            }
            finally
            {
                Exit();
            }
        }
    }

    private unsafe QueueStatistics CountAll()
    {
        long[] counters = new long[(int)Counter.Count];
        for (int c = 0; c < counters.Length; c++)
            counters[c] = Volatile.Read(ref _ring.RetiredCounter(c));
        List<ParticipantStatistics> participants = [];
        long queued = 0;
        long leased = 0;
        long bytes = 0;
        long oldest = long.MaxValue;
        for (int index = 1; index <= _ring.HighestIndex; index++)
        {
            if (TryPeerAt(index) is not { } peer)
                continue;
            participants.Add(new ParticipantStatistics(index, peer.File.Pid, (int)peer.File.Uid, !IsGoneOrDead(peer), PullDenied(peer)));
            for (int c = 0; c < counters.Length; c++)
                counters[c] += Volatile.Read(ref peer.File.CounterWord(c));
            for (int block = 0; block < peer.File.BlockCount; block++)
            {
                Phase phase = peer.File.State(block).Phase;
                if (phase is not (Phase.Queued or Phase.Leased))
                    continue;
                byte* p = peer.File.Block(block);
                bytes += Math.Max(0, *(long*)(p + BlockLayout.PayloadLengthOffset));
                leased += phase == Phase.Leased ? 1 : 0;
                queued += phase == Phase.Queued ? 1 : 0;
                if (phase == Phase.Queued)
                    oldest = Math.Min(oldest, *(long*)(p + BlockLayout.TimeSentOffset));
            }
        }

        return new QueueStatistics
        {
            Queued = queued,
            Leased = leased,
            BytesPending = bytes,
            OldestAge = queued == 0 ? null : TimeSpan.FromMicroseconds(Math.Clamp(MessageRecord.Now - oldest, 0, TimeSpan.MaxValue.Ticks / 100)),
            Sent = Lanes(counters, Counter.SentInline),
            Completed = Lanes(counters, Counter.CompletedInline),
            Redelivered = counters[(int)Counter.Redelivered],
            Abandoned = counters[(int)Counter.Abandoned],
            DeadLettered = counters[(int)Counter.DeadLettered],
            Withdrawn = counters[(int)Counter.Withdrawn],
            LostWithSender = counters[(int)Counter.LostWithSender],
            Moved = counters[(int)Counter.Moved],
            Participants = participants,
        };
    }

    private static string? PullDenied(Peer peer) => peer.Access == PullAccess.Refused
        ? Memory.AccessExplanation.Of(peer.File.Pid, peer.RefusedWith, TransferMethod.ProcessVm).ToString()
        : null;

    private static LaneStatistics Lanes(long[] counters, Counter first)
    {
        LaneTraffic At(int lane) => new(counters[(int)first + (lane * 2)], counters[(int)first + (lane * 2) + 1]);
        return new LaneStatistics(At(0), At(1), At(2));
    }
}
