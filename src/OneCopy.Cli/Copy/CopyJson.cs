using System.Text.Json.Serialization;

namespace OneCopy.Cli.Copy;

internal sealed record ExtentJson(long Offset, long Length, string Kind, string? Engine, string? Reason);

internal sealed record LossJson(string Path, string Kind, string Name, string Reason);

internal sealed record EngineJson(string Engine, long Files, long Bytes);

/// <summary>One file copied, or left alone.</summary>
internal sealed record FileJson(
    string Source, string Destination, bool Skipped, long Length, long BytesCopied, long HoleBytes, IReadOnlyList<string> Engines,
    IReadOnlyList<ExtentJson> Extents, string? SourceChanged, bool Verified, IReadOnlyList<LossJson> MetadataLost, double Seconds);

internal sealed record TreeJson(
    string Source, string Destination, long Files, long Directories, long SymbolicLinks, long HardLinks, long NamedPipes, long Skipped, long BytesCopied,
    long HoleBytes, IReadOnlyList<EngineJson> Engines, IReadOnlyList<string> SourcesChanged, IReadOnlyList<LossJson> MetadataLost, double Seconds);

internal sealed record ErrorJson(string Path, string? Errno, string Error);

internal sealed record CopyReport(
    IReadOnlyList<FileJson> Files, IReadOnlyList<TreeJson> Trees, IReadOnlyList<ErrorJson> Errors, long BytesCopied, double Seconds);

/// <summary>What would be done with one file, by --dry-run.</summary>
internal sealed record PlanJson(
    string Source, string Destination, long Length, long AllocatedBytes, string SourceFileSystem, string DestinationFileSystem, bool DestinationExists,
    bool Skips, string Engine, string Reason, IReadOnlyList<ExtentJson> Extents);

internal sealed record PlanReport(IReadOnlyList<PlanJson> Plan, IReadOnlyList<string> LeftOut, IReadOnlyList<ErrorJson> Errors);

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(CopyReport))]
[JsonSerializable(typeof(PlanReport))]
internal sealed partial class CopyJson : JsonSerializerContext;
