using System.Text.Json;
using System.Text.Json.Serialization;

namespace OneCopy.Cli.Queue;

internal sealed record QueueLine(string Name, long Queued, long Leased, long BytesPending, int Participants, long? DeadLetters, string? Error);

internal sealed record TrafficReport(long Messages, long Bytes)
{
    public static TrafficReport Of(LaneTraffic traffic) => new(traffic.Messages, traffic.Bytes);
}

internal sealed record LaneTrafficReport(TrafficReport Inline, TrafficReport Arena, TrafficReport Attached)
{
    public static LaneTrafficReport Of(LaneStatistics lanes) =>
        new(TrafficReport.Of(lanes.Inline), TrafficReport.Of(lanes.Arena), TrafficReport.Of(lanes.Attached));
}

internal sealed record ParticipantReport(int Index, long Incarnation, int Pid, string? Process, int Uid, bool Alive, string State, int Blocks, long FileBytes)
{
    public static ParticipantReport Of(InspectedParticipant p) => new(
        p.Index, p.Incarnation, p.Pid, p.ProcessName, p.Uid, p.State is ParticipantState.Alive or ParticipantState.Unknown, JsonNamingPolicy.SnakeCaseLower.ConvertName($"{p.State}"), p.Blocks, p.FileBytes);
}

internal sealed record GeometryReport(int RingCapacity, int BlockSize, int MaxParticipants, int MaxDeliveryAttempts, double? TimeToLiveSeconds, uint? SharedWithGroup);

/// <summary>Per second, since the look before.</summary>
internal sealed record RatesReport(double Sent, double SentBytes, double Completed, double CompletedBytes);

internal sealed record QueueReport(
    string Name, string Path, DateTimeOffset Time, long Queued, long Leased, long BytesPending, double? OldestAgeSeconds,
    LaneTrafficReport Sent, LaneTrafficReport Completed,
    long Redelivered, long Abandoned, long DeadLettered, long Expired, long Withdrawn, long LostWithSender, long Moved, long Pulled, long Pushed, long PullsRefused, long PushesRefused,
    IReadOnlyList<DowngradeReport> Downgrades, long? DeadLetters,
    GeometryReport Geometry, RatesReport? Rates, IReadOnlyList<ParticipantReport> Participants);

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IReadOnlyList<QueueLine>))]
[JsonSerializable(typeof(QueueReport))]
[JsonSerializable(typeof(IReadOnlyList<MessageReport>))]
[JsonSerializable(typeof(MessageReport))]
internal sealed partial class QueueJson : JsonSerializerContext
{
    /// <summary>A line for each object: what programs read one after the other.</summary>
    public static QueueJson Lines { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    });
}
