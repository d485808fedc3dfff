using System.Diagnostics;
using OneCopy.Interop;

namespace OneCopy.Cli.Bench.Measuring;

/// <summary>
/// Clocks and counters around a piece of work, on one thread: the one that made it. Other threads of the process, which compile or draw
/// progress, are counted only where threads of the work are to be: they are few beside it.
/// </summary>
internal sealed class Meter : IDisposable
{
    private readonly SystemCallCounter _calls = SystemCallCounter.Open();

    // What an empty run counts: the reading of the counters.
    private readonly long _ownCalls;

    public Meter()
    {
        Measure(static () => { });
        _ownCalls = Measure(static () => { }).SystemCalls;
    }

    public string SystemCallSource => _calls.Source;

    public bool CountsAllSystemCalls => _calls.CountsAll;

    public Sample Measure(Action work, bool hasThreads = false)
    {
        Sample before = Read(hasThreads, callsLast: true);
        work();
        Sample after = Read(hasThreads, callsLast: false);
        Sample taken = after - before;
        return taken with { SystemCalls = taken.SystemCalls - _ownCalls };
    }

    public void Dispose() => _calls.Dispose();

    /// <summary>The clock is read nearest to the work, next to it the counter of calls, so that neither has the other readings in it.</summary>
    private Sample Read(bool hasThreads, bool callsLast)
    {
        long clock = callsLast ? 0 : Stopwatch.GetTimestamp();
        long calls = callsLast || !_calls.CountsAll ? 0 : _calls.Read(default);
        Usage.getrusage(hasThreads ? Usage.RUSAGE_SELF : Usage.RUSAGE_THREAD, out rusage usage).OrThrow("getrusage");

        // To the nanosecond; getrusage divides it into user and system by where the clock's ticks fell.
        Usage.clock_gettime(hasThreads ? Usage.CLOCK_PROCESS_CPUTIME_ID : Usage.CLOCK_THREAD_CPUTIME_ID, out timespec processor).OrThrow("clock_gettime");
        ThreadIo io = ThreadIo.Of(hasThreads);
        if (callsLast || !_calls.CountsAll)
            calls = _calls.Read(io);
        if (callsLast)
            clock = Stopwatch.GetTimestamp();
        return new Sample(
            (double)clock / Stopwatch.Frequency, processor.tv_sec + (processor.tv_nsec / 1e9), Seconds(usage.ru_utime), Seconds(usage.ru_stime), usage.ru_minflt, usage.ru_majflt, calls, io.BytesFromStorage,
            QueuedSeconds());
    }

    /// <summary>The second word of schedstat: nanoseconds in line for a processor (proc_pid_schedstat in the kernel's sched-stats.rst). 0 where the kernel does not count them.</summary>
    private static double QueuedSeconds()
    {
        try
        {
            string[] words = File.ReadAllText("/proc/thread-self/schedstat").Split(' ');
            return words.Length > 1 && long.TryParse(words[1], out long nanoseconds) ? nanoseconds / 1e9 : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private static double Seconds(timeval time) => time.tv_sec + (time.tv_usec / 1e6);
}
