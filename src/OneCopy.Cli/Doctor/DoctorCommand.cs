using System.CommandLine;
using System.Text.Json;
using OneCopy.Cli.Terminal;
using Spectre.Console;

namespace OneCopy.Cli.Doctor;

/// <summary><c>onecopy doctor</c>, and the hidden command that its two processes run.</summary>
internal static class DoctorCommand
{
    public const string WorkerName = "doctor-worker";

    public static Command Create()
    {
        Option<bool> json = QueueArguments.Json();
        Option<int?> pid = new("--pid") { Description = "Also find out whether this process can be reached, and if not, why.", HelpName = "PID" };
        Option<bool> calibrate = new("--calibrate") { Description = "Measure anew from which length on payloads are attached, and keep it for this user." };
        Command command = new TeachingCommand("doctor", "Find out what this machine allows: kernel, rights, room, and a real pull and a real push between two processes.", """
            ok: as it should be. warning: OneCopy works, but slower, as large messages go through shared memory. problem: it does not work.
            The exit code is 1 if there is a problem, and 0 otherwise. In a container, run it there.

            Examples:
              onecopy doctor
              onecopy doctor --pid 1234
              onecopy doctor --calibrate
              onecopy doctor --json | jq '.checks[] | select(.status != "ok")'
            """)
        { json, pid, calibrate };
        command.SetAction(parsed => Outcome.Of(ct => RunAsync(parsed.GetValue(json), parsed.GetValue(pid), parsed.GetValue(calibrate), ct)));
        return command;
    }

    /// <summary>What the two processes of the doctor run; not for people.</summary>
    public static Command CreateWorker()
    {
        Command command = new(WorkerName, "A process of the doctor.") { Hidden = true };
        command.SetAction(static _ => PullWorker.Run());
        return command;
    }

    private static async Task<int> RunAsync(bool json, int? pid, bool calibrate, CancellationToken ct)
    {
        ThresholdReport threshold = ThresholdReport.Find(calibrate);
        IReadOnlyList<Check> checks = [.. KernelChecks.All(), .. RightsChecks.All(), .. QueueChecks.All(), .. await PullChecks.AllAsync(ct), threshold.Check(), .. pid is int p ? PeerChecks.Of(p) : []];
        if (json)
            Console.WriteLine(JsonSerializer.Serialize(new DoctorReport(checks, threshold), DoctorJson.Default.DoctorReport));
        else
            Write(checks, threshold);
        return checks.Any(c => c.Status == CheckStatus.Problem) ? Outcome.Failed : 0;
    }

    private static void Write(IReadOnlyList<Check> checks, ThresholdReport threshold)
    {
        Table table = Screen.Table("Status", "What", "Is");
        foreach (Check check in checks)
            table.AddRow(Coloured(check.Status), Markup.Escape(check.Name), Markup.Escape(check.Value));
        Screen.Write(table);
        threshold.Write();
        foreach (Check check in checks.Where(c => c.Status != CheckStatus.Ok))
        {
            Console.WriteLine();
            Console.WriteLine($"{check.Name}: {check.Detail}");
            Console.WriteLine($"  What helps: {check.Remedy}");
        }

        int problems = checks.Count(c => c.Status == CheckStatus.Problem);
        int warnings = checks.Count(c => c.Status == CheckStatus.Warning);
        Console.WriteLine();
        Console.WriteLine(problems > 0 ? $"{Sizes.Count(problems, "problem")}: OneCopy does not work here."
            : warnings > 0 ? $"{Sizes.Count(warnings, "warning")}: OneCopy works here, with the limits named above."
            : "Everything that OneCopy needs works here.");
    }

    private static string Coloured(CheckStatus status) => status switch
    {
        CheckStatus.Ok => "[green]ok[/]",
        CheckStatus.Warning => "[yellow]warning[/]",
        _ => "[red]problem[/]",
    };
}
