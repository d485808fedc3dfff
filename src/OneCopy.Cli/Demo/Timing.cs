using System.Diagnostics;

namespace OneCopy.Cli.Demo;

/// <summary>
/// A worker's clock for one hand-over: CLOCK_MONOTONIC, the same in every process, and the processor time of this one, which says
/// what the hand-over costs when other programs take the processors.
/// </summary>
internal sealed class Timing
{
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly TimeSpan _cpuBefore = Environment.CpuUsage.TotalTime;
    private long _end;

    private Timing() => _end = _start;

    public static Timing Start() => new();

    /// <summary>The hand-over has come this far.</summary>
    public void Mark() => _end = Stopwatch.GetTimestamp();

    /// <summary>For the conductor: start, end, and ticks of processor time up to now. Before anything is hashed.</summary>
    public string Stop()
    {
        Mark();
        return Text();
    }

    public string Text() => $"{_start} {_end} {(Environment.CpuUsage.TotalTime - _cpuBefore).Ticks}";
}

/// <summary>From when to when, on the clock that all processes share, and the processor time that it took.</summary>
internal readonly record struct Span(long Start, long End, TimeSpan Cpu)
{
    public double Seconds => Stopwatch.GetElapsedTime(Start, End).TotalSeconds;

    public static Span Parse(string[] words) => new(long.Parse(words[0]), long.Parse(words[1]), TimeSpan.FromTicks(long.Parse(words[2])));

    public static Span Around(Span[] spans) => new(spans.Min(s => s.Start), spans.Max(s => s.End), TimeSpan.FromTicks(spans.Sum(s => s.Cpu.Ticks)));
}
