namespace OneCopy.Cli.Bench.Queue;

/// <summary>The tests that were asked for: a bit for each <see cref="QueueTest"/>.</summary>
[Flags]
internal enum QueueWork
{
    Throughput = 1,
    RoundTrip = 2,
    Scaling = 4,
    Mixed = 8,
    All = Throughput | RoundTrip | Scaling | Mixed,
}

/// <summary>What <c>bench queue</c> was asked for.</summary>
/// <param name="Sizes">Of the messages, ascending.</param>
/// <param name="Rounds">How often each system has its turn.</param>
/// <param name="Quick">Fewer, smaller, shorter.</param>
/// <param name="Work">What is measured.</param>
/// <param name="Peers">The names of those that take part; null: all.</param>
/// <param name="PeerDirectory">Where their programs are.</param>
internal sealed record QueueBenchOptions(IReadOnlyList<long> Sizes, int Rounds, bool Quick, QueueWork Work, IReadOnlyList<string>? Peers, string PeerDirectory)
{
    public static readonly IReadOnlyList<long> UsualSizes =
        [0, 64, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20, 64 << 20, 256 << 20, 1 << 30];

    public static readonly IReadOnlyList<long> QuickSizes = [64, 64 << 10, 1 << 20, 16 << 20];

    /// <summary>Of messages that are small: one line of the processor's cache.</summary>
    public const long Small = 64;

    public const int UsualRounds = 5;
    public const int QuickRounds = 2;

    // What is promised is a minute, and the last step may be a slow one.
    private const double QuickStart = 4;
    private const double QuickSeconds = 40;

    // What one message has to fit into, with room in memory for both ends.
    public const long MostBytes = 1L << 30;

    /// <summary>How many the next step has: one if a quick run is late by then, on a machine that starts processes slowly.</summary>
    /// <param name="done">The part of the plan that is done, of 1.</param>
    /// <param name="seconds">What that took.</param>
    public int RoundsAfter(double done, double seconds) => Quick && Rounds == QuickRounds && seconds > QuickStart + (done * QuickSeconds) ? 1 : Rounds;

    /// <summary>How often it is tried how many messages a turn is to have. A program of a peer is started for each try, Open MPI's takes half a second for that: once is too short to say exactly, so that its turns may be half as long, or twice.</summary>
    public int AttemptsOf(QueueSystem system) => Quick && system is NativePeer ? 1 : 6;

    /// <summary>How often many processes warm up before a turn, at most.</summary>
    public int CrowdWarmUps => Quick ? 1 : 30;

    /// <summary>How long one turn should take.</summary>
    public double SecondsOf(QueueTest test) => test switch
    {
        QueueTest.Mixed => Quick ? 0.25 : 2,
        QueueTest.Scaling => Quick ? 0.15 : 1,
        _ => Quick ? 0.05 : 0.5,
    };

    /// <summary>What is measured, with the sizes of the messages.</summary>
    public IEnumerable<(QueueTest Test, long Bytes)> Plan()
    {
        foreach (QueueTest test in Enum.GetValues<QueueTest>())
        {
            if (!Work.HasFlag((QueueWork)(1 << (int)test)))
                continue;
            foreach (long bytes in test is QueueTest.Throughput or QueueTest.RoundTrip ? Sizes : [Small])
                yield return (test, bytes);
        }
    }
}
