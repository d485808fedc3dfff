using System.Text.Json;
using OneCopy.TestProcess;

namespace OneCopy.Tests.Memory;

/// <summary>A child process that holds memory of a known content, and what other processes say who touch it.</summary>
internal sealed class HeldMemory : IDisposable
{
    private HeldMemory(ChildProcess process)
    {
        Process = process;
        Address = nuint.Parse(process.ReadLine());
    }

    public ChildProcess Process { get; }

    public int Pid => Process.Pid;

    public nuint Address { get; }

    public static nuint Page { get; } = (nuint)Environment.SystemPageSize;

    /// <summary>
    /// Pages of the pattern: w writable, r only readable, n without permission, - not mapped. Nothing is mapped around them.
    /// </summary>
    public static HeldMemory Pages(string layout, params ReadOnlySpan<string> steps) => new(ChildProcess.Start("hold", [.. steps, $"pages={layout}"]));

    /// <summary>The same, in a process that another program (unshare, setpriv) becomes.</summary>
    public static HeldMemory PagesThrough(string[] program, string layout) =>
        new(ChildProcess.StartProgram(program[0], [.. program[1..], DotnetHost.Path, ChildProcess.TestProcessPath, "hold", $"pages={layout}"]));

    public static HeldMemory Reserved(long bytes) => new(ChildProcess.Start("hold", $"reserve={bytes}"));

    /// <summary>The bytes that the child wrote from an offset on.</summary>
    public static byte[] Pattern(long offset, long count)
    {
        byte[] bytes = new byte[count];
        for (long i = 0; i < count; i++)
            bytes[i] = MemoryModes.PatternAt(offset + i);
        return bytes;
    }

    /// <summary>Lets another process, after the steps, touch this memory.</summary>
    public TouchReport Touch(string what, nuint length, params ReadOnlySpan<string> steps)
    {
        using ChildProcess toucher = ChildProcess.Start("touch", [.. steps, what, $"{Pid}", $"{Address}", $"{length}"]);
        return ReportOf(toucher);
    }

    /// <summary>Lets another process touch it that another program (unshare, setpriv) becomes.</summary>
    public TouchReport TouchThrough(string[] program, string what, nuint length)
    {
        using ChildProcess toucher = ChildProcess.StartProgram(
            program[0], [.. program[1..], DotnetHost.Path, ChildProcess.TestProcessPath, "touch", what, $"{Pid}", $"{Address}", $"{length}"]);
        return ReportOf(toucher);
    }

    private static TouchReport ReportOf(ChildProcess toucher)
    {
        TouchReport report = JsonSerializer.Deserialize<TouchReport>(toucher.ReadLine())!;
        toucher.Finish();
        return report;
    }

    public void Dispose() => Process.Dispose();
}
