using System.Diagnostics;
using System.Globalization;

namespace OneCopy.Cli.Bench.Queue;

/// <summary>Of the times of round trips, in nanoseconds. Zeros: none were timed.</summary>
internal readonly record struct Percentiles(double P50, double P99, double P999, double Most)
{
    /// <summary>Sorts the times, which are in ticks of the clock.</summary>
    public static Percentiles Of(Span<long> times)
    {
        if (times.Length == 0)
            return default;
        times.Sort();
        return new Percentiles(At(times, 0.5), At(times, 0.99), At(times, 0.999), At(times, 1));
    }

    public static Percentiles Parse(string[] words) => new(Number(words[0]), Number(words[1]), Number(words[2]), Number(words[3]));

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{P50:0} {P99:0} {P999:0} {Most:0}");

    /// <summary>The smallest time that so large a part of them does not exceed.</summary>
    private static double At(Span<long> sorted, double part) =>
        sorted[Math.Max((int)Math.Ceiling(part * sorted.Length) - 1, 0)] * (1e9 / Stopwatch.Frequency);

    private static double Number(string word) => double.Parse(word, NumberStyles.Float, CultureInfo.InvariantCulture);
}
