namespace OneCopy.Cli.Queue;

internal sealed record DeadReport(int Index, long Incarnation, int Pid);

/// <summary>What was found in a queue and what was done about it; with --dry-run, what would be.</summary>
internal sealed record CleanReport(
    string Queue, IReadOnlyList<DeadReport> Dead, int GivenBack, long Lost, IReadOnlyList<string> Files, long Bytes, int NotRecovered, bool Empty, bool Deleted, string? Error);

/// <summary>Cleans queues, and says what was done by what a look before has seen; with --dry-run it is only the look.</summary>
internal sealed class CleanRun(string? root, bool dryRun, bool removeEmpty)
{
    public bool DryRun => dryRun;

    /// <summary>All queues below the root, and directories of queues whose makers did not come to an end.</summary>
    public static IEnumerable<string> Names(string? root) => Directory.Exists(Look.RootOf(root))
        ? Directory.EnumerateDirectories(Look.RootOf(root)).Select(d => Path.GetFileName(d)).Where(QueueArguments.IsName).Order(StringComparer.Ordinal)
        : [];

    /// <summary>Null: there is no such queue.</summary>
    public CleanReport? TryClean(string name)
    {
        try
        {
            if (!MessageQueue.TryInspect(name, out QueueInspection? look, root))
                return CleanUnfinished(name);
            using (look)
                return dryRun ? Foresee(look) : Clean(look);
        }
        catch (OneCopyException e)
        {
            return new CleanReport(name, [], 0, 0, [], 0, 0, false, false, e.Message);
        }
    }

    private CleanReport? CleanUnfinished(string name)
    {
        if (!Directory.Exists(Path.Combine(Look.RootOf(root), name)))
            return null;
        return dryRun || MessageQueue.Clean(name, root) is not { } done
            ? new CleanReport(name, [], 0, 0, [], 0, 0, Empty: true, Deleted: false, null)
            : new CleanReport(name, [], 0, 0, done.Files, done.Bytes, 0, Empty: true, done.DirectoryRemoved, null);
    }

    private CleanReport Clean(QueueInspection look)
    {
        IReadOnlyList<DeadReport> dead = Report(Dead(look));
        if (MessageQueue.Clean(look.Name, root) is not { } done)
            throw new OneCopyException($"Queue {look.Name} was deleted just now.");
        bool empty = look.Participants.Count == 0 && look.Messages(most: 1).Count == 0;
        bool deleted = done.DirectoryRemoved || (empty && removeEmpty && TryDelete(look.Name));
        return new CleanReport(look.Name, dead, done.GivenBack, done.Lost, done.Files, done.Bytes, done.Unrecovered, empty, deleted, null);
    }

    private static CleanReport Foresee(QueueInspection look)
    {
        List<InspectedParticipant> dead = Dead(look);
        HashSet<int> pids = [.. dead.Select(d => d.Pid)];
        HashSet<long> incarnations = [.. dead.Select(d => d.Incarnation)];
        IReadOnlyList<InspectedMessage> messages = look.Messages();
        Dictionary<string, long> files = Files(look.Path);
        List<string> leftovers = [.. files.Keys.Where(f => IsLeftover(look, f, messages, incarnations)).Order(StringComparer.Ordinal)];
        bool empty = look.Participants.All(p => incarnations.Contains(p.Incarnation)) && messages.All(IsLost);
        return new CleanReport(
            look.Name, Report(dead), messages.Count(m => m.HolderPid is int pid && pids.Contains(pid) && !IsLost(m)), messages.LongCount(IsLost),
            leftovers, leftovers.Sum(f => files[f]), dead.Count, empty, Deleted: false, null);

        bool IsLost(InspectedMessage m) => m.Lane == Lane.Attached && incarnations.Contains(m.Incarnation) && (m.HolderPid is not int pid || pids.Contains(pid));
    }

    private static IReadOnlyList<DeadReport> Report(List<InspectedParticipant> dead) => [.. dead.Select(d => new DeadReport(d.Index, d.Incarnation, d.Pid))];

    private static List<InspectedParticipant> Dead(QueueInspection look) => [.. look.Participants.Where(p => p.State == ParticipantState.NotRecovered)];

    private bool TryDelete(string name)
    {
        try
        {
            return MessageQueue.Delete(name, root);
        }
        catch (OneCopyException)
        {
            return false; // Somebody has opened it just now: then it is not left.
        }
    }

    /// <summary>Without trying the lock: a file of one who is dead and has no messages left, or of one who is in no place of the table.</summary>
    private static bool IsLeftover(QueueInspection look, string file, IReadOnlyList<InspectedMessage> messages, HashSet<long> dead)
    {
        if (look.Participants.FirstOrDefault(p => string.Equals(file, $"p{p.Index}-{p.Incarnation}", StringComparison.Ordinal)) is { } participant)
            return dead.Contains(participant.Incarnation) && !messages.Any(m => m.Incarnation == participant.Incarnation && m.Lane != Lane.Attached);
        return file.StartsWith("t-", StringComparison.Ordinal) || file.StartsWith('p');
    }

    // Sizes by name. Not opened: .NET's ways of opening take the lock.
    private static Dictionary<string, long> Files(string directory) => Directory.Exists(directory)
        ? new DirectoryInfo(directory).EnumerateFiles().ToDictionary(f => f.Name, f => f.Length, StringComparer.Ordinal)
        : [];
}
