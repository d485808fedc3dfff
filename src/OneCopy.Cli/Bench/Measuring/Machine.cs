using System.Globalization;
using System.Runtime.InteropServices;

namespace OneCopy.Cli.Bench.Measuring;

/// <summary>Where the figures are from.</summary>
internal sealed record Machine(string FileSystem, string Kernel, int Processors, string Processor, long MemoryBytes, string Runtime, string HugePages)
{
    public static Machine Of(string directory) => new(
        FileSystemOf(directory), Environment.OSVersion.Version.ToString(), Environment.ProcessorCount, ModelOf("/proc/cpuinfo"), MemoryOf("/proc/meminfo"),
        RuntimeInformation.FrameworkDescription, HugePagesOf("/sys/kernel/mm/transparent_hugepage/enabled"));

    public override string ToString() => $"{FileSystem}, Linux {Kernel}, {Processors} processors";

    /// <summary>The type and place of the mount that the directory is in: the last of the longest that lead to it (proc_pid_mountinfo(5)).</summary>
    private static string FileSystemOf(string directory)
    {
        string type = "an unknown file system", at = "";
        foreach (string line in File.ReadLines("/proc/self/mountinfo"))
        {
            string[] words = line.Split(' ');
            int dash = Array.IndexOf(words, "-");
            string place = words[4].Replace("\\040", " ");
            bool holds = place is "/" || string.Equals(directory, place, StringComparison.Ordinal) || directory.StartsWith(place + "/", StringComparison.Ordinal);
            if (holds && place.Length >= at.Length)
                (type, at) = (words[dash + 1], place);
        }

        return type;
    }

    private static string ModelOf(string cpuinfo) => Value(cpuinfo, "model name") ?? RuntimeInformation.ProcessArchitecture.ToString();

    private static long MemoryOf(string meminfo) =>
        Value(meminfo, "MemTotal") is { } text && long.TryParse(text.Split(' ')[0], NumberStyles.None, null, out long kibibytes) ? kibibytes << 10 : 0;

    /// <summary>The word in brackets: what holds for memory that nobody has advised on.</summary>
    private static string HugePagesOf(string path)
    {
        try
        {
            string words = File.ReadAllText(path);
            return words[(words.IndexOf('[', StringComparison.Ordinal) + 1)..words.IndexOf(']', StringComparison.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            return "unknown";
        }
    }

    private static string? Value(string path, string name) =>
        File.ReadLines(path).FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal)) is { } line ? line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim() : null;
}
