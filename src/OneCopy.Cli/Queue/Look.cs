using System.Diagnostics.CodeAnalysis;

namespace OneCopy.Cli.Queue;

/// <summary>A handle for looking: whoever looks is a participant too, so the smallest one, and left out of what is shown.</summary>
internal static class Look
{
    public static bool TryInto(string name, string? root, [NotNullWhen(true)] out string? path, [NotNullWhen(true)] out QueueStatistics? statistics)
    {
        path = null;
        statistics = null;
        if (!MessageQueue.TryOpen(name, out MessageQueue? queue, new QueueOptions { Root = root, Blocks = 1, ArenaLimit = 0 }))
            return false;
        using (queue)
        {
            path = queue.Path;
            QueueStatistics all = queue.Statistics;
            statistics = all with { Participants = [.. all.Participants.Where(p => p.Index != queue.ParticipantIndex)] };
        }

        return true;
    }

    public static string RootOf(string? root) => Messaging.QueueDirectory.RootOf(root);
}
