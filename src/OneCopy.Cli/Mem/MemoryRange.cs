using System.CommandLine.Parsing;

namespace OneCopy.Cli.Mem;

/// <summary>ADDRESS[:LENGTH] of the command line.</summary>
internal readonly record struct MemoryRange(nuint Address, int Length)
{
    private const int DefaultLength = 256;

    public static MemoryRange[] ParseAll(ArgumentResult result)
    {
        List<MemoryRange> ranges = [];
        long total = 0;
        foreach (Token token in result.Tokens)
        {
            if (!TryParse(token.Value, out MemoryRange range))
            {
                result.AddError($"'{token.Value}' is not ADDRESS[:LENGTH]: an address in hexadecimal, "
                    + "and a number of bytes (decimal, or 0x…) of at most 1 GiB.");
                return [];
            }
            total += range.Length;
            ranges.Add(range);
        }
        if (total > 1 << 30)
            result.AddError("More than 1 GiB in one command: read it in parts.");
        return [.. ranges];
    }

    public static bool TryParse(string text, out MemoryRange range)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        ulong length = DefaultLength;
        bool good = MemArguments.TryParseAddress(colon < 0 ? text : text[..colon], out nuint address)
            && (colon < 0 || MemArguments.TryParseNumber(text[(colon + 1)..], out length))
            && length <= 1 << 30;
        range = new MemoryRange(address, (int)length);
        return good;
    }
}
