using System.Text;

namespace OneCopy.Tests.CrashMatrix;

/// <summary>docs/crash-matrix.md: written by the complete run, read by the others.</summary>
internal static class CrashTable
{
    private const string Head = """
        # The crash matrix

        Written by a test run; do not edit. One command makes it anew:

            ONECOPY_CRASH_MATRIX=all dotnet run --project tests/OneCopy.Tests -- --filter-class '*CrashMatrixTests'

        Each row is an operation, the process that is hit in it, and the step that it is hit right before; the steps are those of `protocol.md`, and `Step.cs` has them all.
        The process is real, and so are those beside it: a sender and a receiver that are at work before, and from the instant of the hit on. It is killed (SIGKILL), and in a run of
        its own it is stopped (SIGSTOP) for two seconds and then continued. *ok* says that

        - the others went on: everything that they sent after the hit, and after a kill everything that the killed one held or had promised, was received within 250 ms. The number is the longest
          that anything or anybody had to wait, by the clock of the survivors, from the hit on. What a stopped process has in hand waits for it, and nothing else does;
        - every message whose send had completed was completed exactly once, none was handed out twice with the same attempt, every byte was right;
        - a stopped process ended its operation as if nothing had been, sent its whole arena once more, and closed;
        - nothing was left: no message queued or held, no participant, no file, no pinned payload; a sender could send its whole arena, one more handle could join, and the queue be deleted.


        """;

    private const string Notes = """

        1. While the one who recovers a dead process is stopped, what the dead one held waits for it too.
        2. While the deleter is stopped, whoever would open the queue waits for the end of the deletion; nobody was in it.

        """;

    public static string Path { get; } = Repository.RepositoryFiles.PathOf("docs/crash-matrix.md");

    /// <summary>The rows of the file: operation, who is hit, step.</summary>
    public static IReadOnlyList<(string Operation, string Role, string Step)> Read() =>
        [.. File.ReadLines(Path).Where(l => l.StartsWith("| ", StringComparison.Ordinal)).Skip(2)
            .Select(l => l.Split('|', StringSplitOptions.TrimEntries)).Select(c => (c[1], c[2], c[3].Trim('`')))];

    public static string Summary(IReadOnlyDictionary<CrashCase, CrashOutcome> outcomes)
    {
        string Of(Hit hit, string what)
        {
            CrashOutcome[] some = [.. outcomes.Where(o => o.Key.Hit == hit).Select(o => o.Value)];
            return $"{what} {some.Count(o => o.Failures.Count == 0)} of {some.Length} ok, worst {some.Max(o => o.Worst):F0} ms";
        }

        int rows = outcomes.Keys.Select(c => (c.Scenario, c.Step)).Distinct().Count();
        int scenarios = outcomes.Keys.Select(c => c.Scenario).Distinct().Count();
        return $"{rows} rows of {scenarios} operations: {Of(Hit.Kill, "killed")}; {Of(Hit.Stop, "stopped")}; " +
            $"{outcomes.Values.Count(o => o.WasRepeated)} runs repeated as they were late, or met chance, once.";
    }

    public static void Write(IEnumerable<CrashCase> rows, IReadOnlyDictionary<CrashCase, CrashOutcome> outcomes)
    {
        StringBuilder text = new(Head);
        text.Append(Summary(outcomes)).Append("\n\n| operation | hit | before the step | killed | stopped |\n| --- | --- | --- | --- | --- |\n");
        foreach (CrashCase row in rows)
        {
            string killed = Cell(outcomes[row with { Hit = Hit.Kill }]);
            string stopped = Cell(outcomes[row with { Hit = Hit.Stop }]);
            string note = row.Scenario.HasAnothersFate ? " (1)" : row.Scenario.JoinersWait is not null ? " (2)" : "";
            text.Append($"| {row.Scenario.Operation} | {row.Scenario.Role} | `{row.Step}` | {killed} | {stopped}{note} |\n");
        }

        File.WriteAllText(Path, text.Append(Notes).ToString());
    }

    private static string Cell(CrashOutcome outcome) => outcome.Failures.Count > 0 ? "**FAILED**" : outcome.Worst > 0 ? $"ok, {outcome.Worst:F0} ms" : "ok";
}
