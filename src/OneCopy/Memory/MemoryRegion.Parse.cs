using System.Globalization;

namespace OneCopy;

public sealed partial record MemoryRegion
{
    private const string DeletedSuffix = " (deleted)";

    /// <summary>Every line of a maps file. A line of another shape is a kernel that this code does not know: FormatException.</summary>
    internal static List<MemoryRegion> ParseAll(string maps)
    {
        List<MemoryRegion> regions = [];
        foreach (ReadOnlySpan<char> line in maps.AsSpan().EnumerateLines())
        {
            if (!line.IsEmpty)
                regions.Add(Parse(line));
        }
        return regions;
    }

    // 7f0c2a1b3000-7f0c2a1b5000 r-xp 00001000 fe:01 1234567                    /usr/lib/some file.so (deleted)
    internal static MemoryRegion Parse(ReadOnlySpan<char> line)
    {
        Span<Range> parts = stackalloc Range[6];
        int count = SplitFields(line, parts);
        int dash = count >= 5 ? line[parts[0]].IndexOf('-') : -1;
        ReadOnlySpan<char> bits = dash < 0 ? default : line[parts[1]];
        if (bits.Length != 4)
            throw new FormatException($"Not a line of a memory map: '{line}'.");

        // The kernel writes a newline in a path as \012 and everything else as it is.
        string? path = count > 5 ? line[parts[5]].ToString().Replace("\\012", "\n", StringComparison.Ordinal) : null;
        bool deleted = path is ['/', ..] && path.EndsWith(DeletedSuffix, StringComparison.Ordinal);
        return new MemoryRegion
        {
            Start = Hex(line[parts[0]][..dash]),
            End = Hex(line[parts[0]][(dash + 1)..]),
            Protection = (bits[0] == 'r' ? MemoryProtection.Read : MemoryProtection.None)
                | (bits[1] == 'w' ? MemoryProtection.Write : MemoryProtection.None)
                | (bits[2] == 'x' ? MemoryProtection.Execute : MemoryProtection.None),
            IsShared = bits[3] is 's' or 'S',
            Offset = (long)Hex(line[parts[2]]),
            Device = line[parts[3]].ToString(),
            Inode = long.Parse(line[parts[4]], CultureInfo.InvariantCulture),
            Path = deleted ? path![..^DeletedSuffix.Length] : path,
            IsDeleted = deleted,
        };
    }

    private static nuint Hex(ReadOnlySpan<char> digits) => (nuint)ulong.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    /// <summary>Five fields at single blanks, and the rest of the line, which may hold blanks, behind the padding.</summary>
    private static int SplitFields(ReadOnlySpan<char> line, Span<Range> parts)
    {
        int start = 0;
        for (int i = 0; i < 5; i++)
        {
            if (start >= line.Length)
                return i;
            int blank = line[start..].IndexOf(' ');
            int end = blank < 0 ? line.Length : start + blank;
            parts[i] = start..end;
            start = end + 1;
        }
        while (start < line.Length && line[start] == ' ')
            start++;
        if (start >= line.Length)
            return 5;
        parts[5] = start..line.Length;
        return 6;
    }
}
