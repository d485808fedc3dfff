using System.Text.Json.Serialization;

namespace OneCopy.Cli.Files;

internal sealed record SentReport(string Queue, int Files, long Bytes, bool Received, IReadOnlyList<string> LeftOut);

internal sealed record RefusedReport(string Name, string Reason);

internal sealed record ReceivedReport(string Queue, string Directory, int Files, long Bytes, IReadOnlyList<RefusedReport> Refused);

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SentReport))]
[JsonSerializable(typeof(ReceivedReport))]
internal sealed partial class FilesJson : JsonSerializerContext;
