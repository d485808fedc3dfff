using System.CommandLine;
using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Torture;

/// <summary><c>onecopy torture</c>, and the hidden command that its processes run.</summary>
internal static class TortureCommand
{
    public const string WorkerName = "torture-worker";
    private const double MostMinutes = 100_000;
    private const int LeastProcesses = 2;
    private const int MostProcesses = 64;

    public static Command Create()
    {
        Option<double> minutes = new("--minutes")
        {
            Description = "How long; 0.1 is six seconds.",
            HelpName = "M",
            DefaultValueFactory = static _ => 1,
            CustomParser = static result =>
            {
                string text = result.Tokens[0].Value;
                if (double.TryParse(text, System.Globalization.NumberStyles.AllowDecimalPoint, null, out double m) && m is > 0 and <= MostMinutes)
                    return m;
                result.AddError($"--minutes is a number above 0, such as 0.5 or 10, not '{text}'.");
                return 0;
            },
        };
        Option<long?> seed = new("--seed") { Description = "What the plan is drawn from. [default: another one each time]", HelpName = "S" };
        Option<int> processes = new("--processes") { Description = "How many live at a time.", HelpName = "N", DefaultValueFactory = static _ => 7 };
        processes.Validators.Add(static result =>
        {
            if (result.Tokens is [{ Value: string text }] && !(int.TryParse(text, out int n) && n is >= LeastProcesses and <= MostProcesses))
                result.AddError($"--processes is a number from {LeastProcesses} to {MostProcesses}, not '{text}'.");
        });
        Option<bool> keep = new("--keep") { Description = "If something is wrong, keep the journals, and say where." };
        Option<bool> json = QueueArguments.Json();
        Command command = new TeachingCommand("torture", "Kill processes at random instants while they use a queue, and account for every message.", """
            Processes send, receive, give back, dead-letter and take back messages of all sizes by all lanes. About three a second are killed with
            SIGKILL, at any instant, also while they join, leave or recover each other, sometimes all at once; others are stopped for a while,
            or leave and come back with other limits. At the end every message that was promised must have been completed exactly once, or
            be a dead letter; none handed out without a cause; every byte right; nobody who ran kept waiting for over 250 ms; and nothing left.
            The same seed draws the same plan; who runs when is the kernel's affair, so no two runs are the same.
            Everything is in a directory of its own in /dev/shm (or where ONECOPY_ROOT says), which is removed at the end. The exit code is 0 only if nothing is wrong.

            Examples:
              onecopy torture
              onecopy torture --minutes 10 --seed 42
              onecopy torture --minutes 0.5 --processes 12 --keep
              onecopy torture --json | jq .recovery_milliseconds
            """)
        { minutes, seed, processes, keep, json };
        command.SetAction(parsed => Outcome.Of(ct => RunAsync(
            new TortureOptions(
                TimeSpan.FromMinutes(parsed.GetValue(minutes)), parsed.GetValue(seed) ?? Random.Shared.Next(1, 1_000_000),
                parsed.GetValue(processes), parsed.GetValue(keep)),
            parsed.GetValue(json), ct)));
        return command;
    }

    /// <summary>What a process of the torture runs; not for people.</summary>
    public static Command CreateWorker()
    {
        Argument<string> root = new("ROOT");
        Argument<int> life = new("LIFE");
        Argument<long> seed = new("SEED");
        Command command = new(WorkerName, "A process of the torture.") { root, life, seed };
        command.Hidden = true;
        command.SetAction(parsed => Worker.Run(parsed.GetValue(root)!, parsed.GetValue(life), parsed.GetValue(seed)));
        return command;
    }

    private static async Task<int> RunAsync(TortureOptions options, bool json, CancellationToken ct)
    {
        TortureJsonReport report = await Screen.WithProgressAsync("Starting", options.Duration.TotalSeconds, quiet: json, progress => Task.Run(() =>
        {
            using TortureRun run = new(options);
            return run.Run(progress, ct);
        }));
        if (json)
            TortureReport.WriteJson(report);
        else
            TortureReport.WriteText(report);
        return report.Good ? 0 : Outcome.Failed;
    }
}
