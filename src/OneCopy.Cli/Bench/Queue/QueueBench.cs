using System.Diagnostics;
using OneCopy.Cli.Bench.Measuring;
using OneCopy.Cli.Terminal;
using OneCopy.Messaging;

namespace OneCopy.Cli.Bench.Queue;

/// <summary>Everything that a run of <c>bench queue</c> found out.</summary>
/// <param name="Options">What was asked for.</param>
/// <param name="Figures">Of each system with each size, as far as they take part.</param>
/// <param name="Versions">Of the peers' libraries.</param>
/// <param name="Seconds">How long it took.</param>
internal sealed record QueueFindings(QueueBenchOptions Options, IReadOnlyList<QueueFigure> Figures, IReadOnlyDictionary<string, string> Versions, double Seconds)
{
    /// <summary>"5 rounds"; "1 to 2 rounds" of a quick run that was late.</summary>
    public string RoundsText
    {
        get
        {
            int fewest = Figures.Where(f => f.IsMeasured).Select(f => f.Samples.Count).DefaultIfEmpty(Options.Rounds).Min();
            return fewest == Options.Rounds ? Sizes.Count(Options.Rounds, "round") : $"{fewest} to {Sizes.Count(Options.Rounds, "round")}";
        }
    }
}

/// <summary>Has each system take its turns.</summary>
internal sealed class QueueBench(QueueBenchOptions options, string directory, Action<double, string?> progress, CancellationToken ct)
{
    private readonly List<QueueFigure> _figures = [];

    /// <summary>The units that progress is told in: one for each size of each test.</summary>
    public static double Steps(QueueBenchOptions options) => options.Plan().Count();

    public QueueFindings Run()
    {
        long start = Stopwatch.GetTimestamp();
        KnowThreshold();
        using WorkerPair workers = new(directory);
        using WorkerCrowd crowd = new(directory, options.CrowdWarmUps);
        using LoadPair others = new(directory);
        QueueSystem[] systems =
        [
            .. Systems.Own(workers), .. Systems.Others(workers, options.PeerDirectory, options.Peers), .. Shape.All.Select(s => new ScalingSystem(s, crowd)), .. MixedSystem.All(others, workers),
        ];
        (QueueTest Test, long Bytes)[] plan = [.. options.Plan()];
        for (int step = 0; step < plan.Length; step++)
        {
            (QueueTest test, long bytes) = plan[step];
            int rounds = options.RoundsAfter((double)step / plan.Length, Stopwatch.GetElapsedTime(start).TotalSeconds);
            Hold(test, bytes, rounds, [.. systems.Where(s => s.Takes(test, bytes))]);
            if (test == QueueTest.Scaling)
                crowd.Dispose();
        }

        return new QueueFindings(options, _figures, Versions(systems), Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    /// <summary>So that the workers find it, and none measures beside them.</summary>
    private static void KnowThreshold()
    {
        if (AttachThreshold.FromEnvironment() is null && ThresholdCache.OfUser().TryRead() is null)
            AttachThreshold.Shared.Calibrate();
    }

    private void Hold(QueueTest test, long bytes, int rounds, QueueSystem[] systems)
    {
        Pace[] paces = [.. systems.Select(s => new Pace(s, test, s.BytesBeside(bytes), options.SecondsOf(test), options.AttemptsOf(s)))];
        string title = $"{test.TitleOf()}, {Sizes.Binary(bytes)}";
        double turn = 1.0 / InTurn.Turns(systems.Length, rounds);
        progress(0, title);
        IReadOnlyList<Taken<Exchange>> taken = InTurn.Take(
            [.. systems.Select(s => s.Name)], rounds, i => paces[i].Turn(ct), way => progress(turn, $"{title}: {way}"), ct);
        _figures.AddRange(systems.Zip(taken, (system, t) => new QueueFigure(system, test, system.BytesBeside(bytes), t)));
    }

    private SortedDictionary<string, string> Versions(QueueSystem[] systems)
    {
        SortedDictionary<string, string> versions = new(StringComparer.Ordinal);
        foreach (NativePeer peer in systems.OfType<NativePeer>())
        {
            if (peer.Version(ct) is { } version)
                versions[peer.Name] = version;
        }

        return versions;
    }
}
