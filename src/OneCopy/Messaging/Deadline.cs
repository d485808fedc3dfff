using System.Diagnostics;

namespace OneCopy.Messaging;

/// <summary>Points in time on CLOCK_MONOTONIC, in nanoseconds, as futex(2) takes them. Never the wall clock.</summary>
internal static class Deadline
{
    public const long Never = long.MaxValue;

    // On Linux, Stopwatch reads CLOCK_MONOTONIC and counts nanoseconds.
    public static long Now => Stopwatch.GetTimestamp();

    /// <summary>Null or infinite: never. Negative values but for infinity are refused.</summary>
    public static long After(TimeSpan? timeout)
    {
        if (timeout is not { } t || t == Timeout.InfiniteTimeSpan)
            return Never;
        ArgumentOutOfRangeException.ThrowIfLessThan(t, TimeSpan.Zero, nameof(timeout));
        return t.TotalSeconds > 1e9 ? Never : Now + (t.Ticks * 100);
    }

    public static bool IsAhead(long deadline) => deadline == Never || Now < deadline;

    /// <summary>For one wait of a task, a day at most: longer ones are refused by the framework. The caller waits again.</summary>
    public static TimeSpan Left(long deadline) => deadline == Never
        ? Timeout.InfiniteTimeSpan
        : TimeSpan.FromTicks(Math.Clamp((deadline - Now) / 100, 0, TimeSpan.TicksPerDay));
}

/// <summary>The words of the table of participants: <c>incarnation * 2 + dead</c>, 0 = free.</summary>
internal static class Entries
{
    /// <summary>62 bits are in the word; one less, so that none is negative.</summary>
    public const long MaxIncarnation = 1L << 61;

    public static long Live(long incarnation) => incarnation << 1;

    public static long Dead(long incarnation) => (incarnation << 1) | 1;

    public static long IncarnationOf(long entry) => entry >> 1;

    public static bool IsDead(long entry) => (entry & 1) != 0;
}
