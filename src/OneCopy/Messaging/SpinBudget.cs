namespace OneCopy.Messaging;

/// <summary>
/// How long a thread that waits looks again before it sleeps, learned from how long such waits last. Where they end soon it spins until then, since a sleep and its
/// wake-up cost more; where they do not, it sleeps almost at once, and leaves the processor to whoever it waits for.
/// </summary>
/// <remarks>Written by all threads of a handle without a lock: a lost update is one lesson less.</remarks>
/// <param name="least">Nanoseconds to spin in any case: long enough to meet what is just being sent.</param>
internal sealed class SpinBudget(long least)
{
    /// <summary>
    /// The most: a few times what a sleep and its wake-up cost (some 10 µs here, 50 where an idle virtual processor must be woken), so that spinning in vain at most
    /// doubles what a wait costs.
    /// </summary>
    public const long Most = 50_000;

    // Two that answer each other and both sleep would learn nothing but how long their wake-ups take. So one wait in so many is spun for longer than a wake-up: if the other one was
    // only asleep, both are awake from then on. It costs less than a tenth of what such waits take.
    private const int BetweenProbes = 16;
    private const long Probe = 2 * Most;

    private const long First = 10_000;

    // One wait in eight moves it: a few of another kind do not change what many have taught.
    private const int Weight = 8;

    // Waits beyond count as this: then it takes some twenty short ones to begin to spin again, and one long one costs one spin.
    private const long Longest = 4 * Most;

    private long _typical = First;
    private int _long;

    /// <summary>Nanoseconds to spin now, for a wait that begins.</summary>
    public long Next()
    {
        long typical = Volatile.Read(ref _typical);
        if (typical <= Most)
            return Math.Clamp(2 * typical, least, Most);
        return ++_long % BetweenProbes == 0 ? Probe : least;
    }

    /// <summary>Whether such waits mostly end within one.</summary>
    public bool IsSpinning => Volatile.Read(ref _typical) <= Most;

    /// <summary>A wait has ended, spinning or asleep.</summary>
    public void Learn(long nanoseconds)
    {
        long typical = Volatile.Read(ref _typical);
        Volatile.Write(ref _typical, typical + ((Math.Min(nanoseconds, Longest) - typical) / Weight));
    }
}
