using System.Diagnostics;
using OneCopy.Cli.Bench.Queue.Workers;
using OneCopy.Cli.Processes;

namespace OneCopy.Cli.Bench.Queue;

/// <summary>
/// Two processes of the tool that hand messages over, in one way after the other. They live as long as the run, so that their code is that of a program that has run for a while.
/// </summary>
internal sealed class WorkerPair(string root) : BoundedTurns
{
    private WorkerProcess? _first;
    private WorkerProcess? _second;
    private int _turns;

    public Exchange Run(string name, string way, QueueTest test, long bytes, long count, long warmUp, CancellationToken ct) =>
        Turn($"{count:N0} messages of {bytes:N0} bytes by {name}", bounded => RunAsync(way, test, bytes, count, warmUp, bounded), ct);

    public override void Dispose()
    {
        _first?.Dispose();
        _second?.Dispose();
        _first = _second = null;
    }

    private async Task<Exchange> RunAsync(string way, QueueTest test, long bytes, long count, long warmUp, CancellationToken ct)
    {
        WorkerProcess first = _first ??= Start("first");
        WorkerProcess second = _second ??= Start("second");
        string queue = $"turn-{++_turns}";
        bool trips = test == QueueTest.RoundTrip;
        try
        {
            await OpenAsync(second, new LinkPlan(way, trips ? Role.Server : Role.Receiver, bytes, root, queue));
            await OpenAsync(first, new LinkPlan(way, trips ? Role.Client : Role.Sender, bytes, root, queue));
            await second.SayAsync("go", ct);
            await first.SayAsync("go", ct);

            // The one that fails ends early, and the other one would be waited for.
            Task<string[]> one = first.ExpectAsync("done", ct), other = second.ExpectAsync("done", ct);
            await await Task.WhenAny(one, other);
            string[] sent = await one, received = await other;
            await first.SayAsync("close", ct);
            await second.SayAsync("close", ct);
            await first.ExpectAsync("closed", ct);
            await second.ExpectAsync("closed", ct);
            return Of(sent, received, count);
        }
        finally
        {
            Delete(queue, root);
            if (trips)
                Delete(queue + "-back", root);
        }

        async Task OpenAsync(WorkerProcess worker, LinkPlan plan)
        {
            await worker.SayAsync($"open {plan} {count} {warmUp}", ct);
            await worker.ExpectAsync("ready", ct);
        }
    }

    /// <summary>From the start of the first one to the last arrival; the clock is the same in both.</summary>
    private static Exchange Of(string[] sent, string[] received, long count)
    {
        const int Lane = 4, Times = 5;
        Clocked one = Clocked.Parse(sent), other = Clocked.Parse(received);
        return new Exchange(
            count, Stopwatch.GetElapsedTime(one.Start, Math.Max(one.End, other.End)).TotalSeconds, (one.ProcessorNanoseconds + other.ProcessorNanoseconds) / 1e9,
            Percentiles.Parse(sent[Times..]), one.AllocatedBytes + other.AllocatedBytes, received[Lane] is "none" ? null : received[Lane]);
    }

    private static WorkerProcess Start(string which) => WorkerProcess.Start($"bench's {which} process", WorkerCode.Profiled, QueueBenchCommand.WorkerName);
}
