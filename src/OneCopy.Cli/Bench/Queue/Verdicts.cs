using System.Globalization;
using OneCopy.Cli.Bench.Measuring;
using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Bench.Queue;

/// <summary>What OneCopy is to reach against others, computed from the figures of a run. All are ratios of medians.</summary>
internal static class Verdicts
{
    private const long Small = QueueBenchOptions.Small;
    private const long Medium = 64 << 10;
    private const long Large = 1 << 20;
    private const long VeryLarge = 16 << 20;

    private static readonly string[] s_messagePassing = ["ucx cma", "ucx posix", "openmpi", "openmpi none", "zeromq", "boost"];

    // From any memory to any, and from the library's to the library's.
    private static readonly string[] s_own = [Systems.OneCopy, Systems.Pooled];

    // Each message to be answered, and received into memory, as UCX does.
    private static readonly string[] s_single = [Systems.OneCopy, Systems.Into];

    private static readonly string[] s_batches = [Systems.Batch, Systems.IntoBatch];

    private static readonly string[] s_spinning = [Systems.Spin, Systems.IntoSpin];

    private static readonly string[] s_ucx = ["ucx cma", "ucx posix"];

    public static IReadOnlyList<Verdict> From(QueueFindings findings)
    {
        Lookup look = new(findings.Figures);
        List<Verdict> all = [];
        foreach (long bytes in (long[])[Large, VeryLarge])
        {
            foreach (string own in s_own)
                all.Add(Faster(look, own, bytes, s_messagePassing, "the best of UCX, Open MPI, ZeroMQ and Boost", 2.0));
        }

        all.Add(Faster(look, Systems.Pooled, VeryLarge, [Systems.Memcpy], "memcpy in one process", 1.3));
        foreach (string own in s_own)
            all.Add(Faster(look, own, Medium, look.Copying, "the best peer that copies", 1.1));
        foreach (string own in s_single)
            all.Add(Faster(look, own, Small, s_ucx, "UCX", 1.2, "one by one"));
        foreach (string own in s_batches)
            all.Add(Faster(look, own, Small, s_ucx, "UCX", 2.0, "in batches"));
        foreach (string own in s_spinning)
            all.Add(Trip(look, own, Small, s_ucx, Small, "UCX", 1.0));
        all.Add(Trip(look, Systems.Sleep, Small, [Systems.Futex], Small, "a bare futex ping-pong", 1.3));
        all.Add(Trip(look, Systems.InPlace, Systems.InPlaceSize, [Systems.InPlaceAgain], Small, $"itself at {Sizes.Binary(Small)}", 2.0));
        foreach (long bytes in (long[])[Medium, Large, VeryLarge])
        {
            foreach (string own in s_own)
                all.Add(Cheaper(look, own, bytes, Systems.Ring, 0.7));
        }

        all.Add(Allocated(findings.Figures));
        all.Add(Scales(look));
        all.Add(Undisturbed(look));
        return all;
    }

    /// <summary>Messages a second.</summary>
    private static Verdict Faster(Lookup look, string own, long bytes, IReadOnlyList<string> others, string who, double least, string? how = null)
    {
        string what = $"{own}: throughput at {Sizes.Binary(bytes)}{(how is null ? "" : ", " + how)}";
        QueueFigure? one = look.Find(own, QueueTest.Throughput, bytes);
        QueueFigure? best = look.All(others, QueueTest.Throughput, bytes).MaxBy(f => f.MessagesPerSecond);
        return Ratio(what, who, one, best, s => s.MessagesPerSecond, least, atLeast: true, Missing(own, bytes, one, who));
    }

    /// <summary>The median round trip.</summary>
    private static Verdict Trip(Lookup look, string own, long bytes, IReadOnlyList<string> others, long otherBytes, string who, double most)
    {
        string what = $"{own}: round trip at {Sizes.Binary(bytes)}";
        QueueFigure? one = look.Find(own, QueueTest.RoundTrip, bytes);
        QueueFigure? best = look.All(others, QueueTest.RoundTrip, otherBytes).MinBy(f => f.Times.P50);
        return Ratio(what, who, one, best, s => s.Times.P50, most, atLeast: false, Missing(own, bytes, one, who));
    }

    /// <summary>Processor time of both processes for each byte.</summary>
    private static Verdict Cheaper(Lookup look, string own, long bytes, string other, double most)
    {
        string what = $"{own}: processor time for each byte at {Sizes.Binary(bytes)}", who = "the two-copy ring";
        QueueFigure? one = look.Find(own, QueueTest.Throughput, bytes), ring = look.Find(other, QueueTest.Throughput, bytes);
        return Ratio(what, who, one, ring, s => s.ProcessorSeconds / s.Messages, most, atLeast: false, Missing(own, bytes, one, who));
    }

    /// <summary>In whole bytes: an object has 24 at least, so less than half a one for a message is what was allocated once (a list that grew, an exception at the end).</summary>
    private static Verdict Allocated(IReadOnlyList<QueueFigure> figures)
    {
        const string What = "Bytes allocated for each message, both sides";
        QueueFigure? most = figures.Where(f => f.IsMeasured && f.System.Family == Family.OneCopy).MaxBy(f => f.AllocatedPerMessage);
        if (most?.AllocatedPerMessage is not { } bytes)
            return new Verdict(What, "none at all", null, 0, AtLeast: false, "OneCopy was not measured.");
        string which = string.Create(CultureInfo.InvariantCulture, $"the most: {bytes:0.##}, {most.System.Name}, {most.Test.NameOf()}, {Sizes.Binary(most.Bytes)}");
        return new Verdict(What, $"none at all ({which})", Math.Round(bytes), 0, AtLeast: false);
    }

    private static Verdict Scales(Lookup look)
    {
        string many = Shape.ManyToMany.Name, one = Shape.One.Name;
        return Ratio(
            $"{many} processes: messages a second at {Sizes.Binary(Small)}", one, look.Find(many, QueueTest.Scaling, Small), look.Find(one, QueueTest.Scaling, Small),
            s => s.MessagesPerSecond, 0.7, atLeast: true, "scaling was not measured.");
    }

    private static Verdict Undisturbed(Lookup look) => Ratio(
        $"p99 of round trips at {Sizes.Binary(Small)}, {MixedSystem.BesideMessages}", $"the same {MixedSystem.BesideCopies}",
        look.Find(MixedSystem.BesideMessages, QueueTest.Mixed, Small), look.Find(MixedSystem.BesideCopies, QueueTest.Mixed, Small),
        s => s.Times.P99, 1.5, atLeast: false, "mixed was not measured.");

    /// <summary>The median of the one's rounds over the median of the other's.</summary>
    private static Verdict Ratio(string what, string who, QueueFigure? one, QueueFigure? other, Func<Exchange, double> figure, double bound, bool atLeast, string missing)
    {
        if (one is null || other is null || Median.Of(other.Samples, figure) <= 0)
            return new Verdict(what, who, null, bound, atLeast, missing);
        string against = who.Contains(other.System.Name, StringComparison.Ordinal) ? who : $"{who} ({other.System.Name})";
        return new Verdict(
            what, against, Median.Of(one.Samples, figure) / Median.Of(other.Samples, figure), bound, atLeast, Rounds: [.. one.Samples.Zip(other.Samples, (a, b) => figure(a) / figure(b))]);
    }

    private static string Missing(string own, long bytes, QueueFigure? one, string who) =>
        one is null ? $"{own} was not measured at {Sizes.Binary(bytes)}." : $"{who} was not measured.";

    private sealed class Lookup(IReadOnlyList<QueueFigure> figures)
    {
        /// <summary>Peers that move the bytes; with them, not the limits.</summary>
        public IReadOnlyList<string> Copying { get; } = [.. figures.Where(f => f.System.Family == Family.Peer).Select(f => f.System.Name).Distinct(StringComparer.Ordinal)];

        public QueueFigure? Find(string system, QueueTest test, long bytes) =>
            figures.FirstOrDefault(f => f.IsMeasured && f.Test == test && f.Bytes == bytes && string.Equals(f.System.Name, system, StringComparison.Ordinal));

        public IEnumerable<QueueFigure> All(IReadOnlyList<string> systems, QueueTest test, long bytes) =>
            systems.Select(s => Find(s, test, bytes)).OfType<QueueFigure>();
    }
}
