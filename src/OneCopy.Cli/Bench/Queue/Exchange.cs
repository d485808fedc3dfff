using OneCopy.Cli.Bench.Measuring;

namespace OneCopy.Cli.Bench.Queue;

/// <summary>What is measured of a system.</summary>
internal enum QueueTest
{
    /// <summary>One process sends, another receives, as many under way as the system likes.</summary>
    Throughput,

    /// <summary>A message there, and one of the same size back, one at a time.</summary>
    RoundTrip,

    /// <summary>Throughput of many processes on one queue.</summary>
    Scaling,

    /// <summary>Round trips beside other work.</summary>
    Mixed,
}

/// <summary>What goes for each test.</summary>
internal static class QueueTests
{
    /// <summary>Whether a message comes back, and each trip is timed.</summary>
    public static bool HasTrips(this QueueTest test) => test is QueueTest.RoundTrip or QueueTest.Mixed;

    /// <summary>In JSON, and on the command line.</summary>
    public static string NameOf(this QueueTest test) => test switch
    {
        QueueTest.Throughput => "throughput",
        QueueTest.RoundTrip => "round-trip",
        QueueTest.Scaling => "scaling",
        _ => "mixed",
    };

    public static string TitleOf(this QueueTest test) => test switch
    {
        QueueTest.Throughput => "Throughput",
        QueueTest.RoundTrip => "Round trip",
        QueueTest.Scaling => "Scaling",
        _ => "Mixed",
    };
}

/// <summary>One turn of one system: from the start of the first message until the last one is in the receiver's memory.</summary>
/// <param name="Messages">How many; of round trips, how many trips.</param>
/// <param name="Seconds">How long they took.</param>
/// <param name="ProcessorSeconds">Of both processes.</param>
/// <param name="Times">Of the round trips.</param>
/// <param name="AllocatedBytes">From the garbage collectors of both processes; null for systems that have none.</param>
/// <param name="Lane">How the last message came, in a system that has lanes.</param>
internal sealed record Exchange(long Messages, double Seconds, double ProcessorSeconds, Percentiles Times, long? AllocatedBytes = null, string? Lane = null)
{
    public double MessagesPerSecond => Seconds > 0 ? Messages / Seconds : 0;
}

/// <summary>All turns of one system with messages of one size. Each figure is the median of its own.</summary>
internal sealed class QueueFigure(QueueSystem system, QueueTest test, long bytes, Taken<Exchange> taken)
{
    private readonly IReadOnlyList<Exchange> _samples = taken.Samples;

    public QueueSystem System { get; } = system;

    public QueueTest Test { get; } = test;

    public long Bytes { get; } = bytes;

    /// <summary>Why there are no figures, or null.</summary>
    public string? Refusal { get; } = taken.Refusal;

    public bool IsMeasured => _samples.Count > 0;

    public IReadOnlyList<Exchange> Samples => _samples;

    public string? Lane => _samples.Count == 0 ? null : _samples[^1].Lane;

    public double MessagesPerSecond { get; } = Median.Of(taken.Samples, s => s.MessagesPerSecond);

    /// <summary>Of payload; of round trips, in both directions together.</summary>
    public double BytesPerSecond => MessagesPerSecond * Bytes * (Test.HasTrips() ? 2 : 1);

    public double Slowest => _samples.Count == 0 ? 0 : _samples.Min(s => s.MessagesPerSecond);

    public double Fastest => _samples.Count == 0 ? 0 : _samples.Max(s => s.MessagesPerSecond);

    /// <summary>From the slowest round to the fastest, in parts of the median.</summary>
    public double Spread => MessagesPerSecond > 0 ? (Fastest - Slowest) / MessagesPerSecond : 0;

    public Percentiles Times { get; } = new(
        Median.Of(taken.Samples, s => s.Times.P50), Median.Of(taken.Samples, s => s.Times.P99), Median.Of(taken.Samples, s => s.Times.P999),
        taken.Samples.Select(s => s.Times.Most).DefaultIfEmpty().Max());

    /// <summary>Seconds of both processes' processor time for each message, or each trip.</summary>
    public double ProcessorSecondsPerMessage { get; } = Median.Of(taken.Samples, s => s.ProcessorSeconds / s.Messages);

    public double? ProcessorSecondsPerByte => Bytes == 0 ? null : ProcessorSecondsPerMessage / Bytes / (Test.HasTrips() ? 2 : 1);

    public double? AllocatedPerMessage { get; } =
        taken.Samples.Count == 0 || taken.Samples[0].AllocatedBytes is null ? null : Median.Of(taken.Samples, s => (double)s.AllocatedBytes!.Value / s.Messages);
}
