using OneCopy.Cli.Bench.Measuring;
using OneCopy.Cli.Bench.Plot;
using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Bench.Files;

/// <summary>The findings as a picture: a row of panels for each kind of work, warm on the left and cold on the right.</summary>
internal static class FilesChart
{
    public static Chart Of(FilesFindings findings, Machine machine) => new(
        "Ways to copy and to read files: throughput over size",
        $"{machine}. Medians of {findings.Options.Rounds} rounds, in turn; thin lines reach from the slowest to the fastest. Higher is better.",
        [.. findings.Figures.Select(f => f.Kind).Distinct().Select(kind => new PanelRow([PanelOf(findings, kind, cold: false), PanelOf(findings, kind, cold: true)]))]);

    private static Panel PanelOf(FilesFindings findings, Kind kind, bool cold)
    {
        Figure[] figures = [.. findings.Figures.Where(f => f.Kind == kind && f.Cold == cold)];
        Line[] lines = [.. figures.SelectMany(f => f.Ways).Where(w => w.Refusal is null).Select(w => w.Way).Distinct(StringComparer.Ordinal)
            .Select(way => new Line(way, [.. figures.SelectMany(f => f.Ways.Where(w => string.Equals(w.Way, way, StringComparison.Ordinal) && w.Refusal is null).Select(w => PointOf(f, w)))]))];
        (string title, string across, string up) = kind switch
        {
            Kind.Copy => ("Copying files", "size of each file", "bytes a second"),
            Kind.RandomRead => ($"Random reads in a file of {Sizes.Binary(findings.Options.ReadFile)}", "bytes of each read", "reads a second"),
            _ => ($"Sequential reads of a file of {Sizes.Binary(findings.Options.ReadFile)}", "bytes of each read", "bytes a second"),
        };
        return new Panel(
            $"{title}, {(cold ? "cold (from storage)" : "warm (page cache)")}", across, up, x => Sizes.Binary((long)x),
            kind == Kind.RandomRead ? y => Amounts.Prefixed(y).TrimEnd() : y => Amounts.Prefixed(y) + "B/s", lines, cold ? findings.NoCold : null);
    }

    private static Plot.Point PointOf(Figure f, Measured w)
    {
        double amount = f.Kind == Kind.RandomRead ? w.Operations : w.Bytes;
        return new Plot.Point(f.Size, amount / w.Seconds, amount / w.Slowest, amount / w.Fastest);
    }
}
