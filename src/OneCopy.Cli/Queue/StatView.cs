using OneCopy.Cli.Terminal;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace OneCopy.Cli.Queue;

/// <summary>One look at a queue, and what has changed since the one before.</summary>
internal sealed record StatView(
    QueueInspection Look, QueueStatistics Statistics, IReadOnlyList<InspectedParticipant> Participants, long? DeadLetters, DateTimeOffset Time, RatesReport? Rates)
{
    public static StatView Of(QueueInspection look, string? root, StatView? before)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        QueueStatistics s = look.Statistics;
        return new StatView(look, s, look.Participants, Queue.Look.DeadLettersOf(look.Name, root), now, Since(before, s, now));
    }

    public QueueReport ToReport()
    {
        QueueStatistics s = Statistics;
        QueueGeometry g = Look.Geometry;
        return new QueueReport(
            Look.Name, Look.Path, Time, s.Queued, s.Leased, s.BytesPending, s.OldestAge?.TotalSeconds, LaneTrafficReport.Of(s.Sent), LaneTrafficReport.Of(s.Completed),
            s.Redelivered, s.Abandoned, s.DeadLettered, s.Expired, s.Withdrawn, s.LostWithSender, s.Moved, s.Pulled, s.Pushed, s.PullsRefused, s.PushesRefused,
            DowngradeReport.All(s), DeadLetters,
            new GeometryReport(g.RingCapacity, g.BlockSize, g.MaxParticipants, g.MaxDeliveryAttempts, g.TimeToLive?.TotalSeconds, g.Access?.GroupId), Rates, [.. Participants.Select(ParticipantReport.Of)]);
    }

    public IReadOnlyList<IRenderable> ToParts() => [.. Lines().Select(l => new Text(l)), Lanes(), Counters(), .. Members(), .. DowngradesView.Lines(Statistics).Select(l => new Text(l))];

    private static RatesReport? Since(StatView? before, QueueStatistics s, DateTimeOffset now)
    {
        if (before is null)
            return null;
        double seconds = Math.Max((now - before.Time).TotalSeconds, 0.001);
        LaneTraffic sent = before.Statistics.Sent.Total;
        LaneTraffic done = before.Statistics.Completed.Total;

        // A participant that leaves takes its counters along for an instant, until they are the queue's: not a rate below nothing.
        double Rate(long after, long earlier) => Math.Max(after - earlier, 0) / seconds;
        return new RatesReport(
            Rate(s.Sent.Total.Messages, sent.Messages), Rate(s.Sent.Total.Bytes, sent.Bytes),
            Rate(s.Completed.Total.Messages, done.Messages), Rate(s.Completed.Total.Bytes, done.Bytes));
    }

    private IEnumerable<string> Lines()
    {
        QueueStatistics s = Statistics;
        QueueGeometry g = Look.Geometry;
        yield return $"{Look.Name} in {Look.Path}";
        yield return $"{Sizes.Count(g.RingCapacity, "place")} in the ring, blocks of {Sizes.Text(g.BlockSize)}, up to {Sizes.Count(g.MaxParticipants, "participant")}, dead letter after {Sizes.Count(g.MaxDeliveryAttempts, "attempt")}{(g.TimeToLive is TimeSpan life ? $" or {life.TotalSeconds:0.###} s" : "")}";
        if (g.Access is { } access)
            yield return $"Shared with the members of group {access.GroupId}";
        yield return $"{Sizes.Count(s.Queued, "message")} waiting, {s.Leased:N0} held by receivers, {Sizes.Text(s.BytesPending)} in all{(s.OldestAge is TimeSpan age ? $"; the oldest has waited for {age.TotalSeconds:0.0} s" : "")}";
        if (DeadLetters > 0)
            yield return $"{Sizes.Count(DeadLetters.Value, "dead letter")}: 'onecopy queue peek {Look.Name} --dead' shows why";
        if (Rates is { } r)
            yield return $"Per second: {r.Sent:N0} sent ({Sizes.Text((long)r.SentBytes)}), {r.Completed:N0} completed ({Sizes.Text((long)r.CompletedBytes)})";
    }

    private Table Lanes()
    {
        QueueStatistics s = Statistics;
        Table table = Screen.Table("Lane", ">Sent", ">Bytes", ">Completed", ">Bytes");
        Add("inline", s.Sent.Inline, s.Completed.Inline);
        Add("arena", s.Sent.Arena, s.Completed.Arena);
        Add("attached", s.Sent.Attached, s.Completed.Attached);
        Add("total", s.Sent.Total, s.Completed.Total);
        return table;

        void Add(string lane, LaneTraffic sent, LaneTraffic completed) =>
            table.AddRow(lane, $"{sent.Messages:N0}", Sizes.Text(sent.Bytes), $"{completed.Messages:N0}", Sizes.Text(completed.Bytes));
    }

    private Table Counters()
    {
        QueueStatistics s = Statistics;
        Table table = Screen.Table("Since it was made", ">Messages");
        table.AddRow("handed out again", $"{s.Redelivered:N0}");
        table.AddRow("given back", $"{s.Abandoned:N0}");
        table.AddRow("dead-lettered", $"{s.DeadLettered:N0}");
        table.AddRow("  of these, expired", $"{s.Expired:N0}");
        table.AddRow("taken back by the sender", $"{s.Withdrawn:N0}");
        table.AddRow("lost with the sender", $"{s.LostWithSender:N0}");
        table.AddRow("pulled by the receiver", $"{s.Pulled:N0}");
        table.AddRow("pushed by the sender, as the pull was refused", $"{s.Pushed:N0}");
        table.AddRow("moved, as both were refused", $"{s.Moved:N0}");
        return table;
    }

    private IEnumerable<IRenderable> Members()
    {
        if (Participants.Count == 0)
        {
            yield return new Text("No process has it open.");
            yield break;
        }

        Table table = Screen.Table(">Participant", ">Process", "Name", ">User", "State");
        foreach (InspectedParticipant p in Participants)
            table.AddRow($"{p.Index}", $"{p.Pid}", Markup.Escape(Printable.Text(p.ProcessName ?? "")), $"{p.Uid}", Word(p.State));
        yield return table;
    }

    private static string Word(ParticipantState state) => state switch
    {
        ParticipantState.Alive => "alive",
        ParticipantState.Unknown => "in another pid namespace, not seen from here",
        ParticipantState.NotRecovered => "[yellow]ended; the next who opens the queue gives back what it held[/]",
        _ => "gone; its last messages are still here",
    };
}
