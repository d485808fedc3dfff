namespace OneCopy.Cli.Bench.Measuring;

/// <summary>What the turns of one way gave. Empty if it was refused.</summary>
/// <param name="Samples">One for each round.</param>
/// <param name="Refusal">Why there are none, or null.</param>
internal sealed record Taken<T>(IReadOnlyList<T> Samples, string? Refusal);

/// <summary>
/// Runs a contest: a round of each way to warm up, then the rounds, in each of which every way has one turn, so that what disturbs the machine
/// for a while disturbs all alike. The first of a round changes from round to round.
/// </summary>
internal static class InTurn
{
    public static IReadOnlyList<Measured> Run(Contest contest, Meter meter, int rounds, Action<string> turn, CancellationToken ct)
    {
        IReadOnlyList<Taken<Sample>> taken = Take(
            [.. contest.Trials.Select(t => t.Way)], rounds, i => Turn(contest.Trials[i], meter), way => turn($"{contest.Title}: {way}"), ct);
        return [.. contest.Trials.Zip(taken, (trial, t) => new Measured(trial.Way, contest.Operations, contest.Bytes, t.Samples, trial.Competes, t.Refusal))];
    }

    /// <summary>The turns of any ways that can be numbered.</summary>
    /// <param name="ways">Their names.</param>
    /// <param name="rounds">Beside the one to warm up, whose samples are thrown away.</param>
    /// <param name="take">Has the way with this number take its turn. With <see cref="NotHereException"/> it has no more.</param>
    /// <param name="turn">Called with the name of a way after its turn.</param>
    /// <param name="ct">Ends it between two turns.</param>
    public static IReadOnlyList<Taken<T>> Take<T>(IReadOnlyList<string> ways, int rounds, Func<int, T> take, Action<string> turn, CancellationToken ct)
    {
        List<T>[] samples = [.. ways.Select(_ => new List<T>())];
        string?[] refusals = new string?[ways.Count];
        for (int round = -1; round < rounds; round++)
        {
            for (int n = 0; n < ways.Count; n++)
            {
                ct.ThrowIfCancellationRequested();
                int i = (n + Math.Max(round, 0)) % ways.Count;
                try
                {
                    if (refusals[i] is null)
                    {
                        T sample = take(i);
                        if (round >= 0)
                            samples[i].Add(sample);
                    }
                }
                catch (NotHereException e)
                {
                    refusals[i] = e.Message;
                }

                turn(ways[i]);
            }
        }

        return [.. samples.Zip(refusals, (s, refusal) => new Taken<T>(refusal is null ? s : [], refusal))];
    }

    /// <summary>How many times <see cref="Run"/> says that a turn is over.</summary>
    public static int Turns(Contest contest, int rounds) => Turns(contest.Trials.Count, rounds);

    /// <summary>How many times <see cref="Take"/> says that a turn is over.</summary>
    public static int Turns(int ways, int rounds) => ways * (rounds + 1);

    private static Sample Turn(Trial trial, Meter meter)
    {
        try
        {
            trial.Prepare();
            return meter.Measure(trial.Run, trial.HasThreads);
        }
        finally
        {
            trial.TidyUp();
        }
    }
}
