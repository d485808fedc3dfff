using OneCopy.Messaging;

namespace OneCopy.Cli.Torture;

/// <summary>
/// Measures from each SIGKILL to the moment when all that the victim held can be had again: when its entry in the table says that it
/// is dead. The conductor is no participant, so the survivors have to do it. Where none is left (all were killed, or the others are stopped), the
/// time begins when there is one.
/// </summary>
internal sealed class RecoveryWatch(List<Fault> faults, Func<string> others)
{
    private readonly List<Pending> _pending = [];

    public Spread Times { get; } = new();

    public Spread TimesBeforeLateness { get; } = new();

    public void Add(Life victim)
    {
        if (victim.Participant is { } file)
            _pending.Add(new Pending(victim.Number, file.Index, victim.LiveEntry, victim.KilledAt));
    }

    public void Look(IReadOnlyList<Life> lives, Ring ring, Clock clock)
    {
        for (int i = _pending.Count - 1; i >= 0; i--)
        {
            Pending p = _pending[i];
            if (p.Since == 0 || !p.Survivors.Exists(s => IsThere(s.Life)))
                p.Begin(clock, lives.Where(IsThere));
            p.Survivors.RemoveAll(s => !IsThere(s.Life));
            if (Volatile.Read(ref ring.Entry(p.Index)) == p.LiveEntry)
                continue;
            _pending.RemoveAt(i);
            End(p, clock);
        }
    }

    private static bool IsThere(Life life) => life is { Runs: true, Stage: Stage.Joined };

    private void End(Pending p, Clock clock)
    {
        if (p.Survivors.Count == 0)
            return; // Whoever did it is gone: nobody to measure by.
        double gross = (clock.Now - p.Since) / 1e6;

        // As long as one of them ran, it could have been done.
        long late = p.Survivors.Min(s => s.Life.LateAt(clock.Now) - s.Late) + clock.Late - p.ConductorLate;
        double net = Math.Max(0, gross - (late / 1e6));
        TimesBeforeLateness.Add(gross);
        Times.Add(net);
        if (net > StallWatch.LimitMilliseconds)
        {
            faults.Add(new Fault(
                FaultKind.Stalled,
                $"what life {p.Life} held could be had again {net:0} ms after it was killed ({gross:0} ms less {gross - net:0} ms in which no survivor, or not the conductor, ran); {others()}"));
        }
    }

    private sealed class Pending(int life, int index, long liveEntry, long killedAt)
    {
        private bool _began;

        public int Life { get; } = life;

        public int Index { get; } = index;

        public long LiveEntry { get; } = liveEntry;

        public long Since { get; private set; }

        public long ConductorLate { get; private set; }

        public List<(Life Life, long Late)> Survivors { get; } = [];

        public void Begin(Clock clock, IEnumerable<Life> survivors)
        {
            Survivors.Clear();
            Survivors.AddRange(survivors.Select(s => (s, s.LateAt(clock.Now))));
            ConductorLate = clock.Late;
            if (Survivors.Count == 0)
                Since = 0;
            else
                Since = _began ? clock.Now : killedAt;
            _began = true;
        }
    }
}
