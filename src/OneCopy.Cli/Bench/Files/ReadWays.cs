using OneCopy.Cli.Bench.Measuring;

namespace OneCopy.Cli.Bench.Files;

/// <summary>The ways to read that take part.</summary>
internal static class ReadWays
{
    public static IReadOnlyList<Trial> Of(ReadPlan plan, Kind kind)
    {
        List<Trial> ways = [new PreadTrial(plan), new RandomAccessTrial(plan)];
        ways.Add(new MappedTrial(plan));
        if (!plan.IsCold)
            ways.Add(new PopulatedTrial(plan));
        _ = kind;
        return ways;
    }
}

internal static class CopyWays
{
    public static IReadOnlyList<Trial> Of(WorkFiles files, bool cold) => [new CopyTrial("BCL", files, cold, static (a, b) => File.Copy(a, b))];
}
