using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Queue;

/// <summary>Who was refused whose memory, one line of JSON each.</summary>
internal sealed record DowngradeReport(
    int Participant, int Pid, int Peer, int PeerPid, string Direction, string Errno, string Reason, string Explanation, long Count)
{
    public static IReadOnlyList<DowngradeReport> All(QueueStatistics s) =>
    [
        .. s.Downgrades.Select(d => new DowngradeReport(
            d.ParticipantIndex, d.ParticipantPid, d.PeerIndex, d.PeerPid, d.Direction.ToString().ToLowerInvariant(), d.Errno, d.Reason.ToString(), d.Explanation, d.Count)),
    ];
}

/// <summary>The same for people.</summary>
internal static class DowngradesView
{
    public static IEnumerable<string> Lines(QueueStatistics s)
    {
        foreach (Downgrade d in s.Downgrades)
        {
            string what = d.Direction == CopyDirection.Pull ? "may not read the memory of" : "may not write to the memory of";
            yield return $"Participant {d.ParticipantIndex} (process {d.ParticipantPid}) {what} participant {d.PeerIndex} (process {d.PeerPid}): {d.Errno}, {Sizes.Count(d.Count, "time")}.";
            yield return $"  {d.Explanation}";
        }

        if (s.PullsRefused + s.PushesRefused > 0)
        {
            yield return $"In all, {Sizes.Count(s.PullsRefused, "pull")} and {Sizes.Count(s.PushesRefused, "push", "pushes")} were refused; "
                + "the messages came by another way. After a refusal it is tried again every ten seconds.";
        }
    }
}
