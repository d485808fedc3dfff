namespace OneCopy.Cli.Bench.Measuring;

internal static class Median
{
    /// <summary>The middle one, or the mean of the two in the middle; 0 of none.</summary>
    public static double Of<T>(IReadOnlyList<T> samples, Func<T, double> figure)
    {
        if (samples.Count == 0)
            return 0;
        double[] sorted = [.. samples.Select(figure).Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
