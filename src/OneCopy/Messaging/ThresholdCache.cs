using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;
using OneCopy.Memory;

namespace OneCopy.Messaging;

/// <summary>
/// The file with this user's last measurement: of one machine and kernel, by what is written in it. It is believed only if it is a regular file of this user that no other may write,
/// of the very form that is written here; anything else is as if it were not there. It is replaced at once, never half.
/// </summary>
/// <param name="path">Null: there is no place for one.</param>
/// <param name="machine">What the measurement is of: one line.</param>
internal sealed unsafe class ThresholdCache(string? path, string machine)
{
    private const string Head = "onecopy lane costs 1";
    private const int MaxLength = 2048;
    private const uint OthersMayWrite = 0x12; // 0022
    private const uint OwnerOnly = 0x180; // 0600
    private const uint OwnerEnters = 0x40; // 0100

    /// <summary>Where it is.</summary>
    public string? Path { get; } = path;

    /// <summary><c>$XDG_CACHE_HOME/onecopy/lane-costs</c>, in <c>~/.cache</c> if that is not set.</summary>
    public static ThresholdCache OfUser()
    {
        string? caches = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        if (caches is null || !System.IO.Path.IsPathRooted(caches))
            caches = Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } home && System.IO.Path.IsPathRooted(home) ? System.IO.Path.Combine(home, ".cache") : null;
        return new ThresholdCache(caches is null ? null : System.IO.Path.Combine(caches, "onecopy", "lane-costs"), Machine());
    }

    /// <summary>Null: there is none that can be believed.</summary>
    public LaneCost[]? TryRead()
    {
        if (Path is null)
            return null;

        // Not waiting for the writer of a named pipe that somebody put there.
        SysResult r = Fcntl.open(Path, OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK | OpenFlags.O_NOFOLLOW);
        if (!r.Succeeded)
            return null;
        using SafeFileHandle file = SafeFd.Of(r);
        if (!Stat.Of(file.Fd(), out statx status).Succeeded || (status.stx_mode & Stat.S_IFMT) != Stat.S_IFREG || status.stx_uid != Prctl.geteuid()
            || (status.stx_mode & OthersMayWrite) != 0 || status.stx_size > MaxLength)
        {
            return null;
        }

        byte* bytes = stackalloc byte[MaxLength];
        do
            r = Fcntl.pread(file.Fd(), bytes, MaxLength, 0);
        while (r.Errno == Errno.EINTR);
        return r.Succeeded ? Parse(Encoding.UTF8.GetString(bytes, (int)r.Value)) : null;
    }

    /// <summary>False: it cannot be kept, which costs the next process a measurement of its own.</summary>
    public bool TryWrite(LaneCost[] costs)
    {
        if (Path is null)
            return false;
        string mine = $"{Path}.{Environment.ProcessId}-{Guid.NewGuid():N}";
        string directory = System.IO.Path.GetDirectoryName(Path)!;
        Fcntl.mkdir(System.IO.Path.GetDirectoryName(directory) ?? "/", OwnerOnly | OwnerEnters);
        Fcntl.mkdir(directory, OwnerOnly | OwnerEnters);
        SysResult r = Fcntl.open(mine, OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_EXCL, OwnerOnly);
        if (!r.Succeeded)
            return false;
        byte[] text = Encoding.UTF8.GetBytes(Text(costs));
        using (SafeFileHandle file = SafeFd.Of(r))
        {
            fixed (byte* p = text)
                r = Fcntl.pwrite(file.Fd(), p, (nuint)text.Length, 0);
        }

        if (r.Value == text.Length && Fcntl.rename(mine, Path).Succeeded)
            return true;
        Fcntl.unlink(mine);
        return false;
    }

    private string Text(LaneCost[] costs) =>
        string.Create(CultureInfo.InvariantCulture, $"{Head}\n{machine}\n{string.Join('\n', costs.Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.Bytes} {c.TwoCopies} {c.OnePull}")))}\n");

    private LaneCost[]? Parse(string text)
    {
        string[] lines = text.Split('\n');
        if (lines.Length != LaneCosts.Lengths.Length + 3 || lines[0] is not Head || !string.Equals(lines[1], machine, StringComparison.Ordinal) || lines[^1].Length > 0)
            return null;
        LaneCost[] costs = new LaneCost[LaneCosts.Lengths.Length];
        for (int i = 0; i < costs.Length; i++)
        {
            string[] words = lines[i + 2].Split(' ');
            if (words.Length != 3 || !TryParse(words[0], out int bytes) || bytes != LaneCosts.Lengths[i] || !TryParse(words[1], out int copies) || !TryParse(words[2], out int pull))
                return null;
            costs[i] = new LaneCost(bytes, copies, pull);
        }

        return costs;
    }

    private static bool TryParse(string word, out int number) => int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number > 0;

    /// <summary>Another kernel or another processor is another measurement; another boot is not.</summary>
    private static string Machine()
    {
        string kernel = ProcFile.ReadText("/proc/sys/kernel/osrelease")?.Trim() ?? "";
        return $"{kernel}; {ProcessorName()}; {Environment.ProcessorCount}";
    }

    private static string ProcessorName()
    {
        // One processor's lines are enough; there may be hundreds.
        byte* bytes = stackalloc byte[MaxLength];
        SysResult r = Fcntl.open("/proc/cpuinfo", OpenFlags.O_RDONLY);
        if (!r.Succeeded)
            return "";
        using SafeFileHandle file = SafeFd.Of(r);
        r = Fcntl.pread(file.Fd(), bytes, MaxLength, 0);
        string[] lines = r.Succeeded ? Encoding.UTF8.GetString(bytes, (int)r.Value).Split('\n') : [];
        string[] names = ["model name", "CPU implementer", "CPU part", "CPU variant"];
        return string.Join(' ', names.Select(n => Array.Find(lines, l => l.StartsWith(n, StringComparison.Ordinal))).OfType<string>().Select(l => l[(l.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim()));
    }
}
