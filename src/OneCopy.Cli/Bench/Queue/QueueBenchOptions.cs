namespace OneCopy.Cli.Bench.Queue;

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

    public const int UsualRounds = 5;
    public const int QuickRounds = 2;

    // What one message has to fit into, with room in memory for both ends.
    public const long MostBytes = 1L << 30;

    /// <summary>How long one turn should take.</summary>
    public double TurnSeconds => Quick ? 0.05 : 0.5;

    public IReadOnlyList<QueueTest> Tests =>
        [.. ((QueueTest[])[QueueTest.Throughput, QueueTest.RoundTrip]).Where(t => Work.HasFlag(t == QueueTest.Throughput ? QueueWork.Throughput : QueueWork.RoundTrip))];
}
