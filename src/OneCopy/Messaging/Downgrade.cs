namespace OneCopy;

/// <summary>Which process copies, and which one's memory is touched by it.</summary>
public enum CopyDirection
{
    /// <summary>The receiver reads the sender's memory: process_vm_readv(2).</summary>
    Pull,

    /// <summary>The sender writes to the receiver's memory: process_vm_writev(2).</summary>
    Push,
}

/// <summary>
/// One participant was refused another one's memory, so that payloads between the two go by another way: pushed where the pull is refused,
/// through the arena where both are. It is tried again now and then.
/// </summary>
/// <param name="ParticipantIndex">Who was refused.</param>
/// <param name="ParticipantPid">Its process, in its own pid namespace.</param>
/// <param name="PeerIndex">Whose memory it was; the index may be another one's by now.</param>
/// <param name="PeerPid">That participant's process at the time.</param>
/// <param name="Direction">What was tried.</param>
/// <param name="Errno">The system call's answer, such as "EPERM"; what a rule of this library forbids has the errno that the kernel would give.</param>
/// <param name="Reason">Why, as far as it could be found out.</param>
/// <param name="Explanation">Why in words, and what helps. From another process it is more general than from the one that was refused.</param>
/// <param name="Count">How often.</param>
public sealed record Downgrade(
    int ParticipantIndex,
    int ParticipantPid,
    int PeerIndex,
    int PeerPid,
    CopyDirection Direction,
    string Errno,
    AccessDenialReason Reason,
    string Explanation,
    long Count);
