using System.Diagnostics;
using System.Globalization;
using OneCopy.Interop;

namespace OneCopy.Cli.Bench.Queue.Workers;

/// <summary>
/// A worker's clocks around the messages that count: CLOCK_MONOTONIC, the same in every process, the processor time of all its threads, and the bytes that were
/// allocated from the garbage collector. The clock is read next to the messages.
/// </summary>
internal sealed class Clocks
{
    private readonly long _allocated = GC.GetTotalAllocatedBytes(precise: true);
    private readonly long _processor = Processor();
    private readonly long _start = Stopwatch.GetTimestamp();
    private string _text = "";

    private Clocks()
    {
    }

    public static Clocks Start() => new();

    public void Stop()
    {
        long end = Stopwatch.GetTimestamp();
        long processor = Processor() - _processor;
        long allocated = GC.GetTotalAllocatedBytes(precise: true) - _allocated;
        _text = string.Create(CultureInfo.InvariantCulture, $"{_start} {end} {processor} {allocated}");
    }

    public override string ToString() => _text;

    private static long Processor()
    {
        Usage.clock_gettime(Usage.CLOCK_PROCESS_CPUTIME_ID, out timespec time).OrThrow("clock_gettime");
        return (time.tv_sec * 1_000_000_000) + time.tv_nsec;
    }
}

/// <summary>What a worker's clocks said.</summary>
internal readonly record struct Clocked(long Start, long End, long ProcessorNanoseconds, long AllocatedBytes)
{
    public static Clocked Parse(string[] words) => new(long.Parse(words[0]), long.Parse(words[1]), long.Parse(words[2]), long.Parse(words[3]));
}
