namespace OneCopy.Cli.Bench.Queue;

/// <summary>One line of what OneCopy is to reach, and whether this run shows it.</summary>
/// <param name="What">What was compared.</param>
/// <param name="Against">With what; the system that it turned out to be.</param>
/// <param name="Ratio">The one's figure over the other's, or a bare figure; null: not measured.</param>
/// <param name="Bound">What it is to be.</param>
/// <param name="AtLeast">Whether the bound is the least, or the most.</param>
/// <param name="Missing">Why there is no ratio.</param>
/// <param name="Rounds">The same ratio within each round.</param>
internal sealed record Verdict(string What, string Against, double? Ratio, double Bound, bool AtLeast, string? Missing = null, IReadOnlyList<double>? Rounds = null)
{
    /// <summary>Null: not measured.</summary>
    public bool? Held => Ratio is not { } ratio ? null : AtLeast ? ratio >= Bound : ratio <= Bound;

    public string Outcome => Held switch { true => "held", false => "not held", _ => "not measured" };

    /// <summary>From the lowest to the highest round.</summary>
    public string RangeText => Rounds is { Count: > 0 } rounds ? $"{rounds.Min():0.00} to {rounds.Max():0.00}" : "";

    public string BoundText => $"{(AtLeast ? "at least" : "at most")} {(Bound == 0 ? "0" : $"{Bound:0.0#}")}";
}
