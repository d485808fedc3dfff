using System.CommandLine;
using System.Text.Json;
using OneCopy.Cli.Terminal;
using Spectre.Console;

namespace OneCopy.Cli.Queue;

/// <summary><c>onecopy queue list</c>.</summary>
internal static class ListCommand
{
    public static Command Create()
    {
        Option<string?> root = QueueArguments.Root();
        Option<bool> json = QueueArguments.Json();
        Command command = new TeachingCommand("list", "List the queues, with what waits in them.", """
            Columns: messages that wait, messages that receivers hold, payload bytes of both, open handles, dead letters (which are a queue
            of their own, QUEUE.dead).

            Examples:
              onecopy queue list
              onecopy queue list --json | jq '.[] | select(.queued > 1000)'
            """)
        { root, json };
        command.SetAction(parsed => Outcome.Of(() => Run(parsed.GetValue(root), parsed.GetValue(json))));
        return command;
    }

    private static int Run(string? root, bool json)
    {
        IReadOnlyList<QueueLine> lines = [.. MessageQueue.List(root).Select(name => Line(name, root)).OfType<QueueLine>()];
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(lines, QueueJson.Default.IReadOnlyListQueueLine));
            return 0;
        }

        if (lines.Count == 0)
        {
            Console.WriteLine($"There are no queues in {Look.RootOf(root)}.");
            return 0;
        }

        Table table = Screen.Table("Queue", ">Waiting", ">Held", ">Bytes", ">Participants", ">Dead letters");
        foreach (QueueLine line in lines)
            table.AddRow(Markup.Escape(line.Name), $"{line.Queued:N0}", $"{line.Leased:N0}", Sizes.Text(line.BytesPending), $"{line.Participants:N0}", line.DeadLetters is long dead ? $"{dead:N0}" : "");
        Screen.Write(table);
        foreach (QueueLine broken in lines.Where(l => l.Error is not null))
            Console.Error.WriteLine($"{broken.Name}: {broken.Error}");
        return 0;
    }

    /// <summary>Null: it was deleted meanwhile. One that cannot be opened is listed all the same.</summary>
    private static QueueLine? Line(string name, string? root)
    {
        try
        {
            if (!MessageQueue.TryInspect(name, out QueueInspection? look, root))
                return null;
            using (look)
            {
                QueueStatistics s = look.Statistics;
                return new QueueLine(
                    name, s.Queued, s.Leased, s.BytesPending, s.Participants.Count(p => p.IsAlive), Look.DeadLettersOf(name, root), null);
            }
        }
        catch (OneCopyException e)
        {
            return new QueueLine(name, 0, 0, 0, 0, null, e.Message);
        }
    }
}
