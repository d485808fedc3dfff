namespace OneCopy.Messaging;

/// <summary>One wait without a thread, for a ring of a handle's doorbell; used again.</summary>
internal sealed class RingAwaiter : AsyncSignal
{
    public RingAwaiter() => Node = new LinkedListNode<RingAwaiter>(this);

    /// <summary>In the list of those that wait for a ring, and in none otherwise. Under that list's gate.</summary>
    public LinkedListNode<RingAwaiter> Node { get; }
}
