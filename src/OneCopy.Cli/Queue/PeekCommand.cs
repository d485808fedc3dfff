using System.CommandLine;
using System.Text.Json;
using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Queue;

/// <summary><c>onecopy queue peek QUEUE</c>.</summary>
internal static class PeekCommand
{
    private const int UsualCount = 10;
    private const int UsualBytes = 64;

    public static Command Create()
    {
        Argument<string> name = QueueArguments.Queue();
        Option<int?> count = QueueArguments.Number("--count", "N", $"Show so many messages at most. [default: {UsualCount}]", least: 1);
        Option<int?> bytes = QueueArguments.Number("--bytes", "N", $"Show so many bytes of each payload. [default: {UsualBytes}]", least: 0);
        Option<bool> dead = new("--dead") { Description = "Show the queue's dead letters, with the reason." };
        Option<string?> root = QueueArguments.Root();
        Option<bool> json = QueueArguments.Json();
        Command command = new TeachingCommand("peek", "Show the messages in a queue without taking them.", """
            First those that wait, the next to be handed out first; then those that receivers hold. Nobody is disturbed, and nothing changes.
            Payloads that are in their senders' memory are read from there, if the kernel allows it.

            Examples:
              onecopy queue peek photos
              onecopy queue peek photos --count 100 --bytes 0
              onecopy queue peek photos --dead --json | jq '.[].dead_letter.reason'
            """)
        { name, count, bytes, dead, root, json };
        command.SetAction(parsed => Outcome.Of(() => Run(
            parsed.GetValue(name)!, parsed.GetValue(count) ?? UsualCount, parsed.GetValue(bytes) ?? UsualBytes,
            parsed.GetValue(dead), parsed.GetValue(root), parsed.GetValue(json))));
        return command;
    }

    private static int Run(string name, int count, int bytes, bool dead, string? root, bool json)
    {
        if (dead && !Look.IsDeadLetterQueue(name))
        {
            // A queue that is there, and never had a dead letter, has none: that is no failure.
            if (!Look.TryInto(name, root, out QueueInspection? living))
                return Outcome.Failed;
            living.Dispose();
            name = Look.DeadLetterQueueOf(name);
            if (!MessageQueue.TryInspect(name, out QueueInspection? deadLetters, root))
            {
                Console.WriteLine(json ? "[]" : "There are no dead letters.");
                return 0;
            }

            deadLetters.Dispose();
        }

        if (!Look.TryInto(name, root, out QueueInspection? look))
            return Outcome.Failed;
        using (look)
            Show(look, count, bytes, json);
        return 0;
    }

    private static void Show(QueueInspection look, int count, int bytes, bool json)
    {
        IReadOnlyList<InspectedMessage> messages = look.Messages(bytes, count);
        Dictionary<int, string?> names = look.Participants.ToDictionary(p => p.Index, p => p.ProcessName);
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(
                [.. messages.Select(m => MessageReport.Of(m, names.GetValueOrDefault(m.SenderIndex)))], QueueJson.Default.IReadOnlyListMessageReport));
            return;
        }

        DateTimeOffset now = DateTimeOffset.UtcNow;
        foreach (InspectedMessage message in messages)
            MessageView.Write(message, names.GetValueOrDefault(message.SenderIndex), now);
        QueueStatistics all = look.Statistics;
        long rest = all.Queued + all.Leased - messages.Count;
        if (rest > 0)
            Console.WriteLine($"… and {Sizes.Count(rest, "message")} more (--count shows more).");
        else if (messages.Count == 0)
            Console.WriteLine($"No message is in queue {look.Name}.");
    }
}
