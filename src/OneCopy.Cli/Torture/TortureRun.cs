using System.Diagnostics;
using OneCopy.Cli.Processes;
using OneCopy.Messaging;

namespace OneCopy.Cli.Torture;

/// <summary>
/// The conductor: starts workers, stops and kills them by a plan, looks that nobody is kept waiting, and keeps the account. It is no
/// participant of the queue as long as workers live, so that it takes no part in their recovery.
/// </summary>
internal sealed partial class TortureRun : IDisposable
{
    public const string QueueName = "torture";
    public const int MaxAttempts = 5;

    private const int LookPeriodMilliseconds = 3;

    private readonly TortureOptions _options;
    private readonly ScratchDirectory _scratch = new("onecopy-torture-");
    private readonly Account _account = new(MaxAttempts);
    private readonly List<Fault> _faults = [];
    private readonly List<Life> _lives = [];
    private readonly List<Task<Life>> _starting = [];
    private readonly List<Task> _readings = [];
    private readonly QueueDirectory _directory;
    private readonly DeadLetterDrain _deadLetters;
    private readonly StallWatch _stalls;
    private readonly RecoveryWatch _recoveries;
    private readonly Random _dice;
    private Ring? _ring;
    private int _lastLife;
    private readonly long _startedAt = Stopwatch.GetTimestamp();
    private Clock _clock;

    public TortureRun(TortureOptions options)
    {
        _options = options;
        _dice = LifePlan.Dice(options.Seed, 0, 0);
        _directory = QueueDirectory.Of(QueueName, QueueOptions(_scratch.Path));
        _stalls = new StallWatch(_faults, LifeOf, Others);
        _recoveries = new RecoveryWatch(_faults, Others);
        _deadLetters = new DeadLetterDrain(QueueName + QueueDirectory.DeadLetterSuffix, QueueOptions(_scratch.Path), _account, (ulong)options.Seed);
    }

    public int Kills { get; private set; }

    public int Stops { get; private set; }

    public StallWatch Stalls => _stalls;

    public RecoveryWatch Recoveries => _recoveries;

    /// <summary>Where journals were kept, if something was wrong and that was asked for.</summary>
    public string? Kept { get; private set; }

    /// <summary>How all make or join the queue. The ring is small, so that it is full now and then.</summary>
    public static QueueOptions QueueOptions(string root) =>
        new() { Root = root, RingCapacity = 256, MaxDeliveryAttempts = MaxAttempts };

    public TortureJsonReport Run(Action<double, string?> progress, CancellationToken ct)
    {
        long start = Stopwatch.GetTimestamp();
        double reported = 0;
        while (Stopwatch.GetElapsedTime(start) < _options.Duration)
        {
            ct.ThrowIfCancellationRequested();
            KeepNumber();
            Look();
            StopSome();
            KillSome();
            ct.WaitHandle.WaitOne(LookPeriodMilliseconds);
            if (Stopwatch.GetElapsedTime(start).TotalSeconds - reported < 0.2)
                continue;
            lock (_account)
                progress(Stopwatch.GetElapsedTime(start).TotalSeconds - reported, $"{_account.HandedOut:N0} messages, {Kills:N0} kills");
            reported = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        progress(0, "Settling the account");
        End(ct);
        return TortureReport.Of(this, _options, Stopwatch.GetElapsedTime(start), _account, _lastLife, _clock.Late / 1e9);
    }

    public void Dispose()
    {
        // After an error or Ctrl+C: whatever still lives is ended.
        foreach (Task<Life> starting in _starting)
        {
            if (((Task)starting.ContinueWith(static _ => { }, TaskScheduler.Default)).Wait(TimeSpan.FromSeconds(10)) && starting.IsCompletedSuccessfully)
                starting.Result.Dispose();
        }

        _lives.ForEach(l => l.Dispose());
        Task.WhenAll(_readings).ContinueWith(static _ => { }, TaskScheduler.Default).Wait(TimeSpan.FromSeconds(30));
        _ring?.Dispose();
        _deadLetters.Dispose();
        _scratch.Dispose();
    }

    private Life? LifeOf(int number) => _lives.Find(l => l.Number == number);

    /// <summary>For the words about a stall.</summary>
    private string Others()
    {
        string[] stopped = [.. _lives.Where(l => l.StoppedUntil != 0).Select(l => $"{l.Number}")];
        return $"second {(_clock.Now - _startedAt) / 1e9:0.000}; stopped just now: {(stopped.Length == 0 ? "nobody" : "life " + string.Join(", ", stopped))}";
    }

    /// <summary>For each life that is over, another begins.</summary>
    private void KeepNumber()
    {
        for (int i = _starting.Count - 1; i >= 0; i--)
        {
            if (!_starting[i].IsCompleted)
                continue;
            _lives.Add(_starting[i].GetAwaiter().GetResult());
            _starting.RemoveAt(i);
        }

        while (_lives.Count(l => !l.HasEnded) + _starting.Count < _options.Processes)
        {
            int number = ++_lastLife;
            _starting.Add(Task.Run(() => new Life(_scratch.Path, number, _options.Seed)));
        }
    }

    private void Look()
    {
        // Two periods are no lateness: the look itself takes time.
        long now = Stopwatch.GetTimestamp();
        long late = _clock.Now == 0 ? 0 : Math.Max(0, now - _clock.Now - (2 * LookPeriodMilliseconds * 1_000_000L));
        _clock = new Clock(now, _clock.Late + late, _clock.Late);
        _ring ??= Ring.Open(_directory, QueueOptions(_scratch.Path), create: false);
        foreach (Life life in _lives)
        {
            bool had = life.Participant is not null;
            life.Look(_ring, _directory);
            if (_ring is not null && life.Runs)
                _stalls.Look(life, _ring, _clock);
            else if (had)
                _stalls.Forget(life, _clock);
        }

        if (_ring is not null)
            _recoveries.Look(_lives, _ring, _clock);
        foreach (Life over in _lives.FindAll(l => l.HasEnded))
        {
            _lives.Remove(over);
            _readings.RemoveAll(static r => r.IsCompletedSuccessfully);
            _readings.Add(Task.Run(() => ReadAsync(over)));
        }
    }

    /// <summary>A life is over: its journal goes into the account, and its file away.</summary>
    private async Task ReadAsync(Life life)
    {
        string path = Worker.JournalPath(_scratch.Path, life.Number);
        try
        {
            string? complaint = await life.ComplaintAsync();
            lock (_account)
            {
                if (complaint is not null)
                    _faults.Add(new Fault(FaultKind.Worker, complaint));
                _account.Add(life.Number, life.Journal.ReadAll(), new LifeEnd(life.KilledAt != 0 || complaint is not null, life.ReceivesUnderWay, life.TakesUnderWay(_options.Seed)));
            }
        }
        finally
        {
            long used = life.Journal.UsedLength;
            life.Dispose();
            if (_options.Keep)
                Shorten(path, used);
            else
                File.Delete(path);
        }
    }

    private static void Shorten(string path, long length)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        file.SetLength(length);
    }
}
