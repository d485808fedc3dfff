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
    /// How long the message may wait in the queue, more than 0: from then on it is handed to nobody, and the receiver that meets it puts it
    /// into the dead-letter queue. Counted from the send's last look for room, by the machine's clock (CLOCK_REALTIME): setting the clock changes it. Null:
    /// the queue's own (<see cref="QueueOptions.TimeToLive"/>); <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>: never. One that a receiver has in time may be
    /// completed later. A send that waits for completion ends as for a dead letter: as completed.
    /// </summary>
    public TimeSpan? TimeToLive { get; init; }

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

    internal const long MaxTimeToLive = long.MaxValue / TimeSpan.TicksPerMicrosecond;

    internal static SendOptions Default { get; } = new();

    /// <summary>At least 1: 0 would be "never".</summary>
    internal static long Microseconds(TimeSpan time) => Math.Max(1, time.Ticks / TimeSpan.TicksPerMicrosecond);

    internal void CheckTimeToLive()
    {
        if (TimeToLive.HasValue)
            CheckTimeToLive(TimeToLive);
    }

    internal static void CheckTimeToLive(TimeSpan? time)
    {
        if (time is { } t && t != System.Threading.Timeout.InfiniteTimeSpan)
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(t, TimeSpan.Zero, nameof(TimeToLive));
    }

    /// <summary>Microseconds since 1970 at which a message that is sent now expires; 0 = never.</summary>
    internal long ExpiresAt(long queueDefault) => queueDefault == 0 && !TimeToLive.HasValue ? 0 : ExpiresAtSome(queueDefault);

    private long ExpiresAtSome(long queueDefault)
    {
        if (TimeToLive == System.Threading.Timeout.InfiniteTimeSpan)
            return 0;
        long lives = TimeToLive is { } own ? Microseconds(own) : queueDefault;
        return lives == 0 ? 0 : Messaging.MessageRecord.Now + lives;
    }

    internal void RefuseUntilCompleted()
    {
        if (UntilCompleted)
            throw new ArgumentException("Send does not wait for the message's completion: use SendAsync with UntilCompleted.");
    }
}
