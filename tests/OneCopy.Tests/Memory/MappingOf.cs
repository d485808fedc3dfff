using System.Globalization;

namespace OneCopy.Tests.Memory;

/// <summary>What the kernel says of the mapping of this process that holds an address (/proc/self/smaps).</summary>
internal sealed class MappingOf
{
    private readonly Dictionary<string, string> _fields = new(StringComparer.Ordinal);

    private MappingOf()
    {
    }

    public bool HasFlag(string flag) => _fields["VmFlags"].Split(' ').Contains(flag, StringComparer.Ordinal);

    public long Bytes(string field) => long.Parse(_fields[field].AsSpan().TrimEnd("kB").Trim(), CultureInfo.InvariantCulture) << 10;

    /// <summary>Null: nothing is mapped there.</summary>
    public static unsafe MappingOf? Address(void* address)
    {
        MappingOf? found = null;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            int end = line.IndexOf(' ', StringComparison.Ordinal);
            if (line[end - 1] != ':')
            {
                if (found is not null)
                    return found;
                string[] range = line[..end].Split('-');
                if ((ulong)address >= ulong.Parse(range[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture)
                    && (ulong)address < ulong.Parse(range[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture))
                    found = new MappingOf();
            }
            else
            {
                found?._fields.Add(line[..(end - 1)], line[end..].Trim());
            }
        }

        return found;
    }
}
