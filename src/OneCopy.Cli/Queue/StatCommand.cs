using System.CommandLine;
using System.Text.Json;
using OneCopy.Cli.Terminal;
using Spectre.Console;

namespace OneCopy.Cli.Queue;

/// <summary><c>onecopy queue stat QUEUE</c>.</summary>
internal static class StatCommand
{
    public static Command Create()
    {
        Argument<string> name = QueueArguments.Queue();
        Option<string?> root = QueueArguments.Root();
        Option<bool> json = QueueArguments.Json();
        Command command = new TeachingCommand("stat", "Show what is in a queue, and what went through it.", """
            Sent counts by the lane chosen at the send, completed by the lane that the payload went in the end; they differ where a payload
            could not be copied out of its sender's memory, nor by its sender into the receiver's, and was moved. Who was refused what stands
            at the end, with the reason ('onecopy doctor' looks at the machine).

            Examples:
              onecopy queue stat photos
              onecopy queue stat photos --json | jq .queued
            """)
        { name, root, json };
        command.SetAction(parsed => Outcome.Of(() => Run(parsed.GetValue(name)!, parsed.GetValue(root), parsed.GetValue(json))));
        return command;
    }

    private static int Run(string name, string? root, bool json)
    {
        if (!Look.TryInto(name, root, out string? path, out QueueStatistics? s))
        {
            Console.Error.WriteLine($"There is no queue {name} in {Look.RootOf(root)}. 'onecopy queue list' shows what there is.");
            return Outcome.Failed;
        }

        if (json)
        {
            QueueReport report = new(
                name, path, s.Queued, s.Leased, s.BytesPending, s.OldestAge?.TotalSeconds, LaneTrafficReport.Of(s.Sent), LaneTrafficReport.Of(s.Completed),
                s.Redelivered, s.Abandoned, s.DeadLettered, s.Withdrawn, s.LostWithSender, s.Moved, s.Pulled, s.Pushed, s.PullsRefused, s.PushesRefused, DowngradeReport.All(s),
                [.. s.Participants.Select(p => new ParticipantReport(p.Index, p.Pid, p.Uid, p.IsAlive))]);
            Console.WriteLine(JsonSerializer.Serialize(report, QueueJson.Default.QueueReport));
            return 0;
        }

        Console.WriteLine($"{name} in {path}");
        Console.WriteLine($"{Sizes.Count(s.Queued, "message")} waiting, {s.Leased:N0} held by receivers, {Sizes.Text(s.BytesPending)} in all{(s.OldestAge is TimeSpan age ? $"; the oldest has waited for {age.TotalSeconds:0.0} s" : "")}");
        WriteLanes(s);
        WriteCounters(s);
        WriteParticipants(s);
        DowngradesView.Write(s);
        return 0;
    }

    private static void WriteLanes(QueueStatistics s)
    {
        Table table = Screen.Table("Lane", ">Sent", ">Bytes", ">Completed", ">Bytes");
        Add("inline", s.Sent.Inline, s.Completed.Inline);
        Add("arena", s.Sent.Arena, s.Completed.Arena);
        Add("attached", s.Sent.Attached, s.Completed.Attached);
        Add("total", s.Sent.Total, s.Completed.Total);
        Screen.Write(table);

        void Add(string lane, LaneTraffic sent, LaneTraffic completed) =>
            table.AddRow(lane, $"{sent.Messages:N0}", Sizes.Text(sent.Bytes), $"{completed.Messages:N0}", Sizes.Text(completed.Bytes));
    }

    private static void WriteCounters(QueueStatistics s)
    {
        Table table = Screen.Table("Since it was made", ">Messages");
        table.AddRow("handed out again", $"{s.Redelivered:N0}");
        table.AddRow("given back", $"{s.Abandoned:N0}");
        table.AddRow("dead-lettered", $"{s.DeadLettered:N0}");
        table.AddRow("taken back by the sender", $"{s.Withdrawn:N0}");
        table.AddRow("lost with the sender", $"{s.LostWithSender:N0}");
        table.AddRow("pulled by the receiver", $"{s.Pulled:N0}");
        table.AddRow("pushed by the sender, as the pull was refused", $"{s.Pushed:N0}");
        table.AddRow("moved, as both were refused", $"{s.Moved:N0}");
        Screen.Write(table);
    }

    private static void WriteParticipants(QueueStatistics s)
    {
        if (s.Participants.Count == 0)
        {
            Console.WriteLine("No process has it open.");
            return;
        }

        Table table = Screen.Table(">Participant", ">Process", ">User", "State");
        foreach (ParticipantStatistics p in s.Participants)
            table.AddRow($"{p.Index}", $"{p.Pid}", $"{p.Uid}", p.IsAlive ? "alive" : "gone; its last messages are still here");
        Screen.Write(table);
    }
}
