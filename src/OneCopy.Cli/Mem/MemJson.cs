using System.Text.Json;
using System.Text.Json.Serialization;

namespace OneCopy.Cli.Mem;

internal sealed record RegionReport(
    string Start, string End, ulong Length, string Protection, bool Shared, long Offset, string Device, long Inode, string? Path, bool Deleted);

internal sealed record RangeReport(string Address, int Length, int Read, string Hex, string? FaultAddress);

internal sealed record ReadReport(int Pid, string Method, IReadOnlyList<RangeReport> Ranges);

internal sealed record WriteReport(int Pid, string Method, string Address, long Written);

/// <summary>Addresses are text in hexadecimal: numbers in JSON lose digits above 2^53.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IReadOnlyList<RegionReport>))]
[JsonSerializable(typeof(ReadReport))]
[JsonSerializable(typeof(WriteReport))]
internal sealed partial class MemJson : JsonSerializerContext;
