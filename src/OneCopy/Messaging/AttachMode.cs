namespace OneCopy;

/// <summary>Whether payloads go straight from one process's memory to another's: the attached lane.</summary>
public enum AttachMode
{
    /// <summary>Where the system permits it; what it refuses goes through the arena.</summary>
    Allowed,

    /// <summary>
    /// Never: this participant's memory is not read or written for a message, nor does it read or write another one's. Its sends are
    /// copied, and what others attach is moved into their arenas for it.
    /// </summary>
    Never,

    /// <summary>
    /// As <see cref="Allowed"/>, but <c>SendAsync</c> never copies what is as long as <see cref="QueueOptions.AttachThreshold"/> or longer: if a receiver
    /// that takes the message can neither pull it nor have it pushed, it is taken back and the send fails with the reason. What this
    /// participant receives is not affected.
    /// </summary>
    Required,
}
