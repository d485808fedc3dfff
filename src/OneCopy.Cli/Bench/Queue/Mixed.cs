using OneCopy.Cli.Bench.Queue.Workers;
using OneCopy.Cli.Processes;

namespace OneCopy.Cli.Bench.Queue;

/// <summary>Two processes that do something else meanwhile.</summary>
internal sealed class LoadPair(string root) : BoundedTurns
{
    /// <summary>Of each message that they hand over, or of what they copy.</summary>
    public const long Bytes = 256L << 20;

    private readonly List<WorkerProcess> _workers = [];
    private int _turns;

    /// <summary>Runs <paramref name="turn"/> while they are at work.</summary>
    /// <param name="roles">Of the two; none: nobody does anything.</param>
    /// <param name="turn">What is measured.</param>
    /// <param name="ct">Ends it.</param>
    public Exchange Beside(IReadOnlyList<string> roles, Func<Exchange> turn, CancellationToken ct) =>
        Turn("A turn beside others", bounded => BesideAsync(roles, turn, bounded), ct);

    public override void Dispose()
    {
        foreach (WorkerProcess worker in _workers)
            worker.Dispose();
        _workers.Clear();
    }

    private async Task<Exchange> BesideAsync(IReadOnlyList<string> roles, Func<Exchange> turn, CancellationToken ct)
    {
        string queue = $"load-{++_turns}";
        while (_workers.Count < roles.Count)
            _workers.Add(WorkerProcess.Start($"bench's load {_workers.Count + 1}", WorkerCode.Profiled, QueueBenchCommand.WorkerName));
        try
        {
            for (int i = 0; i < roles.Count; i++)
                await _workers[i].SayAsync($"load {roles[i]} {Uri.EscapeDataString(root)} {queue} {Bytes}", ct);
            for (int i = 0; i < roles.Count; i++)
                await _workers[i].ExpectAsync("ready", ct);
            await EachAsync("go", "loading");
            Exchange measured = turn();
            await EachAsync("stop", "stopped");
            for (int i = 0; i < roles.Count; i++)
                await _workers[i].ExpectAsync("closed", ct);
            return measured;
        }
        finally
        {
            Delete(queue, root);
        }

        async Task EachAsync(string said, string heard)
        {
            for (int i = 0; i < roles.Count; i++)
                await _workers[i].SayAsync(said, ct);
            for (int i = 0; i < roles.Count; i++)
                await _workers[i].ExpectAsync(heard, ct);
        }
    }
}

/// <summary>Round trips of small messages beside something.</summary>
internal sealed class MixedSystem(string name, IReadOnlyList<string> load, LoadPair others, WorkerPair pair) : QueueSystem(name, Family.OneCopy)
{
    public const string Alone = "alone";
    public const string BesideCopies = "beside memcpy in two processes";
    public const string BesideMessages = "beside messages of 256 MiB between two processes";

    /// <summary>What is measured.</summary>
    public static IReadOnlyList<MixedSystem> All(LoadPair others, WorkerPair pair) =>
    [
        new(Alone, [], others, pair),
        new(BesideCopies, [Load.Copy, Load.Copy], others, pair),
        new(BesideMessages, [Load.Receive, Load.Send], others, pair),
    ];

    public override bool Takes(QueueTest test, long bytes) => test == QueueTest.Mixed;

    public override Exchange Run(QueueTest test, long bytes, long count, long warmUp, CancellationToken ct) =>
        others.Beside(load, () => pair.Run(Name, Ways.OneByOne, QueueTest.RoundTrip, bytes, count, warmUp, ct), ct);
}
