using System.CommandLine;
using System.Text.Json;
using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Queue;

/// <summary><c>onecopy queue purge QUEUE</c>.</summary>
internal static class PurgeCommand
{
    public static Command Create()
    {
        Argument<string> name = QueueArguments.Queue();
        Option<bool> expired = new("--expired") { Description = "Remove only those whose time to live has passed." };
        Option<bool> yes = new("--yes", "-y") { Description = "Do not ask." };
        Option<string?> root = QueueArguments.Root();
        Option<bool> json = QueueArguments.Json();
        Command command = new TeachingCommand("purge", "Remove the messages that wait in a queue.", """
            They are gone for good, and count as completed: a sender that waits for a receiver is told that it is done. Messages that receivers hold stay with them,
            and so do those that come while this runs. Asks first; where nobody can be asked, --yes is needed.

            Examples:
              onecopy queue purge photos
              onecopy queue purge photos --expired --yes
              onecopy queue purge photos.dead --yes --json
            """)
        { name, expired, yes, root, json };
        command.SetAction(parsed => Outcome.Of(ct => Task.FromResult(Run(
            parsed.GetValue(name)!, parsed.GetValue(expired), parsed.GetValue(yes), parsed.GetValue(root), parsed.GetValue(json), ct))));
        return command;
    }

    private static int Run(string name, bool expired, bool yes, string? root, bool json, CancellationToken ct)
    {
        if (!Look.TryInto(name, root, out QueueInspection? look))
            return Outcome.Failed;
        using (look)
        {
            DateTimeOffset begun = DateTimeOffset.UtcNow;
            List<InspectedMessage> found = Find(look, expired, begun);
            if (!yes && found.Count > 0 && !Asked(name, found))
                return Outcome.Failed;
            int removed = 0;
            long bytes = 0;
            if (found.Count > 0 && MessageQueue.TryOpen(name, out MessageQueue? queue, new QueueOptions { Root = root, Blocks = 1, ArenaLimit = 0 }))
            {
                using (queue)
                {
                    // Once more: joining has given back what the dead held.
                    foreach (InspectedMessage message in Find(look, expired, begun))
                    {
                        ct.ThrowIfCancellationRequested();
                        if (!TryRemove(queue, message))
                            continue;
                        removed++;
                        bytes += message.Length;
                    }

                    queue.DropStaleReferences();
                }
            }

            Console.WriteLine(json
                ? JsonSerializer.Serialize(new PurgeReport(name, removed, bytes), WorkJson.Default.PurgeReport)
                : $"{Sizes.Count(removed, expired ? "expired message" : "message")}, {Sizes.Text(bytes)}, removed from queue {name}.");
            return 0;
        }
    }

    private static List<InspectedMessage> Find(QueueInspection look, bool expired, DateTimeOffset begun) =>
        [.. look.Messages().Where(m => m.State == MessageState.Waiting && m.TimeSent <= begun && (!expired || m.Expires <= begun))];

    private static bool TryRemove(MessageQueue queue, InspectedMessage message)
    {
        if (!queue.TryClaimOutOfTurn(message, out ReceivedMessage taken))
            return false;
        using (taken)
        {
            try
            {
                taken.Complete();
                return true;
            }
            catch (Exception e) when (e is MessageWithdrawnException or MessageLostException)
            {
                return false;
            }
        }
    }

    private static bool Asked(string name, List<InspectedMessage> found)
    {
        if (Console.IsInputRedirected)
        {
            Console.Error.WriteLine($"Queue {name} has {Sizes.Count(found.Count, "message")} to remove. Nobody can be asked here: say --yes to remove them.");
            return false;
        }

        Console.Error.Write($"Remove {Sizes.Count(found.Count, "message")} ({Sizes.Text(found.Sum(m => m.Length))}) from queue {name} for good? [y/N] ");
        if (Console.ReadLine() is ['y' or 'Y', ..])
            return true;
        Console.Error.WriteLine("Nothing was removed.");
        return false;
    }
}
