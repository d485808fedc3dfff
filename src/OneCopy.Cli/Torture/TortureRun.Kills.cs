using System.Diagnostics;

namespace OneCopy.Cli.Torture;

/// <summary>Who is killed and stopped when. The instants are drawn from the seed, and have nothing to do with what the victims are doing.</summary>
internal sealed partial class TortureRun
{
    private const int MeanMillisecondsBetweenWaves = 500;
    private const int MeanMillisecondsBetweenStops = 1_200;

    private long _nextWave;
    private long _nextStop;

    private void KillSome()
    {
        long now = Stopwatch.GetTimestamp();
        foreach (Life life in _lives)
        {
            if (life.HasEnded || life.KilledAt != 0)
                continue;
            if (life.Plan.KilledEarly is { } early && now - life.StartedAt >= early.Ticks * 100)
                Kill(life);
            else if (life.AskedToLeaveAt != 0 && life.Plan.KilledLeaving is { } leaving && now - life.AskedToLeaveAt >= leaving.Ticks * 100)
                Kill(life);
            else if (life.AskedToLeaveAt == 0 && life.Plan.Leaves is { } leaves && now - life.StartedAt >= leaves.Ticks * 100)
                life.AskToLeave();
        }

        // Where the machine starts processes more slowly than we kill them, there would be nobody to do anything: waves wait for some
        // who have joined. Those who have not are killed by their own plans.
        List<Life> living = _lives.FindAll(l => l is { HasEnded: false, KilledAt: 0, Stage: not (Stage.Starting or Stage.Opening) });
        if (now < _nextWave || living.Count < _options.Processes / 2)
            return;
        bool first = _nextWave == 0;
        _nextWave = now + Draw(MeanMillisecondsBetweenWaves);
        if (first)
            return;
        int victims = _dice.Next(100) switch
        {
            < 72 => 1,
            < 88 => 2,
            < 96 => 3,
            _ => living.Count,
        };
        for (; victims > 0 && living.Count > 0; victims--)
        {
            Life victim = living[_dice.Next(living.Count)];
            living.Remove(victim);
            Kill(victim);
        }
    }

    private void Kill(Life victim)
    {
        _stalls.Forget(victim, _clock);
        victim.Kill();
        _recoveries.Add(victim);
        Kills++;
    }

    private void StopSome()
    {
        long now = Stopwatch.GetTimestamp();
        foreach (Life life in _lives)
        {
            if (life.StoppedUntil != 0 && now >= life.StoppedUntil)
                life.Continue();
        }

        if (now < _nextStop)
            return;
        bool first = _nextStop == 0;
        _nextStop = now + Draw(MeanMillisecondsBetweenStops);
        List<Life> running = _lives.FindAll(l => l.Runs);
        if (first || running.Count < 2)
            return;
        Life chosen = running[_dice.Next(running.Count)];
        _stalls.Forget(chosen, _clock);
        chosen.Stop(TimeSpan.FromMilliseconds(_dice.Next(20, 900)));
        Stops++;
    }

    private long Draw(int mean) => (long)(_dice.NextDouble() * 2 * mean * 1e6);
}
