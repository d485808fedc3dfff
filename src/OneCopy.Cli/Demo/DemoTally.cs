namespace OneCopy.Cli.Demo;

/// <summary>A file as its producer loaded it.</summary>
internal sealed record ExpectedFile(int Producer, int Length, string Hash);

/// <summary>What must arrive in a round, by number.</summary>
internal sealed class Expected : Dictionary<int, ExpectedFile>
{
    public long Bytes => Values.Sum(f => (long)f.Length);
}

/// <summary>A file as a consumer found it in its memory.</summary>
internal sealed record Arrival(int Id, int Length, string Hash);

internal sealed record Arrivals(List<Arrival> Files, Span[] Spans);

/// <summary>What came of the rounds. Those before round 0 are for warming up: checked, and not timed.</summary>
internal sealed class DemoTally(int rounds)
{
    private readonly double[] _queueSeconds = new double[rounds];
    private readonly double[] _pipeSeconds = new double[rounds];
    private readonly double[] _queueCpu = new double[rounds];
    private readonly double[] _pipeCpu = new double[rounds];

    public int Messages { get; private set; }

    public long Bytes { get; private set; }

    public int Passes { get; private set; }

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

    public double QueueSeconds => Median(_queueSeconds);

    public double PipeSeconds => Median(_pipeSeconds);

    /// <summary>Processor time of all processes together.</summary>
    public double QueueProcessorSeconds => Median(_queueCpu);

    public double PipeProcessorSeconds => Median(_pipeCpu);

    public IReadOnlyList<double> QueueRounds => _queueSeconds;

    public IReadOnlyList<double> PipeRounds => _pipeSeconds;

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
        if (round >= 0)
        {
            _queueSeconds[round] += span.Seconds;
            _queueCpu[round] += span.Cpu.TotalSeconds;
        }

        Compare(expected, arrivals);
    }

    public void AddPipeRound(int round, Expected expected, Arrivals arrivals, Span span)
    {
        if (round >= 0)
        {
            _pipeSeconds[round] += span.Seconds;
            _pipeCpu[round] += span.Cpu.TotalSeconds;
        }

        Compare(expected, arrivals);
    }

    private void Compare(Expected expected, Arrivals arrivals)
    {
        Passes++;
        HashSet<int> seen = [];
        foreach (Arrival arrival in arrivals.Files)
        {
            bool known = expected.TryGetValue(arrival.Id, out ExpectedFile? file);
            if (known && !seen.Add(arrival.Id))
                Repeated++;
            if (!known || file!.Length != arrival.Length || !string.Equals(file.Hash, arrival.Hash, StringComparison.Ordinal))
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

    private static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
