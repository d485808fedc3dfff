using System.Text.Json.Serialization;

namespace OneCopy.Cli.Doctor;

[JsonConverter(typeof(JsonStringEnumConverter<CheckStatus>))]
internal enum CheckStatus
{
    /// <summary>As it should be, or of no importance here.</summary>
    [JsonStringEnumMemberName("ok")]
    Ok,

    /// <summary>OneCopy works, but slower or with less.</summary>
    [JsonStringEnumMemberName("warning")]
    Warning,

    /// <summary>OneCopy does not work.</summary>
    [JsonStringEnumMemberName("problem")]
    Problem,
}

/// <summary>One thing looked at: what it is set to, what that means here, and what to do about it.</summary>
internal sealed record Check(string Name, string Value, CheckStatus Status, string? Detail = null, string? Remedy = null)
{
    public static Check Ok(string name, string value, string? detail = null) => new(name, value, CheckStatus.Ok, detail);

    public static Check Warning(string name, string value, string detail, string remedy) => new(name, value, CheckStatus.Warning, detail, remedy);

    public static Check Problem(string name, string value, string detail, string remedy) => new(name, value, CheckStatus.Problem, detail, remedy);
}

internal sealed record DoctorReport(IReadOnlyList<Check> Checks, ThresholdReport AttachThreshold);

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DoctorReport))]
internal sealed partial class DoctorJson : JsonSerializerContext;
