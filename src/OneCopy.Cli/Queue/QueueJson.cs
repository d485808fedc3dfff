using System.Text.Json.Serialization;

namespace OneCopy.Cli.Queue;

internal sealed record QueueLine(string Name, long Queued, long Leased, long BytesPending, int Participants, string? Error);

internal sealed record TrafficReport(long Messages, long Bytes)
{
    public static TrafficReport Of(LaneTraffic traffic) => new(traffic.Messages, traffic.Bytes);
}

internal sealed record LaneTrafficReport(TrafficReport Inline, TrafficReport Arena, TrafficReport Attached)
{
    public static LaneTrafficReport Of(LaneStatistics lanes) =>
        new(TrafficReport.Of(lanes.Inline), TrafficReport.Of(lanes.Arena), TrafficReport.Of(lanes.Attached));
}

internal sealed record ParticipantReport(int Index, int Pid, int Uid, bool Alive);

internal sealed record QueueReport(
    string Name, string Path, long Queued, long Leased, long BytesPending, double? OldestAgeSeconds,
    LaneTrafficReport Sent, LaneTrafficReport Completed,
    long Redelivered, long Abandoned, long DeadLettered, long Withdrawn, long LostWithSender, long Moved, long Pulled, long Pushed, long PullsRefused, long PushesRefused,
    IReadOnlyList<DowngradeReport> Downgrades,
    IReadOnlyList<ParticipantReport> Participants);

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IReadOnlyList<QueueLine>))]
[JsonSerializable(typeof(QueueReport))]
internal sealed partial class QueueJson : JsonSerializerContext;
