namespace OneCopy;

/// <summary>How a payload travels from its sender to its receiver.</summary>
public enum Lane
{
    /// <summary>Inside the message's block: small payloads. Read in place or copied out; survives its sender.</summary>
    Inline,

    /// <summary>Through the sender's shared arena: <c>Send</c>, <c>Rent</c>, or where attaching is not possible. Survives its sender.</summary>
    Arena,

    /// <summary>
    /// Straight from the sender's own memory into the receiver's, with process_vm_readv(2): one copy; of arrays two, through a small buffer in the caches, where that is faster (<see cref="QueueOptions.Staging"/>). The send is not complete
    /// before a receiver has completed the message.
    /// </summary>
    Attached,
}
