using System.Diagnostics.CodeAnalysis;

namespace OneCopy.Cli.Queue;

/// <summary>Looking into queues, which takes no part in them and makes none.</summary>
internal static class Look
{
    /// <summary>False: there is no such queue, and the user was told so.</summary>
    public static bool TryInto(string name, string? root, [NotNullWhen(true)] out QueueInspection? look)
    {
        if (MessageQueue.TryInspect(name, out look, root))
            return true;
        SayMissing(name, root);
        return false;
    }

    public static int SayMissing(string name, string? root)
    {
        Console.Error.WriteLine($"There is no queue {name} in {RootOf(root)}. 'onecopy queue list' shows what there is.");
        return Outcome.Failed;
    }

    /// <summary>Messages that wait among the queue's dead letters; null if it is itself a queue of dead letters.</summary>
    public static long? DeadLettersOf(string name, string? root)
    {
        if (IsDeadLetterQueue(name))
            return null;
        if (!MessageQueue.TryInspect(DeadLetterQueueOf(name), out QueueInspection? dead, root))
            return 0;
        using (dead)
            return dead.Statistics.Queued + dead.Statistics.Leased;
    }

    public static bool IsDeadLetterQueue(string name) => name.EndsWith(Messaging.QueueDirectory.DeadLetterSuffix, StringComparison.Ordinal);

    public static string DeadLetterQueueOf(string name) => name + Messaging.QueueDirectory.DeadLetterSuffix;

    public static string RootOf(string? root) => Messaging.QueueDirectory.RootOf(root);
}
