using OneCopy.Cli.Processes;

namespace OneCopy.Cli.Bench.Queue.Workers;

/// <summary>The bench's hidden mode: does one thing after the other, as it is told.</summary>
internal static class BenchWorker
{
    // Methods are compiled anew when they were called often enough, so that none is to run for long.
    public const int Piece = 256;

    public static int Run() => WorkerSide.Run(side =>
    {
        StartPoolThreads();
        using Load load = new();
        while (true)
        {
            string[] command = side.Hear();
            switch (command[0])
            {
                case "open":
                    using (Link link = LinkPlan.Parse(command[1..]).Open())
                        Exchange(side, link, LinkPlan.Parse(command[1..]).Role, long.Parse(command[6]), long.Parse(command[7]));
                    WorkerSide.Say("closed");
                    break;
                case "produce":
                    Crowd.Produce(side, command[1..]);
                    WorkerSide.Say("closed");
                    break;
                case "consume":
                    Crowd.Consume(side, command[1..]);
                    WorkerSide.Say("closed");
                    break;
                case "load":
                    load.Run(side, command[1..]);
                    WorkerSide.Say("closed");
                    break;
                default:
                    throw new IOException($"What is \"{command[0]}\"?");
            }
        }
    });

    /// <summary>
    /// As many as the pool has in any case. The runtime allocates some hundred bytes for each, which would count as a message's if it began while messages are counted; they stay for as long as the process does
    /// (<see cref="WorkerProcess"/>).
    /// </summary>
    private static void StartPoolThreads()
    {
        ThreadPool.GetMinThreads(out int threads, out _);
        using CountdownEvent met = new(threads);
        Task.WhenAll(Enumerable.Range(0, threads).Select(_ => Task.Run(() =>
        {
            met.Signal();
            met.Wait();
        }))).GetAwaiter().GetResult();
    }

    private static void Exchange(WorkerSide side, Link link, Role role, long count, long warmUp)
    {
        long[] times = role == Role.Client ? new long[Math.Max(count, warmUp)] : [];
        WorkerSide.Say("ready");
        side.Hear();
        link.Meet();
        Do(link, role, warmUp, times);
        Clocks clocks = Clocks.Start();
        Do(link, role, count, times);
        clocks.Stop();
        if (role != Role.Sender)
            link.Check();
        WorkerSide.Say($"done {clocks} {link.Lane ?? "none"} {(role == Role.Client ? Percentiles.Of(times.AsSpan(0, (int)count)) : default)}");

        // What it holds in the queue may be in the other one's hands still.
        side.Hear();
    }

    private static void Do(Link link, Role role, long count, long[] times)
    {
        for (long done = 0; done < count; done += Piece)
        {
            int some = (int)Math.Min(Piece, count - done);
            switch (role)
            {
                case Role.Sender:
                    link.Send(some);
                    break;
                case Role.Receiver:
                    link.Receive(some);
                    break;
                case Role.Client:
                    link.Ask(times, (int)done, some);
                    break;
                default:
                    link.Answer(some);
                    break;
            }
        }
    }
}
