namespace OneCopy.Cli.Bench.Queue;

/// <summary>
/// How many messages one turn of a system has: as many as take the time that a turn should have. The first turn finds it out, beginning with few, and is thrown away as the one that
/// warms up.
/// </summary>
/// <param name="system">Whose.</param>
/// <param name="test">What it does.</param>
/// <param name="bytes">Of a message.</param>
/// <param name="seconds">What a turn should take.</param>
/// <param name="attempts">How often it may be tried how many messages that are.</param>
internal sealed class Pace(QueueSystem system, QueueTest test, long bytes, double seconds, int attempts)
{
    // Times of round trips are kept, each in eight bytes.
    private const long MostTrips = 1_000_000;
    private const long Most = 200_000_000;
    private const double Faster = 500;

    private long _count;

    /// <summary>No fewer, however long they take.</summary>
    public long Least => bytes >= 64L << 20 ? 3 : bytes >= 4L << 20 ? 8 : 50;

    public Exchange Turn(CancellationToken ct)
    {
        if (_count > 0)
            return system.Run(test, bytes, _count, WarmUp(_count), ct);
        long count = Math.Clamp((16L << 20) / Math.Max(bytes, 1), Least, 1000);
        for (int attempt = 1; ; attempt++)
        {
            Exchange tried = system.Run(test, bytes, count, WarmUp(count), ct);
            _count = Scaled(count, tried.Seconds, seconds);

            // Once more if it was too short to say.
            if (attempt == attempts || tried.Seconds > seconds / 3 || _count == count)
                return tried;
            count = Scaled(count, tried.Seconds, seconds / 2);
        }
    }

    private long Scaled(long count, double took, double wanted) =>
        Math.Clamp((long)(count * Math.Min(wanted / Math.Max(took, 1e-6), Faster)), Least, test.HasTrips() ? MostTrips : Most);

    // Some at least: the first large message between two handles is copied by its receiver alone, and its sender asks at its first chance to help, some messages later, whether it may, and maps what it is to write to.
    private static long WarmUp(long count) => Math.Clamp(count / 10, 10, 20_000);
}
