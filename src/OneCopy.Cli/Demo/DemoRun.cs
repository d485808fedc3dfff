using OneCopy.Cli.Processes;

namespace OneCopy.Cli.Demo;

/// <summary>
/// The demo's conductor: starts the processes, has them load, and times round after round, queue and pipe in turn. It touches no payload
/// itself.
/// </summary>
internal sealed class DemoRun : IDisposable
{
    public const string QueueName = "demo";

    /// <summary>The same on every machine, so that what the demo tells of the lanes is too.</summary>
    public const long AttachThreshold = 32 << 10;

    // Not timed: compiles the code, makes the pages of the arenas, finds out who may pull from whom, and hashes all that arrives.
    private const int WarmUpRounds = 1;

    // The queue's files and the pipes' sockets.
    private readonly ScratchDirectory _scratch = new("onecopy-demo-");
    private readonly MessageQueue _queue;
    private readonly WorkerProcess[] _producers;
    private readonly WorkerProcess[] _consumers;
    private readonly int _rounds;
    private readonly DemoTally _tally;
    private int _pass;

    public DemoRun(int producers, int consumers, int rounds)
    {
        _rounds = rounds;
        _tally = new DemoTally(rounds);
        try
        {
            _queue = MessageQueue.Open(QueueName, new QueueOptions { Root = _scratch.Path });
            _producers = StartAll("producer", producers);
            _consumers = StartAll("consumer", consumers);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>How many steps <see cref="RunAsync"/> reports for a plan.</summary>
    public static int Steps(DemoPlan plan, int rounds) => plan.Waves.Count * ((3 * (rounds + WarmUpRounds)) + 1);

    public async Task<DemoTally> RunAsync(DemoPlan plan, Action<double, string?> progress, CancellationToken ct)
    {
        for (int w = 0; w < plan.Waves.Count; w++)
        {
            string wave = plan.Waves.Count == 1 ? "" : $" (wave {w + 1} of {plan.Waves.Count})";
            progress(0, $"Loading{wave}");
            List<DemoFile>[] shares = DemoPlan.Deal(plan.Waves[w], _producers.Length, f => f.Length);
            Expected expected = await LoadAsync(shares, ct);
            progress(1, null);
            for (int round = -WarmUpRounds; round < _rounds; round++)
            {
                string name = round < 0 ? $"Checking{wave}" : $"Round {round + 1} of {_rounds}{wave}";
                progress(0, $"{name}: queue");
                await QueueRoundAsync(expected, round, ct);
                progress(1, $"{name}: named pipe");
                _tally.AddPipeRound(_tally.Pipe, round, expected, await PipeRoundAsync(Pipes.Asynchronous, round, ct));
                progress(1, $"{name}: named pipe, blocking");
                _tally.AddPipeRound(_tally.BlockingPipe, round, expected, await PipeRoundAsync(Pipes.Blocking, round, ct));
                progress(1, null);
            }
        }

        return _tally;
    }

    public void Dispose()
    {
        foreach (WorkerProcess worker in (WorkerProcess[])[.. _producers ?? [], .. _consumers ?? []])
            worker.Dispose();
        _queue?.Dispose();
        _scratch.Dispose();
    }

    private WorkerProcess[] StartAll(string role, int count)
    {
        List<WorkerProcess> started = [];
        try
        {
            while (started.Count < count)
                started.Add(WorkerProcess.Start($"demo's {role} {started.Count + 1}", DemoCommand.WorkerName, role, _scratch.Path));
            return [.. started];
        }
        catch
        {
            started.ForEach(w => w.Dispose());
            throw;
        }
    }

    private async Task<Expected> LoadAsync(List<DemoFile>[] shares, CancellationToken ct)
    {
        Expected[] loaded = await Task.WhenAll(_producers.Select(async (producer, p) =>
        {
            await producer.SayAsync($"load {shares[p].Count}", ct);
            Task telling = TellAsync();
            Expected files = [];
            while (await producer.HearAsync(ct) is ["file", string id, string length, string hash])
                files[int.Parse(id)] = new ExpectedFile(p, int.Parse(length), hash);
            await telling;
            return files;

            async Task TellAsync()
            {
                foreach (DemoFile file in shares[p])
                    await producer.SayAsync($"{file.Id} {file.Length} {Uri.EscapeDataString(file.Path)}", ct);
            }
        }));
        Expected expected = [];
        foreach ((int id, ExpectedFile file) in loaded.SelectMany(e => e))
            expected[id] = file;
        _tally.AddInput(expected);
        await AllAsync(_consumers, c => c.SayAsync($"allocate {Math.Max(1, expected.Values.Max(f => f.Length)) * PipesOfAConsumer}", ct));
        await AllAsync(_consumers, c => c.ExpectAsync("allocated", ct));
        return expected;
    }

    private async Task QueueRoundAsync(Expected expected, int round, CancellationToken ct)
    {
        QueueStatistics before = _queue.Statistics;
        WorkerProcess[] all = [.. _consumers, .. _producers];
        await AllAsync(all, w => w.SayAsync($"queue {Passes.Of(round)}", ct));
        await AllAsync(all, w => w.ExpectAsync("ready", ct));
        await AllAsync(all, w => w.SayAsync("go", ct));
        Span[] sent = await AllAsync(_producers, async p => Span.Parse(await p.ExpectAsync("done", ct)));
        await AllAsync(_consumers, c => c.SayAsync("all-sent", ct));
        Arrivals arrivals = await HearArrivalsAsync(ct);
        QueueStatistics after = _queue.Statistics;
        _tally.AddQueueRound(round, expected, arrivals, Span.Around([.. sent, .. arrivals.Spans]), before, after);
        if (after.Moved > before.Moved && _tally.Refusal is null)
            _tally.Refusal = await ExplainRefusalAsync(ct);
    }

    private async Task<Arrivals> PipeRoundAsync(string kind, int round, CancellationToken ct)
    {
        // Enough pipes that every producer and every consumer has one; each is read by one.
        int count = Math.Max(_producers.Length, _consumers.Length);
        string[] names = [.. Enumerable.Range(0, count).Select(i => Uri.EscapeDataString(Path.Combine(_scratch.Path, $"pipe{_pass}-{i}")))];
        _pass++;
        await AllAsync(_consumers, (c, i) => c.SayAsync($"{kind} {Passes.Of(round)} " + string.Join(' ', names.Where((_, k) => k % _consumers.Length == i)), ct));
        await AllAsync(_consumers, c => c.ExpectAsync("listening", ct));
        await AllAsync(_producers, (p, i) => p.SayAsync($"{kind} " + string.Join(' ', names.Where((_, k) => k % _producers.Length == i)), ct));
        WorkerProcess[] all = [.. _consumers, .. _producers];
        await AllAsync(all, w => w.ExpectAsync("ready", ct));
        await AllAsync(all, w => w.SayAsync("go", ct));
        Task<Span[]> sending = AllAsync(_producers, async p => Span.Parse(await p.ExpectAsync("done", ct)));
        Arrivals arrivals = await HearArrivalsAsync(ct);
        return arrivals with { Spans = [.. await sending, .. arrivals.Spans] };
    }

    private long PipesOfAConsumer => (Math.Max(_producers.Length, _consumers.Length) + _consumers.Length - 1) / _consumers.Length;

    private async Task<Arrivals> HearArrivalsAsync(CancellationToken ct)
    {
        Arrivals[] each = await AllAsync(_consumers, async consumer =>
        {
            List<Arrival> files = [];
            while (true)
            {
                string[] words = await consumer.HearAsync(ct);
                if (words is ["done", .. string[] times])
                    return new Arrivals(files, [Span.Parse(times)]);
                files.Add(new Arrival(int.Parse(words[1]), int.Parse(words[2]), words[3]));
            }
        });
        return new Arrivals([.. each.SelectMany(a => a.Files)], [.. each.SelectMany(a => a.Spans)]);
    }

    /// <summary>Somebody could not pull: has a consumer say why it may not touch a producer's memory.</summary>
    private async Task<string> ExplainRefusalAsync(CancellationToken ct)
    {
        await _consumers[0].SayAsync($"explain {_producers[0].Pid}", ct);
        return string.Join(' ', await _consumers[0].ExpectAsync("because", ct));
    }

    private static Task AllAsync(WorkerProcess[] workers, Func<WorkerProcess, Task> ask) => Task.WhenAll(workers.Select(ask));

    private static Task AllAsync(WorkerProcess[] workers, Func<WorkerProcess, int, Task> ask) => Task.WhenAll(workers.Select(ask));

    private static Task<T[]> AllAsync<T>(WorkerProcess[] workers, Func<WorkerProcess, Task<T>> ask) => Task.WhenAll(workers.Select(ask));
}
