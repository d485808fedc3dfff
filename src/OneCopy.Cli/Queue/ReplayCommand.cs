using System.CommandLine;
using System.Text.Json;
using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Queue;

/// <summary><c>onecopy queue replay QUEUE</c>.</summary>
internal static class ReplayCommand
{
    private const long UsualArena = 1L << 30;

    public static Command Create()
    {
        Argument<string> name = QueueArguments.Queue();
        Option<int?> count = QueueArguments.Number("--count", "N", "Replay so many at most, the oldest first. [default: all]", least: 1);
        Option<string[]> ids = new("--id")
        {
            Description = "Replay only this one: its id as 'queue peek QUEUE --dead' shows it, or the one it had in its queue. May be repeated.",
            HelpName = "ID",
        };
        Option<bool> dryRun = new("--dry-run") { Description = "Only show which it would be." };
        Option<string?> root = QueueArguments.Root();
        Option<bool> json = QueueArguments.Json();
        Command command = new TeachingCommand("replay", "Put a queue's dead letters back into it.", """
            Payload and properties are as they were, the attempts are counted anew, and what became of it stays with the message. Each is sent
            first and then taken from the dead letters, so that nothing is lost if this is killed; one letter may then be in both.

            Examples:
              onecopy queue replay photos --dry-run
              onecopy queue replay photos
              onecopy queue replay photos --id 7-12 --id 7-15
            """)
        { name, count, ids, dryRun, root, json };
        command.SetAction(parsed => Outcome.Of(ct => Task.FromResult(Run(
            parsed.GetValue(name)!, parsed.GetValue(count) ?? int.MaxValue, parsed.GetValue(ids) ?? [],
            parsed.GetValue(dryRun), parsed.GetValue(root), parsed.GetValue(json), ct))));
        return command;
    }

    private static int Run(string name, int count, string[] ids, bool dryRun, string? root, bool json, CancellationToken ct)
    {
        // Whoever names the dead letters means them.
        if (Look.IsDeadLetterQueue(name))
            name = name[..^Messaging.QueueDirectory.DeadLetterSuffix.Length];
        if (!Look.TryInto(name, root, out QueueInspection? living))
            return Outcome.Failed;
        living.Dispose();
        List<string> replayed = [];
        HashSet<string> missing = new(ids, StringComparer.Ordinal);
        if (MessageQueue.TryInspect(Look.DeadLetterQueueOf(name), out QueueInspection? dead, root))
        {
            using (dead)
            {
                if (dryRun)
                    replayed = Choose(dead, count, missing, json);
                else
                    Replay(name, dead, count, missing, root, replayed, ct);
            }
        }

        if (json)
            Console.WriteLine(JsonSerializer.Serialize(new ReplayReport(name, dryRun ? 0 : replayed.Count, dryRun, replayed, [.. missing]), WorkJson.Default.ReplayReport));
        else
            Console.WriteLine($"{Sizes.Count(replayed.Count, "dead letter")} {(dryRun ? "would be" : "")}{(dryRun ? " " : "")}put back into queue {name}.");
        foreach (string id in missing)
            Console.Error.WriteLine($"There is no dead letter {id}. 'onecopy queue peek {name} --dead' shows what there is.");
        return missing.Count == 0 ? 0 : Outcome.Failed;
    }

    private static List<string> Choose(QueueInspection dead, int count, HashSet<string> ids, bool json)
    {
        bool all = ids.Count == 0;
        DateTimeOffset now = DateTimeOffset.UtcNow;
        List<string> chosen = [];
        foreach (InspectedMessage m in dead.Messages(payloadBytes: json ? 0 : 64).Where(m => m.State == MessageState.Waiting))
        {
            if (chosen.Count == count || !IsWanted(m.Id, m.Properties, all, ids))
                continue;
            chosen.Add(m.Id);
            if (!json)
                MessageView.Write(m, process: null, now);
        }

        return chosen;
    }

    private static void Replay(string name, QueueInspection dead, int count, HashSet<string> ids, string? root, List<string> replayed, CancellationToken ct)
    {
        bool all = ids.Count == 0;
        long longest = dead.Messages().Select(m => m.Length).DefaultIfEmpty().Max();
        if (!MessageQueue.TryOpen(name, out MessageQueue? queue, new QueueOptions { Root = root, ArenaLimit = Math.Max(UsualArena, longest + (1 << 20)) }))
            throw new IOException($"Queue {name} was deleted just now; its dead letters are as they were.");
        using (queue)
        {
            List<string> begun = [];
            int done = 0;
            try
            {
                done = queue.ReplayDeadLetters(Filter, count, ct);
            }
            catch
            {
                // The last one that was chosen is the one that failed.
                done = Math.Max(begun.Count - 1, 0);
                Console.Error.WriteLine($"{Sizes.Count(done, "dead letter")} put back into queue {name}; then it ended:");
                throw;
            }
            finally
            {
                replayed.AddRange(begun.Take(done));
            }

            bool Filter(ReceivedMessage letter)
            {
                bool wanted = IsWanted(letter.Id, letter.Properties, all, ids);
                if (wanted)
                    begun.Add(letter.Id);
                return wanted;
            }
        }
    }

    /// <summary>And crosses it off the list.</summary>
    private static bool IsWanted(string id, MessageProperties? properties, bool all, HashSet<string> ids) =>
        all || ids.Remove(id) || (properties is not null && DeadLetter.TryRead(properties, out DeadLetter? letter) && ids.Remove(letter.Id));
}
