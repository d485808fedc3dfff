namespace OneCopy.Cli.Terminal;

/// <summary>Numbers of bytes and rates for people: decimal units, three digits that matter.</summary>
internal static class Sizes
{
    private static readonly string[] s_units = ["bytes", "kB", "MB", "GB", "TB", "PB"];

    public static string Text(long bytes)
    {
        double value = bytes;
        int unit = 0;
        for (; Math.Abs(value) >= 999.5 && unit < s_units.Length - 1; unit++)
            value /= 1000;
        return unit == 0 ? $"{bytes} {(bytes == 1 ? "byte" : "bytes")}" : $"{Digits(value)} {s_units[unit]}";
    }

    public static double GigabytesPerSecond(long bytes, double seconds) => seconds > 0 ? bytes / seconds / 1e9 : 0;

    public static string Count(long number, string one, string? many = null) => $"{number:N0} {(number == 1 ? one : many ?? one + "s")}";

    private static string Digits(double value) => value switch
    {
        < 9.995 => value.ToString("0.00"),
        < 99.95 => value.ToString("0.0"),
        _ => value.ToString("0"),
    };
}
