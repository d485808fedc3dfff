namespace OneCopy.Messaging;

/// <summary>
/// How long a thread that waits looks again before it sleeps, learned from how long such waits last. Where they end soon it spins until then, since a sleep and its
/// wake-up cost more; where they do not, it sleeps almost at once, and leaves the processor to whoever it waits for.
/// </summary>
/// <remarks>Written by all threads of a handle without a lock: a lost update is one lesson less.</remarks>
internal sealed class SpinBudget
{
    /// <summary>
    /// The most: a few times what a sleep and its wake-up cost (some 10 µs here, 50 where an idle virtual processor must be woken), so that spinning in vain at most
    /// doubles what a wait costs.
    /// </summary>
    public const long Most = 50_000;

    // Long enough to meet what is just being sent.
    private const long Least = 1_000;
    private const long First = 10_000;

    // One wait in eight moves it: a few of another kind do not change what many have taught.
    private const int Weight = 8;

    // Waits beyond count as this: then it takes some twenty short ones to begin to spin again, and one long one costs one spin.
    private const long Longest = 4 * Most;

    private long _typical = First;

    /// <summary>Nanoseconds to spin now.</summary>
    public long Nanoseconds
    {
        get
        {
            long typical = Volatile.Read(ref _typical);
            return typical > Most ? Least : Math.Clamp(2 * typical, Least, Most);
        }
    }

    /// <summary>A wait has ended, spinning or asleep.</summary>
    public void Learn(long nanoseconds)
    {
        long typical = Volatile.Read(ref _typical);
        Volatile.Write(ref _typical, typical + ((Math.Min(nanoseconds, Longest) - typical) / Weight));
    }
}
