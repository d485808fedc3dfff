namespace OneCopy;

/// <summary>What is known of a participant without asking it, nor trying its lock.</summary>
public enum ParticipantState
{
    /// <summary>Its process runs.</summary>
    Alive,

    /// <summary>It lives in another pid namespace, where this process cannot see it; nobody has found it dead.</summary>
    Unknown,

    /// <summary>Its process has ended, or its handle was closed while the ring was full; what it held is not given back yet: the next who opens the queue does that.</summary>
    NotRecovered,

    /// <summary>It has left, by its own hand or by death; its file stays until its last message is done.</summary>
    Left,
}

/// <summary>A participant as <see cref="QueueInspection"/> saw it.</summary>
/// <param name="Index">Its number in the queue; another has it when this one is gone.</param>
/// <param name="Incarnation">Counts all participants that the queue ever had; the first part of its messages' ids.</param>
/// <param name="Pid">Its process, in its own pid namespace.</param>
/// <param name="ProcessName">The process's command name, at most 15 bytes; null if it has ended or cannot be seen from here.</param>
/// <param name="Uid">Its user: the owner of its file, by the file system.</param>
/// <param name="State">Whether it takes part still.</param>
/// <param name="Blocks">How many messages it may have in the queue at a time.</param>
/// <param name="ArenaLimit">How many bytes its payloads may take in its arena.</param>
/// <param name="FileBytes">The size of its file, arena included.</param>
public sealed record InspectedParticipant(
    int Index, long Incarnation, int Pid, string? ProcessName, int Uid, ParticipantState State, int Blocks, long ArenaLimit, long FileBytes);

/// <summary>What the process that made a queue has fixed (<see cref="QueueOptions"/>).</summary>
/// <param name="RingCapacity">References that the ring holds.</param>
/// <param name="BlockSize">Bytes of a block.</param>
/// <param name="MaxParticipants">How many handles may be open at the same time.</param>
/// <param name="MaxDeliveryAttempts">How often a message is handed out before it is a dead letter.</param>
/// <param name="TimeToLive">How long messages live whose senders do not say otherwise; null: for ever.</param>
/// <param name="Access">Whom the queue is shared with; null: nobody, it is its maker's alone.</param>
public sealed record QueueGeometry(int RingCapacity, int BlockSize, int MaxParticipants, int MaxDeliveryAttempts, TimeSpan? TimeToLive, QueueAccess? Access);
