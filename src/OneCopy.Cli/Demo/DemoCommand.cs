using System.CommandLine;
using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Demo;

/// <summary><c>onecopy demo</c>, and the hidden command that its processes run.</summary>
internal static class DemoCommand
{
    public const string WorkerName = "demo-worker";
    private const int MostProcesses = 32;

    public static Command Create()
    {
        Option<int> producers = Count("--producers", "How many processes send.", 2, MostProcesses);
        Option<int> consumers = Count("--consumers", "How many processes receive.", 2, MostProcesses);
        Option<int> rounds = Count("--rounds", "How often it is timed; the median counts.", 9, 1000);
        Option<string[]> input = new("--input")
        {
            Description = "A file, or a directory with all below it; may be given several times. [default: the installed .NET frameworks]",
            HelpName = "PATH",
            DefaultValueFactory = static _ => [],
        };
        Option<bool> json = new("--json") { Description = "Write JSON, for programs to read." };
        Command command = new TeachingCommand("demo", "Move real files between real processes, check every byte, and compare with a named pipe.", """
            Producers load the files; consumers copy each one into memory of their own. The same files then go through named pipes between
            the same processes. In a first pass both ends hash all they have; then the hand-over alone is timed. Small files travel in shared memory, larger ones
            (from 32 KiB on) are copied once, straight from one process's memory into the other's.
            Everything is in a directory of its own in /dev/shm (or where ONECOPY_ROOT says), which is removed at the end. The exit code is 0 only if every byte arrived.

            Examples:
              onecopy demo
              onecopy demo --input ~/Pictures --producers 4 --consumers 1
              onecopy demo --json | jq .gigabytes_per_second
            """)
        { producers, consumers, rounds, input, json };
        command.SetAction(parsed => Outcome.Of(ct => RunAsync(
            parsed.GetValue(input) ?? [], parsed.GetValue(producers), parsed.GetValue(consumers), parsed.GetValue(rounds), parsed.GetValue(json), ct)));
        return command;
    }

    /// <summary>What a process of the demo runs; not for people.</summary>
    public static Command CreateWorker()
    {
        Argument<string> role = new("ROLE");
        Argument<string> root = new("ROOT");
        Command command = new(WorkerName, "A process of the demo.") { role, root };
        command.Hidden = true;
        command.SetAction(parsed => string.Equals(parsed.GetValue(role), "producer", StringComparison.Ordinal)
            ? Producer.Run(parsed.GetValue(root)!)
            : Consumer.Run(parsed.GetValue(root)!));
        return command;
    }

    private static async Task<int> RunAsync(string[] inputs, int producers, int consumers, int rounds, bool json, CancellationToken ct)
    {
        DemoPlan plan = DemoPlan.Of(inputs);
        DemoTally tally = await Screen.WithProgressAsync("Starting", DemoRun.Steps(plan, rounds), quiet: json, async progress =>
        {
            using DemoRun run = new(producers, consumers, rounds);
            return await run.RunAsync(plan, progress, ct);
        });
        if (json)
            DemoReport.WriteJson(tally, producers, consumers);
        else
            DemoReport.WriteText(tally, plan, producers, consumers);
        return tally.IsGood ? 0 : Outcome.Failed;
    }

    private static Option<int> Count(string name, string description, int usual, int most)
    {
        Option<int> option = new(name) { Description = description, DefaultValueFactory = _ => usual, HelpName = "N" };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: string text }] && !(int.TryParse(text, out int n) && n >= 1 && n <= most))
                result.AddError($"{name} is a number from 1 to {most}, not '{text}'.");
        });
        return option;
    }
}
