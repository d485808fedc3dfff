namespace OneCopy.Cli.Bench.Plot;

/// <summary>A logarithmic axis from value to place.</summary>
internal sealed class LogAxis(double least, double most, double from, double to)
{
    private readonly double _least = Math.Log10(least);
    private readonly double _range = Math.Max(Math.Log10(most) - Math.Log10(least), 1e-9);

    public double Least { get; } = least;

    public double Most { get; } = most;

    public double At(double value) => from + ((Math.Log10(value) - _least) / _range * (to - from));

    /// <summary>An axis around these values that begins and ends at a 1, 2 or 5 of its decade.</summary>
    public static LogAxis Around(IEnumerable<double> values, double from, double to)
    {
        double[] seen = [.. values.Where(v => v > 0)];
        if (seen.Length == 0)
            return new LogAxis(1, 10, from, to);
        double least = Round(seen.Min(), up: false);
        double most = Round(seen.Max(), up: true);
        return new LogAxis(least, most > least ? most : least * 10, from, to);
    }

    /// <summary>Where lines and words belong: each decade, and its 2 and 5 where there are few decades.</summary>
    public IEnumerable<double> Ticks()
    {
        const double FewDecades = 2.7;
        double[] steps = _range < FewDecades ? [1, 2, 5] : [1];
        for (int decade = (int)Math.Floor(_least); decade <= (int)Math.Ceiling(_least + _range); decade++)
        {
            foreach (double step in steps)
            {
                double tick = step * Math.Pow(10, decade);
                if (tick >= Least * 0.999 && tick <= Most * 1.001)
                    yield return tick;
            }
        }
    }

    private static double Round(double value, bool up)
    {
        double decade = Math.Pow(10, Math.Floor(Math.Log10(value)));
        double[] steps = [1, 2, 5, 10];
        return decade * (up ? steps.First(s => s * decade >= value * 0.999) : steps.Last(s => s * decade <= value * 1.001));
    }
}
