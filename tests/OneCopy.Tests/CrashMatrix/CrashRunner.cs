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
    /// <summary>A row that was late, and nothing else, or whose step was not reached, is run once more: the machine is not ours alone.</summary>
    public static async Task<IReadOnlyDictionary<CrashCase, CrashOutcome>> Run(IEnumerable<CrashCase> cases, int atATime, Action<string> say)
    {
        ConcurrentQueue<CrashCase> left = new(cases);
        ConcurrentDictionary<CrashCase, CrashOutcome> outcomes = new();
        await Task.WhenAll(Enumerable.Range(0, atATime).Select(_ => Task.Run(async () =>
        {
            using CrashSlot slot = new();
            while (left.TryDequeue(out CrashCase? next))
            {
                CrashOutcome outcome = await CrashRow.Run(slot, next.Scenario, next.Step, next.Hit);
                if ((outcome.IsLate || outcome.WasNotReached) && outcome.Failures.Count == 1)
                {
                    say($"Repeated: {next}: {outcome.Failures[0].Split('\n')[0]} The machine's own delay: {outcome.MachineDelay:F0} ms.");
                    outcome = await CrashRow.Run(slot, next.Scenario, next.Step, next.Hit);
                    outcome.WasRepeated = true;
                }

                outcomes[next] = outcome;
                foreach (string failure in outcome.Failures)
                    say($"FAILED: {next}: {failure}");
            }
        })));
        return outcomes;
    }

    /// <summary>The steps that each scenario takes, in order.</summary>
    public static async Task<IReadOnlyDictionary<CrashScenario, IReadOnlyList<string>>> Record(
        IReadOnlyList<CrashScenario> scenarios, int atATime, Action<string> say)
    {
        IReadOnlyDictionary<CrashCase, CrashOutcome> outcomes = await Run(scenarios.Select(s => new CrashCase(s, "", Hit.None)), atATime, say);
        return outcomes.Where(o => o.Value.Failures.Count == 0).ToDictionary(o => o.Key.Scenario, o => o.Value.Steps);
    }
}
