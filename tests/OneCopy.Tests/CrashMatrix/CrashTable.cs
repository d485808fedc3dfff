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

        (r): late at first, beside other rows on a busy machine, or overtaken by chance; run once more, by itself.

        """;

    public static string Path { get; } = Repository.RepositoryFiles.PathOf("docs/crash-matrix.md");

    /// <summary>The rows of the file.</summary>
    public static IReadOnlyList<Line> Read() =>
        !File.Exists(Path) ? [] : [.. File.ReadLines(Path).Where(l => l.StartsWith("| ", StringComparison.Ordinal)).Skip(2)
            .Select(l => l.Split('|', StringSplitOptions.TrimEntries)).Select(c => new Line(c[1], c[2], c[3].Trim('`'), c[4], c[5]))];

    /// <summary>The rows of the scenarios as they are now; what was not run keeps what the file says of it.</summary>
    public static string Write(IEnumerable<CrashCase> rows, IReadOnlyDictionary<CrashCase, CrashOutcome> outcomes)
    {
        Dictionary<(string, string, string), Line> before = Read().ToDictionary(l => (l.Operation, l.Role, l.Step));
        List<Line> lines = [];
        foreach (CrashCase row in rows)
        {
            Line? old = before.GetValueOrDefault((row.Scenario.Operation, row.Scenario.Role, row.Step));
            string note = row.Scenario.HasAnothersFate ? " (1)" : row.Scenario.JoinersWait is not null ? " (2)" : "";
            string killed = outcomes.TryGetValue(row with { Hit = Hit.Kill }, out CrashOutcome? kill) ? Cell(kill) : old?.Killed ?? "not run";
            string stopped = outcomes.TryGetValue(row with { Hit = Hit.Stop }, out CrashOutcome? stop) ? Cell(stop) + note : old?.Stopped ?? "not run";
            lines.Add(new Line(row.Scenario.Operation, row.Scenario.Role, row.Step, killed, stopped));
        }

        string summary = Summary(lines);
        StringBuilder text = new(Head);
        text.Append(summary).Append("\n\n| operation | hit | before the step | killed | stopped |\n| --- | --- | --- | --- | --- |\n");
        foreach (Line l in lines)
            text.Append($"| {l.Operation} | {l.Role} | `{l.Step}` | {l.Killed} | {l.Stopped} |\n");
        File.WriteAllText(Path, text.Append(Notes).ToString());
        return summary;
    }

    public static string Summary(IReadOnlyList<Line> lines)
    {
        string Of(string what, Func<Line, string> cell) =>
            $"{what} {lines.Count(l => cell(l).StartsWith("ok", StringComparison.Ordinal))} of {lines.Count} ok, worst {lines.Max(l => Milliseconds(cell(l)))} ms, " +
            $"{lines.Count(l => cell(l).Contains("(r)", StringComparison.Ordinal))} at the second try";

        return $"{lines.Count} rows of {lines.Select(l => (l.Operation, l.Role)).Distinct().Count()} operations: " +
            $"{Of("killed", static l => l.Killed)}; {Of("stopped", static l => l.Stopped)}.";
    }

    private static int Milliseconds(string cell) =>
        cell.Split(' ') is ["ok,", var number, ..] ? int.Parse(number) : 0;

    private static string Cell(CrashOutcome outcome) => outcome.Failures.Count > 0 ? "**FAILED**"
        : (outcome.Worst > 0 ? $"ok, {outcome.Worst:F0} ms" : "ok") + (outcome.WasRepeated ? " (r)" : "");

    /// <summary>One row as it is in the file.</summary>
    public sealed record Line(string Operation, string Role, string Step, string Killed, string Stopped);
}
