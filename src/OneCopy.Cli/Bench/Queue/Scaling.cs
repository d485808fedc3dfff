using System.Diagnostics;
using OneCopy.Cli.Bench.Queue.Workers;
using OneCopy.Cli.Processes;

namespace OneCopy.Cli.Bench.Queue;

/// <summary>Many processes on one queue: each has a handle, and sends or receives.</summary>
/// <param name="root">Of the queues.</param>
/// <param name="warmUps">How often they warm up at most, until none of them compiles any more: with few processors and many processes, which all do that first, it may take seconds.</param>
internal sealed class WorkerCrowd(string root, int warmUps) : BoundedTurns
{
    // Where they are in what a worker says.
    private const int Compiled = 4;
    private const int Taken = 5;

    private readonly List<WorkerProcess> _producers = [];
    private readonly List<WorkerProcess> _consumers = [];
    private int _turns;

    public Exchange Run(Shape shape, long bytes, long count, long warmUp, CancellationToken ct) =>
        Turn($"{count:N0} messages, {shape.Name},", bounded => RunAsync(shape, bytes, count, warmUp * Math.Max(shape.Producers, shape.Consumers), bounded), ct);

    public override void Dispose()
    {
        foreach (WorkerProcess worker in _producers.Concat(_consumers))
            worker.Dispose();
        _producers.Clear();
        _consumers.Clear();
    }

    private async Task<Exchange> RunAsync(Shape shape, long bytes, long count, long warmUp, CancellationToken ct)
    {
        string queue = $"crowd-{++_turns}", place = $"{Uri.EscapeDataString(root)} {queue} {bytes}";
        WorkerProcess[] producers = Of(_producers, shape.Producers, "producer"), consumers = Of(_consumers, shape.Consumers, "consumer"), all = [.. consumers, .. producers];
        try
        {
            for (int i = 0; i < consumers.Length; i++)
                await consumers[i].SayAsync($"consume {place} {(i < shape.Slow ? "slow" : "fast")}", ct);
            await TellAsync(producers, $"produce {place}", ct);
            await AllAsync(all, w => w.ExpectAsync("ready", ct));
            long compiled = -1;
            for (int i = 0; i < warmUps; i++)
            {
                (string[][] sent, string[][] took) = await ExchangeAsync(producers, consumers, warmUp, ct);
                long now = sent.Concat(took).Sum(w => long.Parse(w[Compiled]));
                if (now == compiled)
                    break;
                compiled = now;
            }

            (string[][] allSent, string[][] allTook) = await ExchangeAsync(producers, consumers, count, ct);
            await TellAsync(all, "close", ct);
            await AllAsync(all, w => w.ExpectAsync("closed", ct));
            return Sum(allSent, allTook, count);
        }
        finally
        {
            Delete(queue, root);
        }
    }

    private static async Task<(string[][] Sent, string[][] Took)> ExchangeAsync(WorkerProcess[] producers, WorkerProcess[] consumers, long count, CancellationToken ct)
    {
        string start = Crowd.StartSoon();
        for (int i = 0; i < producers.Length; i++)
            await producers[i].SayAsync($"{start} {(count / producers.Length) + (i < count % producers.Length ? 1 : 0)}", ct);
        await TellAsync(consumers, start, ct);
        string[][] sent = await AllAsync(producers, p => p.ExpectAsync("sent", ct));
        await TellAsync(consumers, "all-sent", ct);
        return (sent, await AllAsync(consumers, c => c.ExpectAsync("took", ct)));
    }

    private static async Task TellAsync(WorkerProcess[] workers, string words, CancellationToken ct)
    {
        foreach (WorkerProcess worker in workers)
            await worker.SayAsync(words, ct);
    }

    private static Exchange Sum(string[][] sent, string[][] took, long count)
    {
        long received = took.Sum(t => long.Parse(t[Taken]));
        if (received != count)
            throw new IOException($"Of {count:N0} messages {received:N0} were received.");
        Clocked[] senders = [.. sent.Select(Clocked.Parse)], all = [.. senders, .. took.Select(Clocked.Parse)];
        return new Exchange(
            count, Stopwatch.GetElapsedTime(senders.Min(c => c.Start), all.Max(c => c.End)).TotalSeconds, all.Sum(c => c.ProcessorNanoseconds) / 1e9, default, all.Sum(c => c.AllocatedBytes));
    }

    private static WorkerProcess[] Of(List<WorkerProcess> workers, int count, string title)
    {
        while (workers.Count < count)
            workers.Add(WorkerProcess.Start($"bench's {title} {workers.Count + 1}", WorkerCode.Profiled, QueueBenchCommand.WorkerName));
        return [.. workers.Take(count)];
    }

    /// <summary>The first that fails is told of at once; the others may wait for it for ever.</summary>
    private static async Task<string[][]> AllAsync(WorkerProcess[] workers, Func<WorkerProcess, Task<string[]>> ask)
    {
        Task<string[]>[] tasks = [.. workers.Select(ask)];
        await foreach (Task<string[]> task in Task.WhenEach(tasks))
            await task;
        return [.. tasks.Select(t => t.Result)];
    }
}

/// <summary>How many processes send and receive.</summary>
/// <param name="Producers">That send.</param>
/// <param name="Consumers">That receive.</param>
/// <param name="Slow">How many of them keep each message for a while.</param>
internal sealed record Shape(int Producers, int Consumers, int Slow = 0)
{
    public static readonly Shape One = new(1, 1);
    public static readonly Shape ManyToMany = new(8, 8);

    /// <summary>What is measured: the first is what the others are compared with.</summary>
    public static readonly IReadOnlyList<Shape> All = [One, ManyToMany, new(1, 8), new(8, 1), new(1, 3), new(1, 3, Slow: 1)];

    public string Name => $"{Producers} → {Consumers}{(Slow > 0 ? $", {Slow} slow" : "")}";
}

/// <summary>A shape, as something that has turns.</summary>
internal sealed class ScalingSystem(Shape shape, WorkerCrowd crowd) : QueueSystem(shape.Name, Family.OneCopy)
{
    public override bool Takes(QueueTest test, long bytes) => test == QueueTest.Scaling;

    public override Exchange Run(QueueTest test, long bytes, long count, long warmUp, CancellationToken ct) => crowd.Run(shape, bytes, count, warmUp, ct);
}
