using OneCopy.Cli.Bench.Measuring;

namespace OneCopy.Cli.Bench.Files;

/// <summary>The ways to read that take part. The first is what the others are compared with.</summary>
internal static class ReadWays
{
    public static IReadOnlyList<Trial> Of(ReadPlan plan, Kind kind)
    {
        List<Trial> ways = [new PreadTrial(plan), new RandomAccessTrial(plan)];
        if (kind == Kind.SequentialRead && VectoredTrial.BuffersFor(plan) > 1)
            ways.Add(new VectoredTrial(plan));
        if (kind == Kind.RandomRead && !plan.IsCold)
            ways.Add(new NoWaitTrial(plan));
        ways.Add(new MappedSpanTrial(plan));
        if (plan.IsCold)
            ways.Add(kind == Kind.RandomRead ? new MappedSpanTrial(plan, "mapped, Random", MapAdvice.Random) : new MappedSpanTrial(plan, "mapped, Sequential", MapAdvice.Sequential));
        ways.Add(new MappedCopyTrial(plan));
        ways.Add(new SafeCopyTrial(plan));
        if (!plan.IsCold)
            ways.Add(new MappedBeforeTrial(plan));
        return ways;
    }
}
