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

    // What one message has to fit into, with room in memory for both ends.
    public const long MostBytes = 1L << 30;

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
