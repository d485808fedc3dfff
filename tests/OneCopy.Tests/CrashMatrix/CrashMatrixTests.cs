using System.Reflection;
using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.CrashMatrix;

/// <summary>Nothing else runs beside these: what they measure is how long others wait.</summary>
[CollectionDefinition(nameof(NothingBeside), DisableParallelization = true)]
public sealed class NothingBeside;

/// <summary>
/// Real processes, killed or stopped right before each step of each operation, beside others that go on. The complete table takes some minutes:
/// <c>ONECOPY_CRASH_MATRIX=all dotnet run --project tests/OneCopy.Tests -- --filter-class '*CrashMatrixTests'</c>; with other words instead of
/// "all", the operations of that name are run, and their rows replaced.
/// </summary>
[Collection(nameof(NothingBeside))]
public sealed class CrashMatrixTests
{
    private const string Variable = "ONECOPY_CRASH_MATRIX";
    private const int AtATime = 4;

    private static readonly string? s_asked = Environment.GetEnvironmentVariable(Variable);

    // In the order of the source, which is the table's.
    private static readonly string[] s_steps =
        [.. typeof(Step).GetFields(BindingFlags.Public | BindingFlags.Static).OrderBy(f => f.MetadataToken).Select(f => (string)f.GetValue(null)!)];

    /// <summary>Every step of these is in the sample.</summary>
    private static readonly string[] s_sampledWhole = ["Send, inline, a receiver sleeps", "Receive and Complete, inline"];

    [Fact]
    public async Task The_complete_matrix()
    {
        if (s_asked is null)
            Assert.Skip($"Takes minutes: set {Variable}=all.");
        CrashCase[] all = await RowsOf(CrashScenarios.All, Console.WriteLine);
        CrashCase[] rows = [.. all.Where(r => s_asked is "all" || r.Scenario.Name.Contains(s_asked, StringComparison.Ordinal))];
        CrashCase[] cases = [.. new[] { Hit.Kill, Hit.Stop }.SelectMany(h => rows.Select(r => r with { Hit = h }))];
        Dictionary<CrashCase, CrashOutcome> outcomes = [];
        foreach (Hit hit in new[] { Hit.Kill, Hit.Stop })
        {
            // Those who are stopped are waited for and need no processor.
            int atATime = hit == Hit.Kill ? AtATime : AtATime + 2;
            foreach ((CrashCase c, CrashOutcome outcome) in await CrashRunner.Run(cases.Where(c => c.Hit == hit), atATime, Console.WriteLine))
                outcomes.Add(c, outcome);
        }

        foreach (CrashCase c in cases)
            Console.WriteLine($"{c}: {(outcomes[c].Failures.Count == 0 ? "ok" : "FAILED")}, {outcomes[c].Worst:F0} ms; the machine's own delay {outcomes[c].MachineDelay:F0} ms");
        Console.WriteLine(CrashTable.Write(all, outcomes));
        Assert.DoesNotContain(outcomes, o => o.Value.Failures.Count > 0);
    }

    [Fact]
    public async Task A_sample_of_the_matrix()
    {
        if (s_asked is not null)
            Assert.Skip("The complete matrix is run.");
        CrashCase[] rows = [.. CrashTable.Read().Select(r => (Row: r, Scenario: CrashScenarios.All.FirstOrDefault(s => (s.Operation, s.Role) == (r.Operation, r.Role))))
            .Where(r => r.Scenario is not null).Select(r => new CrashCase(r.Scenario!, r.Row.Step, Hit.Kill))];
        CrashCase[] cases =
        [
            .. rows.Where(r => s_sampledWhole.Contains(r.Scenario.Operation)),
            .. rows.Where(r => r.Scenario.Operation is "Close" && r.Step.StartsWith("retire.", StringComparison.Ordinal)), // Were once nobody's.
            .. rows.Where((r, i) => i % 40 == 7),
            .. rows.Where((r, i) => i % 120 == 11).Select(r => r with { Hit = Hit.Stop }),
        ];
        IReadOnlyDictionary<CrashCase, CrashOutcome> outcomes = await CrashRunner.Run(cases.Distinct(), AtATime, Say);
        foreach ((CrashCase c, CrashOutcome outcome) in outcomes)
            Say($"{c}: {outcome.Worst:F0} ms");
        Assert.True(outcomes.Count > 20, "The sample is empty: the table in docs/crash-matrix.md was not read.");
        Assert.DoesNotContain(outcomes, o => o.Value.Failures.Count > 0);
    }

    [Fact]
    public async Task The_table_names_exactly_the_steps_that_the_operations_take_and_no_step_is_missing()
    {
        if (s_asked is not null)
            Assert.Skip("The complete matrix is run.");
        CrashCase[] rows = await RowsOf(CrashScenarios.All, Say);
        Assert.Empty(s_steps.Except(rows.Select(r => r.Step), StringComparer.Ordinal));
        Assert.Equal(
            string.Join('\n', CrashTable.Read().Select(r => $"{r.Operation} / {r.Role} / {r.Step}")),
            string.Join('\n', rows.Select(r => $"{r.Scenario.Name} / {r.Step}")));
    }

    /// <summary>
    /// What the operations take, and then those again that took something else than in the table: the second look after a ring (20 ms later, if somebody sleeps then) is made by whatever operation is
    /// under way, on a slow machine by another than else.
    /// </summary>
    private static async Task<CrashCase[]> RowsOf(IReadOnlyList<CrashScenario> scenarios, Action<string> say)
    {
        Dictionary<CrashScenario, CrashCase[]> rows = [];
        ILookup<string, string> known = CrashTable.Read().ToLookup(r => $"{r.Operation} / {r.Role}", r => r.Step, StringComparer.Ordinal);
        CrashScenario[] left = [.. scenarios];
        for (int times = 0; times < 3 && left.Length > 0; times++)
        {
            IReadOnlyDictionary<CrashScenario, IReadOnlyList<string>> steps = await CrashRunner.Record(left, AtATime, say);
            Assert.Equal(left.Length, steps.Count);
            foreach (CrashScenario s in left)
                rows[s] = [.. steps[s].Where(s.Owns).OrderBy(step => Array.IndexOf(s_steps, step)).Select(step => new CrashCase(s, step, Hit.None))];
            left = [.. left.Where(s => !rows[s].Select(r => r.Step).SequenceEqual(known[$"{s.Operation} / {s.Role}"], StringComparer.Ordinal))];
        }

        return [.. scenarios.SelectMany(s => rows[s])];
    }

    private static void Say(string line) => TestContext.Current.TestOutputHelper!.WriteLine(line);
}
