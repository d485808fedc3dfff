using System.Diagnostics;
using OneCopy.Cli.Processes;

namespace OneCopy.Cli.Torture;

/// <summary>The end: everybody leaves, what is left is taken, and nothing may be left then.</summary>
internal sealed partial class TortureRun
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    /// <summary>Everything that is wrong.</summary>
    public IReadOnlyList<Fault> Faults { get; private set; } = [];

    private void End(CancellationToken ct)
    {
        _lives.FindAll(l => l.StoppedUntil != 0).ForEach(l => l.Continue());
        WaitUntil(() => _starting.TrueForAll(s => s.IsCompleted), ct);
        _starting.ForEach(s => _lives.Add(s.GetAwaiter().GetResult()));
        _starting.Clear();
        _lives.ForEach(l => l.AskToFinish());
        long finishing = Stopwatch.GetTimestamp();
        WaitUntil(() => Stopwatch.GetElapsedTime(finishing) > TimeSpan.FromMilliseconds(300), ct);
        _lives.ForEach(l => l.AskToLeave());

        // What the last ones to be killed leave is recovered by whoever opens the queue next: by us, below.
        WaitUntil(() => _lives.Count == 0, ct);
        foreach (Life stuck in _lives)
        {
            _faults.Add(new Fault(FaultKind.Worker, $"life {stuck.Number} did not leave within {s_limit.TotalSeconds:0} s ({stuck.Stage})"));
            stuck.Kill();
        }

        WaitUntil(() => _lives.Count == 0, ct);
        Task.WaitAll([.. _readings], ct);
        _ring?.Dispose();
        _ring = null;
        TakeWhatIsLeft();
        QueueStatistics dead = _deadLetters.Finish();
        if (dead.Queued + dead.Leased > 0)
            _faults.Add(new Fault(FaultKind.Leaked, $"{dead.Queued} dead letters wait and {dead.Leased} are held, and nobody can have them"));
        _deadLetters.Dispose();
        CheckDirectory(QueueName);
        CheckDirectory(DeadLettersName);
        DeleteQueues();
        lock (_account)
            Faults = [.. _faults, .. _account.Settle()];
        if (Faults.Count > 0 && _options.Keep)
            Kept = _scratch.Keep();
    }

    private static string DeadLettersName => QueueName + Messaging.QueueDirectory.DeadLetterSuffix;

    /// <summary>Goes on looking meanwhile.</summary>
    private void WaitUntil(Func<bool> condition, CancellationToken ct)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition() && Stopwatch.GetElapsedTime(start) < s_limit)
        {
            ct.ThrowIfCancellationRequested();
            Look();
            ct.WaitHandle.WaitOne(LookPeriodMilliseconds);
        }
    }

    /// <summary>As the only participant: what was promised and not completed is here, or lost.</summary>
    private void TakeWhatIsLeft()
    {
        List<JournalRecord> journal = [];
        using (MessageQueue queue = MessageQueue.Open(QueueName, QueueOptions(_scratch.Path)))
        {
            while (queue.TryReceive(out ReceivedMessage message))
            {
                byte[] payload = message.ToArray();
                ulong number = MessageContent.NumberOf(payload);
                ushort attempt = (ushort)message.DeliveryAttempt;
                journal.Add(new JournalRecord(number, Step.Received, 0, attempt, 0));
                if (!MessageContent.IsRight(payload, number, (ulong)_options.Seed))
                    journal.Add(new JournalRecord(number, Step.Garbage, 0, attempt, 0));
                message.Complete();
                journal.Add(new JournalRecord(number, Step.CompleteEnds, 0, attempt, 0));
                message.Dispose();
            }

            TakenAtEnd = journal.Count / 2;
            QueueStatistics left = queue.Statistics;
            if (left.Queued + left.Leased + left.BytesPending > 0)
                _faults.Add(new Fault(FaultKind.Leaked, $"{left.Queued} messages wait and {left.Leased} are held ({left.BytesPending} bytes), and nobody can have them"));
            if (left.Participants.Count != 1)
                _faults.Add(new Fault(FaultKind.Leaked, $"{left.Participants.Count - 1} participants that are gone are still in the table: {string.Join(", ", left.Participants)}"));
            Lanes = left.Completed;
            Moved = left.Moved;
        }

        lock (_account)
            _account.Add(Account.Conductor, journal, default);
    }

    /// <summary>Messages that were in the queue when the last worker had left.</summary>
    public int TakenAtEnd { get; private set; }

    public LaneStatistics Lanes { get; private set; }

    public long Moved { get; private set; }

    /// <summary>A queue that nobody has open is its ring and nothing else.</summary>
    private void CheckDirectory(string queue)
    {
        string[] left = [.. Directory.EnumerateFileSystemEntries(Path.Combine(_scratch.Path, queue)).Select(p => Path.GetFileName(p)).Where(n => n is not "ring")];
        if (left.Length > 0)
            _faults.Add(new Fault(FaultKind.Leaked, $"the directory of queue {queue} holds {string.Join(", ", left)} beside the ring"));
    }

    private void DeleteQueues()
    {
        MessageQueue.Delete(QueueName, _scratch.Path);
        MessageQueue.Delete(DeadLettersName, _scratch.Path);
        foreach (string left in Directory.EnumerateFileSystemEntries(_scratch.Path).Select(p => Path.GetFileName(p)))
        {
            if (left is not ScratchDirectory.LockName && !(_options.Keep && left.StartsWith("journal", StringComparison.Ordinal)))
                _faults.Add(new Fault(FaultKind.Leaked, $"{left} is left in the run's directory after the queues were deleted"));
        }

        string[] mapped = [.. File.ReadLines("/proc/self/maps").Where(line => line.Contains(_scratch.Path, StringComparison.Ordinal))];
        if (mapped.Length > 0)
            _faults.Add(new Fault(FaultKind.Leaked, $"files of the queues are still mapped in the conductor: {mapped[0]}"));
    }
}
