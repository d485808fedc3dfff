namespace OneCopy;

/// <summary>Where a message is in its life.</summary>
public enum MessageState
{
    /// <summary>In the queue, for the next receiver.</summary>
    Waiting,

    /// <summary>A receiver has it on a lease.</summary>
    Held,

    /// <summary>Over: completed, dead-lettered or lost. Its record stays until its sender uses the block again.</summary>
    Done,
}

/// <summary>A message as <see cref="QueueInspection"/> saw it: a copy, which stays as it was whatever becomes of the message.</summary>
public sealed record InspectedMessage
{
    /// <summary>As <see cref="ReceivedMessage.Id"/>: unique in the life of the queue.</summary>
    public required string Id { get; init; }

    /// <summary>Where it was at that moment.</summary>
    public required MessageState State { get; init; }

    /// <summary>The sender's number among the participants.</summary>
    public required int SenderIndex { get; init; }

    /// <summary>The sender's process, in its own pid namespace; it may have ended, and the number be somebody else's.</summary>
    public required int SenderPid { get; init; }

    /// <summary>The sender's user: the owner of its file, by the file system.</summary>
    public required int SenderUid { get; init; }

    /// <summary>Counts the messages of one sender's handle: 1, 2, … A send that was cancelled has used a number too.</summary>
    public required long SequenceNumber { get; init; }

    /// <summary>Bytes of the payload.</summary>
    public required long Length { get; init; }

    /// <summary>How the payload travels; an attached one that was moved is an arena message.</summary>
    public required Lane Lane { get; init; }

    /// <summary>When it was sent, by the sender's clock.</summary>
    public required DateTimeOffset TimeSent { get; init; }

    /// <summary>From when on it is not handed out any more; null: it does not expire.</summary>
    public required DateTimeOffset? Expires { get; init; }

    /// <summary>How often it was handed out, the present lease included; leases given back without an attempt are not.</summary>
    public required int Attempts { get; init; }

    /// <summary>The process that holds it; null if nobody does.</summary>
    public required int? HolderPid { get; init; }

    /// <summary>What the sender sent beside the payload. Null: it was over before they could be read, or they are damaged.</summary>
    public required MessageProperties? Properties { get; init; }

    /// <summary>The first bytes of the payload, as many as were asked for; empty if they could not be read.</summary>
    public required ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>Why the payload could not be read, in words; null if it was, or was not asked for.</summary>
    public required string? PayloadNotRead { get; init; }

    internal long Incarnation { get; init; }

    internal int Block { get; init; }

    internal uint Generation { get; init; }
}
