namespace OneCopy;

/// <summary>How one message is sent. Without it: no properties, no time limit.</summary>
public sealed record SendOptions
{
    /// <summary>What travels with the payload, or null.</summary>
    public MessageProperties? Properties { get; init; }

    /// <summary>
    /// How long the send may take, waiting for room or, where it waits for that, for the message's completion; then the message is
    /// taken back and <see cref="TimeoutException"/> is thrown. Null: as long as it takes.
    /// </summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>
    /// Copies the payload into the arena even where it could be attached, so that <c>SendAsync</c> is complete as soon as the message
    /// is in the queue, and the message survives this process.
    /// </summary>
    public bool SurviveSender { get; init; }

    /// <summary>
    /// Has <c>SendAsync</c> complete only when a receiver has completed (or dead-lettered) the message, on every lane. Attached messages do
    /// so anyway. Not for <c>Send</c> and <c>TrySend</c>, which throw <see cref="ArgumentException"/>.
    /// </summary>
    public bool UntilCompleted { get; init; }

    internal static SendOptions Default { get; } = new();

    internal void RefuseUntilCompleted()
    {
        if (UntilCompleted)
            throw new ArgumentException("Send does not wait for the message's completion: use SendAsync with UntilCompleted.");
    }
}
