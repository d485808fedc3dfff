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

    /// <summary>A size that was chosen, in the units that it was chosen in: "64 KiB".</summary>
    public static string Binary(long bytes)
    {
        string[] units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
        int unit = 0;
        for (; bytes >= 1024 && bytes % 1024 == 0 && unit < units.Length - 1; unit++)
            bytes /= 1024;
        return $"{bytes} {units[unit]}";
    }

    /// <summary>Reads "4096", "64K", "64KiB", "1M", "2 GiB" (powers of 1024), "64kB", "1MB" (powers of 1000).</summary>
    public static bool TryParse(string text, out long bytes)
    {
        int digits = text.TakeWhile(char.IsAsciiDigit).Count();
        string unit = text[digits..].Trim();
        int power = unit.Length == 0 ? 0 : "KMGT".IndexOf(char.ToUpperInvariant(unit[0]), StringComparison.Ordinal) + 1;
        bool isDecimal = unit is "kB" or "KB" or "MB" or "GB" or "TB";
        bool known = unit is "" or "k" or "m" or "g" or "t" or "K" or "M" or "G" or "T" or "KiB" or "MiB" or "GiB" or "TiB" || isDecimal;
        bytes = 0;
        if (!known || !long.TryParse(text.AsSpan(0, digits), System.Globalization.NumberStyles.None, null, out long number))
            return false;
        double exact = number * Math.Pow(isDecimal ? 1000 : 1024, power);
        bytes = (long)exact;
        return exact < 1L << 60;
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
