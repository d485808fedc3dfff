using System.Collections.Concurrent;

namespace OneCopy.Tests.CrashMatrix;

/// <summary>One row to run.</summary>
internal sealed record CrashCase(CrashScenario Scenario, string Step, Hit Hit)
{
    public override string ToString() => $"{Scenario.Name} / {Hit} before {Step}";
}

/// <summary>Runs rows, several at a time: they mostly wait.</summary>
internal static class CrashRunner
{
    /// <summary>
    /// A row that was late, and nothing else, or whose step was not reached, is run once more, in the end and by itself: the machine is not ours alone.
    /// </summary>
    public static async Task<IReadOnlyDictionary<CrashCase, CrashOutcome>> Run(IEnumerable<CrashCase> cases, int atATime, Action<string> say)
    {
        ConcurrentDictionary<CrashCase, CrashOutcome> outcomes = new();
        await RunAll(cases, atATime, outcomes);
        CrashCase[] again = [.. outcomes.Where(o => o.Value.MayBeChance).Select(o => o.Key)];
        foreach (CrashCase c in again)
            say($"Repeated: {c}: {outcomes[c].Failures[0].Split('\n')[0]} The machine's own delay: {outcomes[c].MachineDelay:F0} ms.");
        await RunAll(again, 1, outcomes);
        foreach (CrashCase c in again)
            outcomes[c].WasRepeated = true;
        foreach ((CrashCase c, CrashOutcome outcome) in outcomes.Where(o => o.Value.Failures.Count > 0))
            say($"FAILED: {c}: {string.Join(' ', outcome.Failures)} The machine's own delay: {outcome.MachineDelay:F0} ms.");
        return outcomes;
    }

    private static async Task RunAll(IEnumerable<CrashCase> cases, int atATime, ConcurrentDictionary<CrashCase, CrashOutcome> outcomes)
    {
        ConcurrentQueue<CrashCase> left = new(cases);
        await Task.WhenAll(Enumerable.Range(0, Math.Min(atATime, left.Count)).Select(_ => Task.Run(async () =>
        {
            using CrashSlot slot = new();
            while (left.TryDequeue(out CrashCase? next))
                outcomes[next] = await CrashRow.Run(slot, next.Scenario, next.Step, next.Hit);
        })));
    }

    /// <summary>The steps that each scenario takes, in order.</summary>
    public static async Task<IReadOnlyDictionary<CrashScenario, IReadOnlyList<string>>> Record(
        IReadOnlyList<CrashScenario> scenarios, int atATime, Action<string> say)
    {
        IReadOnlyDictionary<CrashCase, CrashOutcome> outcomes = await Run(scenarios.Select(s => new CrashCase(s, "", Hit.None)), atATime, say);
        return outcomes.Where(o => o.Value.Failures.Count == 0).ToDictionary(o => o.Key.Scenario, o => o.Value.Steps);
    }
}
