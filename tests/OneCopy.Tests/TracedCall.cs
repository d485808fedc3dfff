using System.Globalization;
using System.Text.RegularExpressions;

namespace OneCopy.Tests;

/// <summary>A line of strace's output: a system call that has returned.</summary>
internal sealed partial record TracedCall(string Name, string Arguments, long Result)
{
    /// <summary>Of the segments in the arguments, as strace writes them.</summary>
    public long[] Lengths { get; } = [.. LengthPattern().Matches(Arguments).Select(l => long.Parse(l.Groups["length"].Value, CultureInfo.InvariantCulture))];

    /// <summary>0 if it is no number.</summary>
    public long LastArgument => long.TryParse(Arguments.Split(',')[^1].Trim(), out long n) ? n : 0;

    /// <summary>Whether it copies bytes through a descriptor, and not between two memories.</summary>
    public bool MovesBytes => Name is "read" or "write" or "pread64" or "pwrite64" or "readv" or "writev" or "preadv" or "pwritev" or "preadv2" or "pwritev2"
        or "sendto" or "recvfrom" or "sendmsg" or "recvmsg" or "splice" or "vmsplice" or "sendfile" or "copy_file_range";

    public bool IsProcessVm => Name.StartsWith("process_vm_", StringComparison.Ordinal);

    /// <summary>What strace -ff wrote to files that begin with a prefix. Lines that are no calls are left out.</summary>
    public static List<TracedCall> Read(string prefix) =>
        [.. Directory.GetFiles(Path.GetDirectoryName(prefix)!, Path.GetFileName(prefix) + "*").SelectMany(f => File.ReadLines(f)).Select(Parse).OfType<TracedCall>()];

    /// <summary>Starts dotnet with an assembly and its arguments under strace -ff.</summary>
    public static ChildProcess Start(string prefix, params ReadOnlySpan<string> assemblyAndArguments) =>
        ChildProcess.StartProgram("strace", ["-ff", "-s", "8", "-o", prefix, DotnetHost.Path, .. assemblyAndArguments]);

    private static TracedCall? Parse(string line)
    {
        Match m = CallPattern().Match(line);
        return m.Success ? new TracedCall(m.Groups["name"].Value, m.Groups["arguments"].Value, ResultOf(m.Groups["result"].Value)) : null;
    }

    // Addresses are hexadecimal.
    private static long ResultOf(string text) =>
        text.StartsWith("0x", StringComparison.Ordinal) ? Convert.ToInt64(text, 16) : long.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(?<name>\w+)\((?<arguments>.*)\)\s+= (?<result>-?(0x[0-9a-f]+|\d+))", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex CallPattern();

    [GeneratedRegex(@"iov_len=(?<length>\d+)", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex LengthPattern();
}
