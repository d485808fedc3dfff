using System.CommandLine;
using OneCopy.Cli.Bench.Measuring;
using OneCopy.Cli.Bench.Plot;
using OneCopy.Cli.Bench.Queue;
using OneCopy.Cli.Bench.Queue.Workers;
using OneCopy.Cli.Processes;
using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Bench;

/// <summary><c>onecopy bench queue</c>, and the hidden command that its processes run.</summary>
internal static class QueueBenchCommand
{
    public const string WorkerName = "bench-worker";

    private const string DirectoryPrefix = "onecopy-bench-";

    public static Command Create()
    {
        Option<long[]> sizes = BenchArguments.Sizes("The sizes of the messages, such as 0,64,64KiB,1MiB.", 0, QueueBenchOptions.MostBytes, "a message");
        Option<int?> rounds = QueueArguments.Number(
            "--rounds", "N", $"How often each is measured, in turn; medians count. [default: {QueueBenchOptions.UsualRounds}; {QueueBenchOptions.QuickRounds} with --quick]", 1);
        Option<bool> quick = new("--quick") { Description = "Four sizes and short turns: less than a minute." };
        Option<string?> only = new("--only") { Description = "One kind of measurement.", HelpName = "throughput|round-trip|scaling|mixed" };
        only.AcceptOnlyFromAmong("throughput", "round-trip", "scaling", "mixed");
        Option<string?> peers = Peers();
        Option<string?> peerDirectory = new("--peer-dir") { Description = "Where the programs of the peers are. [default: bench/peers/out of the checkout]", HelpName = "DIR" };
        Option<string?> plot = new("--plot") { Description = "Draw the figures: throughput and latency over size, a line for each system.", HelpName = "FILE.svg" };
        Option<bool> json = QueueArguments.Json();
        Command command = new TeachingCommand("queue", "Compare OneCopy's queue with what others take: throughput, round trips, processor time, allocations, scaling.", """
            Two real processes hand messages over, from the sender's memory into the receiver's: by each way of OneCopy's, and by each peer that is here. Peers are programs of
            their own in bench/peers, made by bench/peers/build where their libraries are installed (UCX, Open MPI, ZeroMQ, Boost, iceoryx, a shared-memory ring, sockets, pipes, and the
            machine's limits: a bare memcpy, a bare futex). What is absent is named, with what to do. Every system has its turn in every round, and another one begins each round.
            At the end stands what OneCopy is to reach, as ratios within this run, and whether this run shows it. Leave the machine alone meanwhile.
            A complete run takes an hour; --size, --only and --peers make it shorter. Ctrl+C ends it and leaves nothing behind.

            Examples:
              onecopy bench queue --quick
              onecopy bench queue --size 64,1MiB --peers ucx,shm-ring --rounds 9
              onecopy bench queue --only round-trip --plot trips.svg
              onecopy bench queue --quick --peers none --json | jq '.conclusions[] | select(.outcome == "not held")'
            """)
        { sizes, rounds, quick, only, peers, peerDirectory, plot, json };
        command.SetAction(parsed => Outcome.Of(ct =>
        {
            bool isQuick = parsed.GetValue(quick);
            QueueBenchOptions options = new(
                parsed.GetValue(sizes) is { Length: > 0 } chosen ? [.. chosen.Distinct().Order()] : isQuick ? QueueBenchOptions.QuickSizes : QueueBenchOptions.UsualSizes,
                parsed.GetValue(rounds) ?? (isQuick ? QueueBenchOptions.QuickRounds : QueueBenchOptions.UsualRounds),
                isQuick,
                parsed.GetValue(only) switch
                {
                    "throughput" => QueueWork.Throughput,
                    "round-trip" => QueueWork.RoundTrip,
                    "scaling" => QueueWork.Scaling,
                    "mixed" => QueueWork.Mixed,
                    _ => QueueWork.All,
                },
                Named(parsed.GetValue(peers)),
                Path.GetFullPath(parsed.GetValue(peerDirectory) ?? PeerPrograms.Directory()));
            return RunAsync(options, parsed.GetValue(plot), parsed.GetValue(json), ct);
        }));
        return command;
    }

    /// <summary>What the processes of the bench run; not for people.</summary>
    public static Command CreateWorker()
    {
        Command command = new(WorkerName, "A process of the bench.") { Hidden = true };
        command.SetAction(static _ => BenchWorker.Run());
        return command;
    }

    private static Option<string?> Peers()
    {
        Option<string?> peers = new("--peers") { Description = "Which peers take part: by their names, or by the first word of them. [default: all]", HelpName = "all|none|NAME,…" };
        peers.Validators.Add(static result =>
        {
            foreach (string name in result.Tokens is [{ Value: string text }] ? Named(text) ?? [] : [])
            {
                if (!Systems.PeerNames.Any(n => Systems.Names(name, n)))
                    result.AddError($"'{name}' is no peer. There are: {string.Join(", ", Systems.PeerNames)}; all and none.");
            }
        });
        return peers;
    }

    /// <summary>Null: all.</summary>
    private static string[]? Named(string? text) => text switch
    {
        null or "all" => null,
        "none" => [],
        _ => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
    };

    private static async Task<int> RunAsync(QueueBenchOptions options, string? plot, bool json, CancellationToken ct)
    {
        using ScratchDirectory scratch = new(DirectoryPrefix);
        QueueFindings findings = await Screen.WithProgressAsync("Starting", QueueBench.Steps(options), quiet: json, progress => Task.Factory.StartNew(
            () => new QueueBench(options, scratch.Path, progress, ct).Run(), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));
        Machine machine = Machine.Of(scratch.Path);
        if (plot is not null)
            SvgChart.Write(QueueChart.Of(findings, machine), plot);
        if (json)
            Console.WriteLine(QueueReport.Json(findings, machine));
        else
            QueueTable.Write(findings, machine);
        if (plot is not null && !json)
            Console.WriteLine($"The plot is in {plot}.");
        return 0;
    }
}
