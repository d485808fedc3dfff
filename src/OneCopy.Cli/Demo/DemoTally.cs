namespace OneCopy.Cli.Demo;

/// <summary>A file as its producer loaded it.</summary>
internal sealed record ExpectedFile(int Producer, int Length, string Hash);

/// <summary>What must arrive in a round, by number.</summary>
internal sealed class Expected : Dictionary<int, ExpectedFile>
{
    public long Bytes => Values.Sum(f => (long)f.Length);
}

/// <summary>A file as a consumer found it in its memory.</summary>
internal sealed record Arrival(int Id, int Length, string Hash)
{
    public const string NotHashed = "-";
}

/// <summary>What a pass is for: to compare the hashes of all that arrives, or to take the time.</summary>
internal static class Passes
{
    private const string Compare = "compare";
    private const string Time = "time";

    public static string Of(int round) => round < 0 ? Compare : Time;

    public static bool Compares(string pass) => string.Equals(pass, Compare, StringComparison.Ordinal);
}

internal sealed record Arrivals(List<Arrival> Files, Span[] Spans);

/// <summary>What came of the rounds. Those before round 0 compare every hash and are not timed.</summary>
internal sealed class DemoTally(int rounds)
{
    public Rounds Queue { get; } = new(rounds);

    /// <summary>By the asynchronous calls, as the queue.</summary>
    public Rounds Pipe { get; } = new(rounds);

    /// <summary>By the blocking calls.</summary>
    public Rounds BlockingPipe { get; } = new(rounds);

    public int Messages { get; private set; }

    public long Bytes { get; private set; }

    /// <summary>Arrived with other bytes, over all rounds.</summary>
    public int Mismatches { get; private set; }

    /// <summary>Did not arrive.</summary>
    public int Lost { get; private set; }

    /// <summary>Arrived more than once.</summary>
    public int Repeated { get; private set; }

    /// <summary>What the first timed round took by which lane.</summary>
    public LaneStatistics Lanes { get; private set; }

    /// <summary>Attached payloads that had to be moved, in the whole run.</summary>
    public long Moved { get; private set; }

    /// <summary>Why, in words.</summary>
    public string? Refusal { get; set; }

    public bool IsGood => Mismatches == 0 && Lost == 0 && Repeated == 0;

    public void AddInput(Expected wave)
    {
        Messages += wave.Count;
        Bytes += wave.Bytes;
    }

    public void AddQueueRound(int round, Expected expected, Arrivals arrivals, Span span, QueueStatistics before, QueueStatistics after)
    {
        Moved += after.Moved - before.Moved;
        if (round == 0)
            Lanes = Plus(Lanes, after.Completed, before.Completed);
        Queue.Add(round, span);
        Compare(round, expected, arrivals);
    }

    public void AddPipeRound(Rounds rounds, int round, Expected expected, Arrivals arrivals)
    {
        rounds.Add(round, Span.Around(arrivals.Spans));
        Compare(round, expected, arrivals);
    }

    private void Compare(int round, Expected expected, Arrivals arrivals)
    {
        bool hashed = round < 0;
        HashSet<int> seen = [];
        foreach (Arrival arrival in arrivals.Files)
        {
            bool known = expected.TryGetValue(arrival.Id, out ExpectedFile? file);
            if (known && !seen.Add(arrival.Id))
                Repeated++;
            if (!known || file!.Length != arrival.Length || !string.Equals(hashed ? file.Hash : Arrival.NotHashed, arrival.Hash, StringComparison.Ordinal))
                Mismatches++;
        }

        Lost += expected.Count - seen.Count;
    }

    private static LaneStatistics Plus(LaneStatistics sum, LaneStatistics after, LaneStatistics before)
    {
        static LaneTraffic Add(LaneTraffic s, LaneTraffic a, LaneTraffic b) => new(s.Messages + a.Messages - b.Messages, s.Bytes + a.Bytes - b.Bytes);
        return new LaneStatistics(
            Add(sum.Inline, after.Inline, before.Inline), Add(sum.Arena, after.Arena, before.Arena), Add(sum.Attached, after.Attached, before.Attached));
    }

}

/// <summary>The times of one way to do the job; over several waves they add up.</summary>
internal sealed class Rounds(int count)
{
    private readonly double[] _seconds = new double[count];
    private readonly double[] _processor = new double[count];

    public double Seconds => Median(_seconds);

    /// <summary>Processor time of all processes together.</summary>
    public double ProcessorSeconds => Median(_processor);

    public IReadOnlyList<double> All => _seconds;

    public void Add(int round, Span span)
    {
        if (round < 0)
            return;
        _seconds[round] += span.Seconds;
        _processor[round] += span.Cpu.TotalSeconds;
    }

    private static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
