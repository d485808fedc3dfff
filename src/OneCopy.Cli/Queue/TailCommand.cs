using System.CommandLine;

namespace OneCopy.Cli.Queue;

/// <summary><c>onecopy queue tail QUEUE</c>.</summary>
internal static class TailCommand
{
    private const int UsualLast = 10;
    private const int UsualBytes = 64;

    public static Command Create()
    {
        Argument<string> name = QueueArguments.Queue();
        Option<int?> last = QueueArguments.Number("--last", "N", $"Begin with so many messages that are there already, done ones too. [default: {UsualLast}]", least: 0);
        Option<bool> follow = new("--follow", "-f") { Description = "Go on with what comes, until Ctrl+C." };
        Option<int?> count = QueueArguments.Number("--count", "N", "End after so many messages. [default: go on]", least: 1);
        Option<int?> bytes = QueueArguments.Number("--bytes", "N", $"Show so many bytes of each payload. [default: {UsualBytes}]", least: 0);
        Option<string?> root = QueueArguments.Root();
        Option<bool> json = QueueArguments.Json();
        Command command = new TeachingCommand("tail", "Show the latest messages of a queue, and those that come, without taking them.", """
            Ten times a second it looks at what is written in the senders' blocks, which stays there when a message is done, until its block is used for
            another one. A message whose block is used again between two looks is missed: the senders' numbers show that, and it
            is said how many were not seen (a cancelled send leaves such a gap as well). Nobody is disturbed; an idle queue costs next to nothing.
            With --json, each message is a line.

            Examples:
              onecopy queue tail photos
              onecopy queue tail photos --follow
              onecopy queue tail photos -f --last 0 --json | jq -c '[.id, .bytes]'
            """)
        { name, last, follow, count, bytes, root, json };
        command.SetAction(parsed => Outcome.Of(async ct =>
        {
            if (!Look.TryInto(parsed.GetValue(name)!, parsed.GetValue(root), out QueueInspection? look))
                return Outcome.Failed;
            using (look)
            {
                TailRun run = new(look, parsed.GetValue(bytes) ?? UsualBytes, parsed.GetValue(count) ?? int.MaxValue, parsed.GetValue(json));
                return await run.RunAsync(parsed.GetValue(last) ?? UsualLast, parsed.GetValue(follow), ct);
            }
        }));
        return command;
    }
}
