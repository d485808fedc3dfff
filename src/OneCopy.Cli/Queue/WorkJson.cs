using System.Text.Json.Serialization;

namespace OneCopy.Cli.Queue;

internal sealed record PurgeReport(string Queue, int Removed, long Bytes);

internal sealed record ReplayReport(string Queue, int Replayed, bool DryRun, IReadOnlyList<string> Ids, IReadOnlyList<string> NotFound);

internal sealed record DrainedMessage(string Id, string? File, long Bytes);

internal sealed record DrainReport(string Queue, int Messages, long Bytes, string? Directory, IReadOnlyList<DrainedMessage> Drained);

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PurgeReport))]
[JsonSerializable(typeof(IReadOnlyList<CleanReport>))]
[JsonSerializable(typeof(ReplayReport))]
[JsonSerializable(typeof(DrainReport))]
internal sealed partial class WorkJson : JsonSerializerContext;
