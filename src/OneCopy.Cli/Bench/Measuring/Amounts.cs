namespace OneCopy.Cli.Bench.Measuring;

/// <summary>Figures of very different sizes, with the digits that matter.</summary>
internal static class Amounts
{
    public static string Digits(double value) => Math.Abs(value) switch
    {
        0 => "0",
        < 0.001 => value.ToString("0.0e0"),
        < 0.0995 => value.ToString("0.000"),
        < 9.995 => value.ToString("0.00"),
        < 99.95 => value.ToString("0.0"),
        < 999_500 => value.ToString("N0"),
        < 999.5e6 => $"{value / 1e6:0.0} M",
        _ => $"{value / 1e9:0.0} G",
    };

    /// <summary>A number of seconds with its unit.</summary>
    public static string Time(double seconds) => seconds switch
    {
        < 999.5e-9 => $"{seconds * 1e9:0} ns",
        < 999.5e-6 => $"{Digits(seconds * 1e6)} µs",
        < 0.9995 => $"{Digits(seconds * 1e3)} ms",
        _ => $"{Digits(seconds)} s",
    };

    /// <summary>"16 times", "1.4 times".</summary>
    public static string Times(double ratio) => ratio >= 9.95 ? $"{ratio:0}" : $"{ratio:0.0}";

    /// <summary>"12 G", "1.5 M": with the letter of a unit before its name; for axes.</summary>
    public static string Prefixed(double value) => value switch
    {
        >= 1e9 => $"{value / 1e9:0.##} G",
        >= 1e6 => $"{value / 1e6:0.##} M",
        >= 1e3 => $"{value / 1e3:0.##} k",
        _ => $"{value:0.##} ",
    };
}
