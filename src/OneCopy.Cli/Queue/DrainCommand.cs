using System.CommandLine;

namespace OneCopy.Cli.Queue;

/// <summary><c>onecopy queue drain QUEUE</c>.</summary>
internal static class DrainCommand
{
    public static Command Create()
    {
        Argument<string> name = QueueArguments.Queue();
        Option<string?> to = new("--to") { Description = "Write each payload into a file of this directory; made if it is not there.", HelpName = "DIR" };
        Option<bool> print = new("--print") { Description = "Write the payloads to standard output, each with a line's end behind it if it has none." };
        Option<int?> count = QueueArguments.Number("--count", "N", "Take so many messages at most. [default: all that wait]", least: 1);
        Option<double?> wait = QueueArguments.Seconds("--wait", "Wait so many seconds for the next one before it ends. [default: 0]");
        Option<string?> root = QueueArguments.Root();
        Option<bool> json = QueueArguments.Json();
        Command command = new TeachingCommand("drain", "Take the messages out of a queue, into files or to standard output.", """
            A message is completed when its payload is written, not before: if this is killed, it stays in the queue. A file has the name that came with the
            message (as 'onecopy send' gives it) or message-ID; no file is replaced, a second one of the name gets -2 before its extension. A name that would
            lead out of DIR is not used. With --json, a report at the end tells which message is in which file.

            Examples:
              onecopy queue drain photos --to ~/rescued
              onecopy queue drain log --print | grep ERROR
              onecopy queue drain photos.dead --to ~/bad --count 100 --json
            """)
        { name, to, print, count, wait, root, json };
        command.Validators.Add(result =>
        {
            if (result.GetValue(print) == (result.GetValue(to) is not null))
                result.AddError("Where to: --to DIR or --print, one of the two.");
            if (result.GetValue(print) && result.GetValue(json))
                result.AddError("--print and --json do not go together.");
        });
        command.SetAction(parsed => Outcome.Of(ct =>
        {
            string queue = parsed.GetValue(name)!;
            DrainRun run = new(queue, parsed.GetValue(count) ?? int.MaxValue, TimeSpan.FromSeconds(parsed.GetValue(wait) ?? 0), parsed.GetValue(root), parsed.GetValue(json));
            return Task.FromResult(run.Run(parsed.GetValue(to), ct));
        }));
        return command;
    }
}
