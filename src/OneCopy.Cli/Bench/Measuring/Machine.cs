using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.Cli.Bench.Measuring;

/// <summary>Where the figures are from.</summary>
internal sealed record Machine(string FileSystem, string Kernel, int Processors, string Processor, long MemoryBytes, string Runtime, string HugePages)
{
    public static Machine Of(string directory) => new(
        FileSystemOf(directory), Environment.OSVersion.Version.ToString(), Environment.ProcessorCount, ModelOf("/proc/cpuinfo"), MemoryOf("/proc/meminfo"),
        RuntimeInformation.FrameworkDescription, HugePagesOf("/sys/kernel/mm/transparent_hugepage/enabled"));

    public override string ToString() => $"{FileSystem}, Linux {Kernel}, {Processors} processors";

    private static string FileSystemOf(string directory)
    {
        using SafeFileHandle opened = SafeFd.Open(directory, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
        return OneCopy.FileSystem.NameOf(opened.Fd());
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
