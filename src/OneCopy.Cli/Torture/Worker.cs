using System.Diagnostics;
using OneCopy.Cli.Processes;

namespace OneCopy.Cli.Torture;

/// <summary>The hidden mode that sends, receives and dies. What it does is in its <see cref="LifePlan"/>; what it did, in its journal.</summary>
internal sealed class Worker(string root, int life, long seed, Journal journal) : IDisposable
{
    private readonly LifePlan _plan = LifePlan.Of(seed, life, root);
    private readonly ManualResetEventSlim _asked = new();
    private long _sequence;
    private volatile bool _finishing;
    private volatile bool _leaving;

    public static int Run(string root, int life, long seed) => WorkerSide.Run(side =>
    {
        using Journal journal = Journal.Open(JournalPath(root, life));
        using Pulse pulse = new(journal);
        using Worker worker = new(root, life, seed, journal);
        new Thread(() => worker.Listen(side)) { IsBackground = true, Name = "commands" }.Start();
        worker.Live();
    });

    public static string JournalPath(string root, int life) => Path.Combine(root, $"journal-{life}");

    public static string CloseCommand => "close";

    public static string FinishCommand => "finish";

    public int Life => life;

    public ulong Seed => (ulong)seed;

    public LifePlan Plan => _plan;

    public Journal Journal => journal;

    /// <summary>No more is to be sent.</summary>
    public bool IsFinishing => _finishing;

    public ulong NextMessage() => MessageNumber.Of(life, Interlocked.Increment(ref _sequence));

    public Random Dice(int handle, int purpose) => LifePlan.Dice(seed, life, 1 + (handle * 64) + purpose);

    public void Dispose() => _asked.Dispose();

    private void Listen(WorkerSide side)
    {
        while (true)
        {
            string command = side.Hear()[0];
            _finishing = true;
            if (string.Equals(command, CloseCommand, StringComparison.Ordinal))
            {
                _leaving = true;
                _asked.Set();
            }
        }
    }

    private void Live()
    {
        for (int handle = 0; !_leaving && handle < _plan.Handles.Length; handle++)
        {
            bool last = handle == _plan.Handles.Length - 1;
            Slot own = journal.SlotAt(Journal.SlotCount - 1);
            own.BelongsToThisThread();
            SetStage(Stage.Opening, handle, 0);
            own.EnterCounted(Operation.Open);
            MessageQueue queue = MessageQueue.Open(TortureRun.QueueName, _plan.Handles[handle]);
            own.Leave();
            SetStage(Stage.Joined, handle, queue.ParticipantIndex);
            using (HandleWork work = new(this, queue, handle))
            {
                WaitUntilToLeave(last ? null : _plan.HandleTime);
                SetStage(Stage.Closing, handle, queue.ParticipantIndex);
                if (!_plan.ClosesHard)
                    work.Stop();
                work.Close(own);
            }

            CheckForLeaks(handle);
            SetStage(Stage.Closed, handle, 0);
        }
    }

    private void WaitUntilToLeave(TimeSpan? limit)
    {
        long start = Stopwatch.GetTimestamp();
        while (!journal.IsNearlyFull && (limit is null || Stopwatch.GetElapsedTime(start) < limit))
        {
            if (_asked.Wait(TimeSpan.FromMilliseconds(20)))
                return;
        }
    }

    private void SetStage(Stage stage, int handle, int participant) =>
        Volatile.Write(ref journal.StageWord, ((long)handle << 32) | ((long)participant << 8) | (long)stage);

    /// <summary>A closed handle leaves no mapping and no descriptor of the queue behind, however many peers came and went meanwhile.</summary>
    private void CheckForLeaks(int handle)
    {
        string queue = Path.Combine(root, TortureRun.QueueName);
        int left = File.ReadLines("/proc/self/maps").Count(line => line.Contains(queue, StringComparison.Ordinal));
        foreach (string descriptor in Directory.EnumerateFiles("/proc/self/fd"))
        {
            if (new FileInfo(descriptor).LinkTarget?.StartsWith(queue, StringComparison.Ordinal) == true)
                left++;
        }

        if (left > 0)
            journal.Write((ulong)left, Step.Leak, handle, 0);
    }
}

/// <summary>
/// A thread that wants to run every 5 ms and notes by how much it was late: for so long this process did not get a processor, was stopped, or
/// was collecting garbage. Nobody keeps it waiting but those.
/// </summary>
internal sealed class Pulse : IDisposable
{
    public const int PeriodMilliseconds = 5;

    private readonly ManualResetEventSlim _end = new();
    private readonly Thread _thread;

    public Pulse(Journal journal)
    {
        _thread = new Thread(() => Beat(journal)) { IsBackground = true, Name = "pulse" };
        _thread.Start();
    }

    public void Dispose()
    {
        _end.Set();
        _thread.Join();
        _end.Dispose();
    }

    private void Beat(Journal journal)
    {
        long due = Stopwatch.GetTimestamp();
        do
        {
            long now = Stopwatch.GetTimestamp();
            Volatile.Write(ref journal.Late, journal.Late + Math.Max(0, now - due));
            Volatile.Write(ref journal.Beat, now);
            due = now + (PeriodMilliseconds * 1_000_000L);
        }
        while (!_end.Wait(PeriodMilliseconds));
    }
}
