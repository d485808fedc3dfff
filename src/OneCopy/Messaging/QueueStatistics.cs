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

    /// <summary>Of the dead letters, those whose time had passed when a receiver met them.</summary>
    public required long Expired { get; init; }

    /// <summary>Taken back by their senders.</summary>
    public required long Withdrawn { get; init; }

    /// <summary>Attached messages whose sender died before they were copied. Their sends had not completed.</summary>
    public required long LostWithSender { get; init; }

    /// <summary>Attached payloads that could neither be pulled nor pushed and were moved into the arena.</summary>
    public required long Moved { get; init; }

    /// <summary>Messages of which a receiver has pulled at least a part out of the sender's memory.</summary>
    public required long Pulled { get; init; }

    /// <summary>Messages of which a sender has pushed at least a part into the receiver's memory, where the receiver could not pull.</summary>
    public required long Pushed { get; init; }

    /// <summary>Messages of which the sender has written a part into the receiver's memory while the receiver pulled the rest.</summary>
    public required long CopiedByBoth { get; init; }

    /// <summary>
    /// Of those pulled, messages of which at least a part came through a small buffer of the receiver's: the sender wrote it there, and the receiver copied it on, at the same time. Two ordinary copies in the caches, where that is found to be
    /// faster than one by the kernel.
    /// </summary>
    public required long Staged { get; init; }

    /// <summary>How often a thread that waited for a message was taken to another processor than its sender's (<see cref="QueueOptions.Migration"/>).</summary>
    public required long Migrations { get; init; }

    /// <summary>Of those pulled, messages that were copied without the kernel's help, out of a buffer of the sender's pool that the receiver has mapped.</summary>
    public required long CopiedFromMapping { get; init; }

    /// <summary>Bytes that senders have written into receivers' memory, alone or together with them; those that were thrown away later are among them.</summary>
    public required long PushedBytes { get; init; }

    /// <summary>How often a receiver was refused its sender's memory. After a refusal it is not tried again for ten seconds.</summary>
    public required long PullsRefused { get; init; }

    /// <summary>How often a sender was refused its receiver's memory.</summary>
    public required long PushesRefused { get; init; }

    /// <summary>
    /// Who was refused whose memory, and why: of the participants that are still there, the 16 most frequent of each. None of these was an
    /// error to anybody; the messages went by another way.
    /// </summary>
    public required IReadOnlyList<Downgrade> Downgrades { get; init; }

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

    private QueueStatistics CountAll() => QueueTally.Count(_ring, tally =>
    {
        for (int index = 1; index <= _ring.HighestIndex; index++)
        {
            if (TryPeerAt(index) is not { } peer)
                continue;
            ParticipantStatistics participant = new(index, peer.File.Pid, (int)peer.File.Uid, !IsGoneOrDead(peer), peer.Pull.Refusal?.ToString());
            tally.Add(peer.File, participant, index == _self.Index ? WordsOfRefusal : null);
        }
    });
}
