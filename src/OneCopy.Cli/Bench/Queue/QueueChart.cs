using OneCopy.Cli.Bench.Measuring;
using OneCopy.Cli.Bench.Plot;
using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Bench.Queue;

/// <summary>The findings as a picture: throughput over size in bytes and in messages, and the round trip's median and 99th percentile.</summary>
internal static class QueueChart
{
    // No bytes have no place on a logarithmic axis; they are drawn where one byte would be.
    private const double None = 1;

    public static Chart Of(QueueFindings findings, Machine machine) => new(
        "Messages from one process to another: throughput and latency over size",
        $"{machine.Processor}, {machine.Processors} processors, Linux {machine.Kernel}. Medians of {findings.Options.Rounds} rounds, in turn; thin lines reach from the slowest to the fastest.",
        [
            new PanelRow(
            [
                PanelOf(findings, QueueTest.Throughput, "Throughput, bytes (higher is better)", "bytes a second", y => Amounts.Prefixed(y) + "B/s",
                    f => f.Bytes == 0 ? default : new Plot.Point(f.Bytes, f.BytesPerSecond, f.Slowest * f.Bytes, f.Fastest * f.Bytes)),
                PanelOf(findings, QueueTest.Throughput, "Throughput, messages (higher is better)", "messages a second", y => Amounts.Prefixed(y).TrimEnd(),
                    f => new Plot.Point(Math.Max(f.Bytes, None), f.MessagesPerSecond, f.Slowest, f.Fastest)),
            ]),
            new PanelRow(
            [
                PanelOf(findings, QueueTest.RoundTrip, "Round trip, median (lower is better)", "there and back", y => Amounts.Time(y), f => TimeOf(f, p => p.P50)),
                PanelOf(findings, QueueTest.RoundTrip, "Round trip, 99th percentile (lower is better)", "there and back", y => Amounts.Time(y), f => TimeOf(f, p => p.P99)),
            ]),
        ]);

    private static Panel PanelOf(QueueFindings findings, QueueTest test, string title, string up, Func<double, string> label, Func<QueueFigure, Plot.Point> point)
    {
        QueueFigure[] figures = [.. findings.Figures.Where(f => f.Test == test && f.IsMeasured)];
        Line[] lines = [.. figures.GroupBy(f => f.System.Name, StringComparer.Ordinal).Select(g => new Line(g.Key, [.. g.Select(point).Where(p => p.X > 0)]))];
        return new Panel(title, "size of each message", up, x => x <= None ? "0" : Sizes.Binary((long)x), label, [.. lines.Where(l => l.Points.Count > 0)]);
    }

    private static Plot.Point TimeOf(QueueFigure f, Func<Percentiles, double> which) => new(
        Math.Max(f.Bytes, None), which(f.Times) / 1e9, f.Samples.Min(s => which(s.Times)) / 1e9, f.Samples.Max(s => which(s.Times)) / 1e9);
}
