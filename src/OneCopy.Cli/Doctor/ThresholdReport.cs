using OneCopy.Cli.Terminal;
using OneCopy.Messaging;
using Spectre.Console;

namespace OneCopy.Cli.Doctor;

/// <summary>A payload of one length, in nanoseconds: through shared memory, or pulled.</summary>
internal sealed record MeasuredCost(int Bytes, int TwoCopiesNs, int OnePullNs);

/// <summary>From which length on payloads are attached where nobody says it, where that number is from, and what was measured.</summary>
/// <param name="Bytes">The threshold.</param>
/// <param name="Source">default, environment, cache or measured.</param>
/// <param name="File">Where measurements are kept; null: there is no place for one.</param>
/// <param name="Costs">Null: nothing was measured.</param>
internal sealed record ThresholdReport(long Bytes, string Source, string? File, IReadOnlyList<MeasuredCost>? Costs)
{
    /// <summary>What is kept, or else, or if that is asked for, what is measured now, and kept from now on.</summary>
    public static ThresholdReport Find(bool anew)
    {
        ThresholdCache cache = ThresholdCache.OfUser();
        AttachThreshold threshold = new(cache, LaneCosts.Measure);
        if (anew || cache.TryRead() is null)
            threshold.Calibrate();
        bool known = threshold.Source == ThresholdSource.Measured || cache.TryRead() is not null;
        long bytes = known ? threshold.Bytes : AttachThreshold.Default;
        string source = threshold.Source.ToString().ToLowerInvariant();
        if (AttachThreshold.FromEnvironment() is { } named)
            (bytes, source) = (named, "environment");
        return new ThresholdReport(bytes, source, cache.Path, threshold.Costs?.Select(c => new MeasuredCost(c.Bytes, c.TwoCopies, c.OnePull)).ToList());
    }

    public Check Check() => Doctor.Check.Ok("attach threshold", $"{Bytes:N0} bytes ({Words})",
        "From this length on a payload of SendAsync is copied once, by its receiver, where QueueOptions.AttachThreshold says nothing else.");

    public void Write()
    {
        if (Costs is null)
            return;
        Table table = Screen.Table("Payload", "Two copies", "One pull");
        foreach (MeasuredCost c in Costs)
            table.AddRow($"{c.Bytes:N0} B", $"{c.TwoCopiesNs:N0} ns", $"{c.OnePullNs:N0} ns");
        Screen.Write(table);
    }

    private string Words => Source switch
    {
        "environment" => $"from {AttachThreshold.Variable}",
        "cache" => $"measured before, {File}",
        "measured" => File is null ? "measured now, and not kept" : "measured now",
        _ => "the default; it cannot be measured here",
    };
}
