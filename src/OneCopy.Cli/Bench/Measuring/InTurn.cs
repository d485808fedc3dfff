namespace OneCopy.Cli.Bench.Measuring;

/// <summary>
/// Runs a contest: a round of each way to warm up, then the rounds, in each of which every way has one turn, so that what disturbs the machine
/// for a while disturbs all alike. The first of a round changes from round to round.
/// </summary>
internal static class InTurn
{
    public static IReadOnlyList<Measured> Run(Contest contest, Meter meter, int rounds, Action<string> turn, CancellationToken ct)
    {
        int ways = contest.Trials.Count;
        List<Sample>[] samples = [.. contest.Trials.Select(_ => new List<Sample>())];
        string?[] refusals = new string?[ways];
        for (int round = -1; round < rounds; round++)
        {
            for (int n = 0; n < ways; n++)
            {
                ct.ThrowIfCancellationRequested();
                int i = (n + Math.Max(round, 0)) % ways;
                Trial trial = contest.Trials[i];
                if (refusals[i] is null)
                    refusals[i] = Turn(trial, meter, round < 0 ? null : samples[i]);
                turn($"{contest.Title}: {trial.Way}");
            }
        }

        return [.. contest.Trials.Select((trial, i) =>
            new Measured(trial.Way, contest.Operations, contest.Bytes, refusals[i] is null ? samples[i] : [], trial.Competes, refusals[i]))];
    }

    /// <summary>How many times <see cref="Run"/> says that a turn is over.</summary>
    public static int Turns(Contest contest, int rounds) => contest.Trials.Count * (rounds + 1);

    private static string? Turn(Trial trial, Meter meter, List<Sample>? samples)
    {
        try
        {
            trial.Prepare();
            Sample sample = meter.Measure(trial.Run, trial.HasThreads);
            samples?.Add(sample);
            return null;
        }
        catch (NotHereException e)
        {
            return e.Message;
        }
        finally
        {
            trial.TidyUp();
        }
    }
}
