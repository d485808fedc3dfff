using OneCopy.Cli.Bench.Measuring;
using OneCopy.Cli.Bench.Plot;
using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Bench.Queue;

/// <summary>The findings as a picture: throughput over size in bytes and in messages, and the round trip's median and 99th percentile.</summary>
internal static class QueueChart
{
    // No bytes have no place on a logarithmic axis; they are drawn where one byte would be.
    private const double None = 1;

    // Beyond that, messages a second say nothing that bytes a second do not.
    private const long Small = 64 << 10;

    public static Chart Of(QueueFindings findings, Machine machine)
    {
        PanelRow[] rows =
        [
            new(
            [
                PanelOf(findings, QueueTest.Throughput, "Throughput, bytes (higher is better)", "bytes a second", y => Amounts.Prefixed(y) + "B/s", BytesOf),
                PanelOf(findings, QueueTest.Throughput, "Throughput, messages (higher is better)", "messages a second", y => Amounts.Prefixed(y).TrimEnd(), MessagesOf),
            ]),
            new(
            [
                PanelOf(findings, QueueTest.RoundTrip, "Round trip, median (lower is better)", "there and back", Time, f => TimeOf(f, p => p.P50)),
                PanelOf(findings, QueueTest.RoundTrip, "Round trip, 99th percentile (lower is better)", "there and back", Time, f => TimeOf(f, p => p.P99)),
            ]),
        ];
        return new Chart(
            "Messages from one process to another: throughput and latency over size",
            $"{machine.Processor}, {machine.Processors} processors, Linux {machine.Kernel}. Medians of {findings.RoundsText}, in turn; "
                + "thin lines reach from the worst to the best. Dashed: what the machine can do at most.",
            [.. rows.Where(r => r.Panels.Any(p => p.Lines.Count > 0))], PanelWidth: 720, PanelHeight: 520);
    }

    private static Panel PanelOf(QueueFindings findings, QueueTest test, string title, string up, Func<double, string> label, Func<QueueFigure, Plot.Point> point)
    {
        string[] systems = [.. findings.Figures.Where(f => f.IsMeasured).Select(f => f.System).DistinctBy(s => s.Name, StringComparer.Ordinal).OrderBy(s => s.Family).Select(s => s.Name)];
        Line[] lines =
        [
            .. findings.Figures.Where(f => f.Test == test && f.IsMeasured).GroupBy(f => f.System).Select(g => new Line(
                g.Key.Name, [.. g.Select(point).Where(p => p.X > 0)],
                g.Key.Family switch { Family.OneCopy => Stroke.Strong, Family.Limit => Stroke.Dashed, _ => Stroke.Usual }, Array.IndexOf(systems, g.Key.Name))),
        ];
        return new Panel(title, "size of each message", up, x => x <= None ? "0" : Sizes.Binary((long)x), label, [.. lines.Where(l => l.Points.Count > 0)]);
    }

    private static Plot.Point BytesOf(QueueFigure f) => f.Bytes == 0 ? default : new Plot.Point(f.Bytes, f.BytesPerSecond, f.Slowest * f.Bytes, f.Fastest * f.Bytes);

    private static Plot.Point MessagesOf(QueueFigure f) => f.Bytes > Small ? default : new Plot.Point(Math.Max(f.Bytes, None), f.MessagesPerSecond, f.Slowest, f.Fastest);

    private static Plot.Point TimeOf(QueueFigure f, Func<Percentiles, double> which) => new(
        Math.Max(f.Bytes, None), which(f.Times) / 1e9, f.Samples.Min(s => which(s.Times)) / 1e9, f.Samples.Max(s => which(s.Times)) / 1e9);

    // A label is at a round number; that its digits are few is better than that they are as many as in tables.
    private static string Time(double seconds) => seconds switch
    {
        < 999e-9 => $"{seconds * 1e9:0.##} ns",
        < 999e-6 => $"{seconds * 1e6:0.##} µs",
        < 0.999 => $"{seconds * 1e3:0.##} ms",
        _ => $"{seconds:0.##} s",
    };
}
