using System.CommandLine;
using System.Text.Json;
using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Queue;

/// <summary><c>onecopy queue clean [QUEUE]</c>.</summary>
internal static class CleanCommand
{
    public static Command Create()
    {
        Argument<string> name = QueueArguments.Queue();
        name.Arity = ArgumentArity.ZeroOrOne;
        Option<bool> all = new("--all") { Description = "Clean all queues below the root." };
        Option<bool> dryRun = new("--dry-run") { Description = "Only show what there is to do." };
        Option<bool> removeEmpty = new("--remove-empty") { Description = "Delete queues that nobody has open and nothing is left in." };
        Option<string?> root = QueueArguments.Root();
        Option<bool> json = QueueArguments.Json();
        Command command = new TeachingCommand("clean", "Clear away what processes have left behind that were killed.", """
            What they held is given back to the queue, what they sent stays there, their files go as soon as their last message is done. Whoever opens a queue
            does the same; this is for queues that nobody opens any more. Living processes are not disturbed. Queues with nobody and nothing left
            are named, and deleted with --remove-empty.

            Examples:
              onecopy queue clean photos
              onecopy queue clean --all --dry-run
              onecopy queue clean --all --remove-empty --json
            """)
        { name, all, dryRun, removeEmpty, root, json };
        command.Validators.Add(result =>
        {
            if (result.GetValue(all) == (result.GetValue(name) is not null))
                result.AddError("Which: QUEUE or --all, one of the two.");
        });
        command.SetAction(parsed => Outcome.Of(() => Run(
            parsed.GetValue(name), new CleanRun(parsed.GetValue(root), parsed.GetValue(dryRun), parsed.GetValue(removeEmpty)), parsed.GetValue(root), parsed.GetValue(json))));
        return command;
    }

    private static int Run(string? name, CleanRun run, string? root, bool json)
    {
        List<CleanReport> reports = [];
        foreach (string queue in name is null ? CleanRun.Names(root) : [name])
        {
            if (run.TryClean(queue) is { } report)
                reports.Add(report);
            else if (name is not null)
                return Look.SayMissing(name, root);
        }

        if (json)
            Console.WriteLine(JsonSerializer.Serialize(reports, WorkJson.Default.IReadOnlyListCleanReport));
        else if (reports.Count == 0)
            Console.WriteLine($"There are no queues in {Look.RootOf(root)}.");
        foreach (CleanReport report in json ? [] : reports)
            Write(report, run.DryRun);
        foreach (CleanReport broken in reports.Where(r => r.Error is not null))
            Console.Error.WriteLine($"{broken.Queue}: {broken.Error}");
        return reports.Any(r => r.Error is not null) ? Outcome.Failed : 0;
    }

    private static void Write(CleanReport r, bool dryRun)
    {
        if (r.Error is not null)
            return;
        List<string> parts = [];
        if (r.Dead.Count > 0)
            parts.Add($"{Sizes.Count(r.Dead.Count, "dead participant")} (process {string.Join(", ", r.Dead.Select(d => d.Pid).Distinct())})");
        if (r.GivenBack > 0)
            parts.Add($"{Sizes.Count(r.GivenBack, "message")} held by them {(dryRun ? "to give back" : "given back")}");
        if (r.Lost > 0)
            parts.Add($"{Sizes.Count(r.Lost, "message")} {(dryRun ? "gone" : "lost")} with {(r.Lost == 1 ? "its sender" : "their senders")}");
        if (r.Files.Count > 0)
            parts.Add($"{Sizes.Count(r.Files.Count, "file")}, {Sizes.Text(r.Bytes)}{(dryRun ? "" : ", removed")}: {string.Join(", ", r.Files)}");
        if (r.NotRecovered > 0 && !dryRun)
            parts.Add($"{Sizes.Count(r.NotRecovered, "dead participant")} left, as the ring is full: receive some messages, then clean again");
        if (r.Deleted)
            parts.Add("nobody and nothing left: deleted");
        else if (r.Empty)
            parts.Add(dryRun ? "nobody and nothing left" : "nobody and nothing left (--remove-empty deletes it)");
        Console.WriteLine($"{r.Queue}: {(parts.Count == 0 ? "nothing to clean" : string.Join("; ", parts))}.");
    }
}
