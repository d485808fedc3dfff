using System.Text.Json;
using System.Text.Json.Serialization;
using OneCopy.Cli.Terminal;
using Spectre.Console;

namespace OneCopy.Cli.Torture;

/// <summary>Durations in milliseconds.</summary>
internal sealed record SpreadReport(int Count, double Median, double P99, double Max)
{
    public static SpreadReport Of(Spread s) => new(s.Count, Math.Round(s.At(0.5), 1), Math.Round(s.At(0.99), 1), Math.Round(s.Max, 1));
}

/// <summary>The result of a run, for programs.</summary>
internal sealed record TortureJsonReport(
    bool Good, long Seed, double Seconds, int Processes, int Lives, int Kills, int Stops,
    long Messages, long Promised, long TakenBack, long HandedOut, long Completed, long Abandoned, long DeadLetters,
    long HeldByKilled, long CutInTwo, long Unnoted, int TakenAtEnd, long Inline, long Arena, long Attached, long Moved,
    int Lost, int Doubled, int Undeclared, int Garbage, int TakenBackWrongly, int Stalls, int Leaks, int WorkerFaults,
    SpreadReport RecoveryMilliseconds, SpreadReport RecoveryMillisecondsBeforeLateness,
    SpreadReport WaitMilliseconds, SpreadReport WaitMillisecondsBeforeLateness, double ConductorLateSeconds,
    IReadOnlyList<string> Wrong, string? Kept, int ProcessId);

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(TortureJsonReport))]
internal sealed partial class TortureJson : JsonSerializerContext;

/// <summary>What the command prints.</summary>
internal static class TortureReport
{
    // The first ones say what there is to say.
    private const int MostFaults = 40;

    public static void WriteJson(TortureJsonReport report) => Console.WriteLine(JsonSerializer.Serialize(report, TortureJson.Default.TortureJsonReport));

    public static void WriteText(TortureJsonReport r)
    {
        Console.WriteLine(
            $"{Sizes.Count(r.Kills, "kill")} and {Sizes.Count(r.Stops, "stop")} in {r.Seconds:0} s, {r.Processes} processes at a time, {r.Lives:N0} in all; seed {r.Seed}");
        Console.WriteLine();
        Table messages = Screen.Table("Messages", ">Number", "");
        messages.AddRow("promised", $"{r.Promised:N0}", "their send completed");
        messages.AddRow("taken back", $"{r.TakenBack:N0}", "cancelled, timed out, no room");
        messages.AddRow("handed out", $"{r.HandedOut:N0}", $"{r.HeldByKilled:N0} to processes that were killed with them");
        messages.AddRow("completed", $"{r.Completed:N0}", $"inline {r.Inline:N0}, arena {r.Arena:N0} ({r.Moved:N0} moved), attached {r.Attached:N0}");
        messages.AddRow("given back", $"{r.Abandoned:N0}", "");
        messages.AddRow("dead letters", $"{r.DeadLetters:N0}", "");
        messages.AddRow("cut in two", $"{r.CutInTwo + r.Unnoted:N0}", $"by a kill in the middle of an answer; {r.Unnoted:N0} of a receive");
        Screen.Write(messages);
        Console.WriteLine();
        Table times = Screen.Table("Milliseconds", ">Times", ">Median", ">p99", ">Longest");
        AddTimes(times, "from a kill until what the victim held is there again", r.RecoveryMilliseconds);
        AddTimes(times, "  before what the scheduler took is taken off", r.RecoveryMillisecondsBeforeLateness);
        AddTimes(times, "a running worker kept waiting, where over 5 ms", r.WaitMilliseconds);
        AddTimes(times, "  before what the scheduler took is taken off", r.WaitMillisecondsBeforeLateness);
        Screen.Write(times);
        Console.WriteLine($"The conductor, which measures, was late by {r.ConductorLateSeconds:0.0} s in all: in that time a stall could hide.");
        Console.WriteLine();
        if (r.Good)
        {
            Console.WriteLine("Every message is accounted for: 0 lost, 0 doubled, 0 handed out without a cause, 0 wrong bytes, 0 stalls over 250 ms, nothing left behind.");
            return;
        }

        foreach (string wrong in r.Wrong)
            Console.WriteLine(wrong);
        Console.WriteLine(
            $"FAILED: {r.Lost} lost, {r.Doubled} doubled, {r.Undeclared} handed out without a cause, {r.Garbage} with wrong bytes, {r.TakenBackWrongly} taken back and completed, " +
            $"{r.Stalls} stalls, {r.Leaks} leaks, {r.WorkerFaults} workers that failed.{(r.Kept is null ? "" : $" Journals: {r.Kept}")}");
    }

    public static TortureJsonReport Of(TortureRun run, TortureOptions options, TimeSpan time, Account a, int lives, double conductorLate)
    {
        int Count(FaultKind kind) => run.Faults.Count(f => f.Kind == kind);
        return new TortureJsonReport(
            run.Faults.Count == 0, options.Seed, Math.Round(time.TotalSeconds, 1), options.Processes, lives, run.Kills, run.Stops,
            a.Promised + a.TakenBack, a.Promised, a.TakenBack, a.HandedOut, a.Completed, a.Abandoned, a.DeadLetters,
            a.HeldByKilled, a.CutInTwo, a.Unnoted, run.TakenAtEnd, run.Lanes.Inline.Messages, run.Lanes.Arena.Messages, run.Lanes.Attached.Messages, run.Moved,
            Count(FaultKind.Lost), Count(FaultKind.Doubled), Count(FaultKind.Undeclared), Count(FaultKind.Garbage), Count(FaultKind.TakenBack),
            Count(FaultKind.Stalled), Count(FaultKind.Leaked), Count(FaultKind.Worker),
            SpreadReport.Of(run.Recoveries.Times), SpreadReport.Of(run.Recoveries.TimesBeforeLateness),
            SpreadReport.Of(run.Stalls.Waits), SpreadReport.Of(run.Stalls.WaitsBeforeLateness), Math.Round(conductorLate, 2),
            [.. run.Faults.Take(MostFaults).Select(f => $"{f.Kind}: {f.Text}")], run.Kept, Environment.ProcessId);
    }

    private static void AddTimes(Table table, string what, SpreadReport s) =>
        table.AddRow(what, $"{s.Count:N0}", $"{s.Median:0.0}", $"{s.P99:0.0}", $"{s.Max:0.0}");
}
