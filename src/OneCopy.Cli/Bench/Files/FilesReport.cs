using System.Text.Json;
using System.Text.Json.Serialization;
using OneCopy.Cli.Bench.Measuring;

namespace OneCopy.Cli.Bench.Files;

/// <summary>One way in one contest. Counts and times are medians of the rounds, for all operations of a round together.</summary>
internal sealed record WayJson(
    string Work, string Cache, long Size, string Way, long Operations, long Bytes, double? Seconds, double? FastestSeconds, double? SlowestSeconds,
    double? BytesPerSecond, double? OperationsPerSecond, double? ProcessorSeconds, double? UserSeconds, double? SystemSeconds, long? MinorFaults, long? MajorFaults,
    long? SystemCalls, long? BytesFromStorage, double? QueuedSeconds, IReadOnlyList<double>? RoundSeconds, string? NotMeasuredBecause);

internal sealed record FilesJsonReport(
    string Directory, string FileSystem, string Kernel, int Processors, int Rounds, IReadOnlyList<long> Sizes, string SystemCallsCounted,
    bool AllSystemCalls, string? NoColdBecause, double QueuedShare, IReadOnlyList<WayJson> Results, IReadOnlyList<string> Conclusions);

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(FilesJsonReport))]
internal sealed partial class BenchJson : JsonSerializerContext;

/// <summary>The findings for programs.</summary>
internal static class FilesReport
{
    public static string Json(FilesFindings findings, Machine machine)
    {
        FilesJsonReport report = new(
            findings.Options.Directory, machine.FileSystem, machine.Kernel, machine.Processors, findings.Options.Rounds, findings.Options.Sizes,
            findings.SystemCallSource, findings.CountsAllSystemCalls, findings.NoCold, findings.QueuedShare,
            [.. findings.Figures.SelectMany(f => f.Ways.Select(w => Of(f, w)))], Conclusions.From(findings));
        return JsonSerializer.Serialize(report, BenchJson.Default.FilesJsonReport);
    }

    public static string NameOf(Kind kind) => kind switch
    {
        Kind.Copy => "copy",
        Kind.RandomRead => "random read",
        _ => "sequential read",
    };

    private static WayJson Of(Figure f, Measured w)
    {
        string cache = f.Cold ? "cold" : "warm";
        if (w.Refusal is not null)
            return new WayJson(NameOf(f.Kind), cache, f.Size, w.Way, w.Operations, w.Bytes, null, null, null, null, null, null, null, null, null, null, null, null, null, null, w.Refusal);
        return new WayJson(
            NameOf(f.Kind), cache, f.Size, w.Way, w.Operations, w.Bytes, w.Seconds, w.Fastest, w.Slowest, w.BytesPerSecond, w.OperationsPerSecond,
            w.ProcessorSeconds, w.UserSeconds, w.SystemSeconds, w.MinorFaults, w.MajorFaults, w.SystemCalls, w.BytesFromStorage, w.QueuedSeconds, [.. w.Samples.Select(s => s.Seconds)], null);
    }
}
