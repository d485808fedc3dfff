namespace OneCopy.Cli.Queue;

internal sealed record DeadReport(int Index, long Incarnation, int Pid);

/// <summary>What was found in a queue and what was done about it; with --dry-run, what would be.</summary>
internal sealed record CleanReport(
    string Queue, IReadOnlyList<DeadReport> Dead, int GivenBack, long Lost, IReadOnlyList<string> Files, long Bytes, int NotRecovered, bool Empty, bool Deleted, string? Error);

/// <summary>
/// Cleans queues: a look before, opening the queue, which recovers the dead as the protocol has it, and a look after. The difference is
/// what was done.
/// </summary>
internal sealed class CleanRun(string? root, bool dryRun, bool removeEmpty)
{
    public bool DryRun => dryRun;

    /// <summary>Null: there is no such queue.</summary>
    public CleanReport? TryClean(string name)
    {
        try
        {
            if (!MessageQueue.TryInspect(name, out QueueInspection? look, root))
                return null;
            using (look)
                return Clean(look);
        }
        catch (OneCopyException e)
        {
            return new CleanReport(name, [], 0, 0, [], 0, 0, false, false, e.Message);
        }
    }

    private CleanReport Clean(QueueInspection look)
    {
        List<InspectedParticipant> dead = Dead(look);
        HashSet<int> pids = [.. dead.Select(d => d.Pid)];
        HashSet<long> incarnations = [.. dead.Select(d => d.Incarnation)];
        IReadOnlyList<InspectedMessage> messages = look.Messages();
        int held = messages.Count(m => m.HolderPid is int pid && pids.Contains(pid) && !IsLost(m));
        long lost = messages.LongCount(IsLost);
        Dictionary<string, long> before = Files(look.Path);
        if (!dryRun)
        {
            long lostBefore = look.Statistics.LostWithSender;
            if (!MessageQueue.TryOpen(look.Name, out MessageQueue? queue, new QueueOptions { Root = root, Blocks = 1, ArenaLimit = 0 }))
                throw new OneCopyException($"Queue {look.Name} was deleted just now.");
            queue.Dispose();
            lost = look.Statistics.LostWithSender - lostBefore;
        }

        Dictionary<string, long> after = Files(look.Path);
        List<string> gone = [.. before.Keys.Where(f => dryRun ? IsLeftover(look, f, messages, incarnations) : !after.ContainsKey(f)).Order(StringComparer.Ordinal)];
        bool empty = look.Participants.All(p => dryRun && incarnations.Contains(p.Incarnation)) && look.Messages().All(m => dryRun && IsLost(m));
        return new CleanReport(
            look.Name, [.. dead.Select(d => new DeadReport(d.Index, d.Incarnation, d.Pid))], held, lost, gone, gone.Sum(f => before[f]),
            Dead(look).Count, empty, empty && removeEmpty && !dryRun && TryDelete(look.Name), null);

        bool IsLost(InspectedMessage m) => m.Lane == Lane.Attached && incarnations.Contains(m.Incarnation) && (m.HolderPid is not int pid || pids.Contains(pid));
    }

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
