namespace OneCopy.Cli.Bench.Measuring;

/// <summary>
/// What one run of a trial took. The counts are of the measuring thread; read from storage is what the file system fetched for it. Processor
/// time is exact; its division into user and system is drawn by the clock's ticks, so that short runs may have none of one.
/// Queued is the time in which the thread could have run, and other programs had the processors.
/// </summary>
internal readonly record struct Sample(
    double Seconds, double ProcessorSeconds, double UserSeconds, double SystemSeconds, long MinorFaults, long MajorFaults, long SystemCalls, long BytesFromStorage,
    double QueuedSeconds)
{
    public static Sample operator -(Sample after, Sample before) => new(
        after.Seconds - before.Seconds, after.ProcessorSeconds - before.ProcessorSeconds, after.UserSeconds - before.UserSeconds, after.SystemSeconds - before.SystemSeconds,
        after.MinorFaults - before.MinorFaults, after.MajorFaults - before.MajorFaults,
        after.SystemCalls - before.SystemCalls, after.BytesFromStorage - before.BytesFromStorage,
        after.QueuedSeconds - before.QueuedSeconds);
}
