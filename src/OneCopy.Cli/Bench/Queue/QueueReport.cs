using System.Text.Json;
using System.Text.Json.Serialization;
using OneCopy.Cli.Bench.Measuring;

namespace OneCopy.Cli.Bench.Queue;

/// <summary>One system with messages of one size: medians of the rounds.</summary>
internal sealed record ResultJson(
    string System, string Kind, string Test, long Bytes, string? Lane, double? MessagesPerSecond, double? GigabytesPerSecond,
    [property: JsonPropertyName("p50_ns")] double? P50, [property: JsonPropertyName("p99_ns")] double? P99, [property: JsonPropertyName("p999_ns")] double? P999,
    [property: JsonPropertyName("max_ns")] double? Most, double? CpuNsPerMessage, double? CpuNsPerByte, double? AllocatedBytesPerMessage,
    double? SlowestMessagesPerSecond, double? FastestMessagesPerSecond, IReadOnlyList<double>? RoundMessagesPerSecond, IReadOnlyList<long>? RoundMessages, string? NotMeasuredBecause);

internal sealed record ConclusionJson(string What, string Against, double? Ratio, double? AtLeast, double? AtMost, string Outcome, IReadOnlyList<double>? RoundRatios, string? NotMeasuredBecause);

internal sealed record QueueJsonReport(
    Machine Machine, double Seconds, int Rounds, IReadOnlyList<long> Sizes, IReadOnlyDictionary<string, string> Versions, IReadOnlyList<ResultJson> Results, IReadOnlyList<ConclusionJson> Conclusions);

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(QueueJsonReport))]
[JsonSerializable(typeof(PeerLine))]
internal sealed partial class QueueBenchJson : JsonSerializerContext;

/// <summary>The findings for programs.</summary>
internal static class QueueReport
{
    public static string Json(QueueFindings findings, Machine machine)
    {
        QueueJsonReport report = new(
            machine, findings.Seconds, findings.Options.Rounds, findings.Options.Sizes, findings.Versions, [.. findings.Figures.Select(Of)], [.. Verdicts.From(findings).Select(Of)]);
        return JsonSerializer.Serialize(report, QueueBenchJson.Default.QueueJsonReport);
    }

    private static ResultJson Of(QueueFigure f)
    {
        string test = f.Test.NameOf();
        string kind = f.System.Family switch { Family.OneCopy => "onecopy", Family.Peer => "peer", Family.PeerInPlace => "in-place", _ => "limit" };
        if (!f.IsMeasured)
            return new ResultJson(f.System.Name, kind, test, f.Bytes, null, null, null, null, null, null, null, null, null, null, null, null, null, null, f.Refusal);
        bool trips = f.Test.HasTrips();
        return new ResultJson(
            f.System.Name, kind, test, f.Bytes, f.Lane, f.MessagesPerSecond, f.BytesPerSecond / 1e9,
            Time(f.Times.P50), Time(f.Times.P99), Time(f.Times.P999), Time(f.Times.Most), f.ProcessorSecondsPerMessage * 1e9, f.ProcessorSecondsPerByte * 1e9,
            f.AllocatedPerMessage, f.Slowest, f.Fastest, [.. f.Samples.Select(s => s.MessagesPerSecond)], [.. f.Samples.Select(s => s.Messages)], null);

        double? Time(double nanoseconds) => trips ? nanoseconds : null;
    }

    private static ConclusionJson Of(Verdict v) => new(v.What, v.Against, v.Ratio, v.AtLeast ? v.Bound : null, v.AtLeast ? null : v.Bound, v.Outcome, v.Rounds, v.Missing);
}
