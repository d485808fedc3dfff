using Xunit;

namespace OneCopy.Tests.CrashMatrix;

/// <summary>
/// Real processes, killed or stopped right before each step of each operation, beside others that go on. The complete table takes some minutes:
/// <c>ONECOPY_CRASH_MATRIX=all dotnet run --project tests/OneCopy.Tests -- --filter-class '*CrashMatrixTests'</c>.
/// </summary>
public sealed class CrashMatrixTests
{
    private static readonly ITestOutputHelper s_output = TestContext.Current.TestOutputHelper!;

    private static void Say(string line) => TestContext.Current.TestOutputHelper!.WriteLine(line);

    [Fact]
    public async Task Try()
    {
        string filter = Environment.GetEnvironmentVariable("ONECOPY_CRASH_TRY") ?? "";
        bool kill = filter.Contains('k', StringComparison.Ordinal);
        bool stop = filter.Contains('s', StringComparison.Ordinal);
        List<CrashScenario> scenarios = [.. CrashScenarios.All.Where(s => s.Name.Contains(Environment.GetEnvironmentVariable("ONECOPY_CRASH_OF") ?? "", StringComparison.Ordinal))];
        var steps = await CrashRunner.Record(scenarios, 6, Console.WriteLine);
        foreach (CrashScenario s in scenarios)
            Console.WriteLine($"{s.Name}: {(steps.TryGetValue(s, out var l) ? string.Join(' ', l) : "FAILED")}");
        List<CrashCase> cases = [.. scenarios.Where(steps.ContainsKey).SelectMany(s => steps[s].Where(s.Owns).SelectMany(p => new[] { Hit.Kill, Hit.Stop }
            .Where(h => h == Hit.Kill ? kill : stop).Select(h => new CrashCase(s, p, h))))];
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        var outcomes = await CrashRunner.Run(cases, 6, Console.WriteLine);
        foreach (CrashCase c in cases)
            Console.WriteLine($"{c}: {(outcomes[c].Failures.Count == 0 ? "ok" : "FAILED")} {outcomes[c].Worst:F0} ms, machine {outcomes[c].MachineDelay:F0} ms");
        Console.WriteLine($"{cases.Count} rows, {outcomes.Values.Count(o => o.Failures.Count > 0)} failed, {System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalSeconds:F0} s");
    }
}
