using System.Globalization;

namespace OneCopy.Memory;

/// <summary>What /proc/PID/stat and /proc/PID/status say about a process; anybody may read them (proc(5)).</summary>
internal sealed class ProcessStatus
{
    private static readonly char[] s_blank = [' ', '\t', '\n'];

    private readonly string _text;

    private ProcessStatus(string text) => _text = text;

    /// <summary>The command name, at most 15 bytes.</summary>
    public string Name => Field("Name");

    /// <summary>'Z' for a zombie: ended, not yet waited for by its parent.</summary>
    public char State => Field("State") is [char state, ..] ? state : '?';

    public bool IsZombie => State is 'Z' or 'X';

    public int ParentPid => int.TryParse(Field("PPid"), out int pid) ? pid : 0;

    /// <summary>Real, effective and saved user ids (the fourth is the file system's).</summary>
    public Ids Users => Ids.Parse(Field("Uid"));

    public Ids Groups => Ids.Parse(Field("Gid"));

    /// <summary>The bits that new files of the process do not get; null where the kernel does not say (before Linux 4.7).</summary>
    public uint? Umask => Field("Umask") is { Length: > 0 } octal ? Convert.ToUInt32(octal, 8) : null;

    public ulong PermittedCapabilities => Hex("CapPrm");

    public ulong EffectiveCapabilities => Hex("CapEff");

    /// <summary>The status of a process, or null where /proc does not show it.</summary>
    public static ProcessStatus? Of(int pid) => Parse(ProcFile.ReadText($"/proc/{pid}/status"));

    public static ProcessStatus? OfSelf() => Parse(ProcFile.ReadText("/proc/self/status"));

    /// <summary>
    /// Field 22 of /proc/PID/stat: when the process began, in clock ticks since boot. Together with the pid it names one process
    /// for ever. 0 where /proc does not show the process.
    /// </summary>
    public static long StartTimeOf(int pid)
    {
        string? stat = ProcFile.ReadText($"/proc/{pid}/stat");

        // Field 2 is the command's name in parentheses and may hold anything, parentheses too: count from the last one.
        int end = stat?.LastIndexOf(')') ?? -1;
        if (end < 0)
            return 0;
        string[] rest = stat![(end + 1)..].Split(s_blank, StringSplitOptions.RemoveEmptyEntries);
        return rest.Length > 19 && long.TryParse(rest[19], out long ticks) ? ticks : 0;
    }

    internal static ProcessStatus? Parse(string? text) => string.IsNullOrEmpty(text) ? null : new ProcessStatus(text);

    // One or two of some sixty are asked for.
    private string Field(string name)
    {
        foreach (ReadOnlySpan<char> line in _text.AsSpan().EnumerateLines())
        {
            if (line.Length > name.Length && line[name.Length] == ':' && line.StartsWith(name, StringComparison.Ordinal))
                return line[(name.Length + 1)..].Trim().ToString();
        }

        return "";
    }

    private ulong Hex(string name) => ulong.TryParse(Field(name), NumberStyles.HexNumber, null, out ulong value) ? value : 0;

    /// <summary>Three of the four ids on a line of /proc/PID/status.</summary>
    internal readonly record struct Ids(uint Real, uint Effective, uint Saved)
    {
        public bool AllAre(uint id) => Real == id && Effective == id && Saved == id;

        public override string ToString() => Real == Effective && Real == Saved ? $"{Real}" : $"{Real}, effective {Effective}, saved {Saved}";

        public static Ids Parse(string line)
        {
            string[] parts = line.Split(s_blank, StringSplitOptions.RemoveEmptyEntries);
            return parts.Length >= 3
                && uint.TryParse(parts[0], out uint r) && uint.TryParse(parts[1], out uint e) && uint.TryParse(parts[2], out uint s)
                ? new Ids(r, e, s)
                : new Ids(uint.MaxValue, uint.MaxValue, uint.MaxValue);
        }
    }
}
