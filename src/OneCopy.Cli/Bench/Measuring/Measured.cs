namespace OneCopy.Cli.Bench.Measuring;

/// <summary>The samples of one way in a contest. Each figure is the median of its own.</summary>
internal sealed class Measured(string way, long operations, long bytes, IReadOnlyList<Sample> samples, bool competes = true, string? refusal = null)
{
    // Ticks are four milliseconds apart, or ten.
    private const double TenTicks = 0.04;

    public string Way { get; } = way;

    public long Operations { get; } = operations;

    public long Bytes { get; } = bytes;

    /// <summary>Whether it did all that the others did, so that it can win.</summary>
    public bool Competes { get; } = competes && refusal is null;

    /// <summary>Why there are no samples, or null.</summary>
    public string? Refusal { get; } = refusal;

    public IReadOnlyList<Sample> Samples { get; } = samples;

    public double Seconds { get; } = Median.Of(samples, s => s.Seconds);

    public double Fastest => Samples.Count == 0 ? 0 : Samples.Min(s => s.Seconds);

    public double Slowest => Samples.Count == 0 ? 0 : Samples.Max(s => s.Seconds);

    /// <summary>From the fastest to the slowest round, in parts of the median.</summary>
    public double Spread => Seconds > 0 ? (Slowest - Fastest) / Seconds : 0;

    public double UserSeconds { get; } = Median.Of(samples, s => s.UserSeconds);

    public double SystemSeconds { get; } = Median.Of(samples, s => s.SystemSeconds);

    /// <summary>What part of the processor time was the kernel's, from all rounds together; null if too short to say.</summary>
    public double? KernelShare
    {
        get
        {
            double user = Samples.Sum(s => s.UserSeconds), system = Samples.Sum(s => s.SystemSeconds);
            return user + system < TenTicks ? null : system / (user + system);
        }
    }

    public double ProcessorSeconds { get; } = Median.Of(samples, s => s.ProcessorSeconds);

    public long MinorFaults { get; } = (long)Median.Of(samples, s => s.MinorFaults);

    public long MajorFaults { get; } = (long)Median.Of(samples, s => s.MajorFaults);

    public long SystemCalls { get; } = (long)Median.Of(samples, s => s.SystemCalls);

    public long BytesFromStorage { get; } = (long)Median.Of(samples, s => s.BytesFromStorage);

    public double QueuedSeconds { get; } = Median.Of(samples, s => s.QueuedSeconds);

    public double BytesPerSecond => Seconds > 0 ? Bytes / Seconds : 0;

    public double OperationsPerSecond => Seconds > 0 ? Operations / Seconds : 0;
}
