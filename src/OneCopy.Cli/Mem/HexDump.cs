using System.Text;

namespace OneCopy.Cli.Mem;

/// <summary>Sixteen bytes a line: address, hexadecimal, and what is printable in ASCII; as hexdump -C writes it.</summary>
internal static class HexDump
{
    private const int Width = 16;

    public static void Write(TextWriter output, nuint address, ReadOnlySpan<byte> bytes)
    {
        StringBuilder line = new();
        for (int start = 0; start < bytes.Length; start += Width)
        {
            ReadOnlySpan<byte> row = bytes.Slice(start, Math.Min(Width, bytes.Length - start));
            line.Clear().Append($"{address + (nuint)start:x16}  ");
            for (int i = 0; i < Width; i++)
            {
                line.Append(i < row.Length ? $"{row[i]:x2} " : "   ");
                if (i == (Width / 2) - 1)
                    line.Append(' ');
            }
            line.Append(" |");
            foreach (byte b in row)
                line.Append(b is >= 0x20 and < 0x7f ? (char)b : '.');
            output.WriteLine(line.Append('|'));
        }
    }
}
