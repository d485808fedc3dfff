using System.Diagnostics;
using System.Runtime;
using OneCopy.Cli.Processes;

namespace OneCopy.Cli.Bench.Queue.Workers;

/// <summary>One of many processes that send into, or receive from, the same queue.</summary>
internal static class Crowd
{
    /// <summary>How long a slow consumer keeps each message.</summary>
    public const int SlowMilliseconds = 10;

    /// <summary>ROOT NAME BYTES. Each time it hears "go START COUNT": so many messages.</summary>
    public static void Produce(WorkerSide side, string[] words)
    {
        using MessageQueue queue = Open(words);
        byte[] payload = new byte[int.Parse(words[2])];
        WorkerSide.Say("ready");
        while (side.Hear() is [Go, string start, string count])
            WorkerSide.Say($"sent {Produce(queue, payload, start, long.Parse(count))} {JitInfo.GetCompiledMethodCount()}");
    }

    /// <summary>
    /// ROOT NAME BYTES fast|slow. Each time it hears "go START": takes what comes until it is told that all is sent, and then what is left. Its time ends with that, which is some
    /// hundred microseconds more than the last message's.
    /// </summary>
    public static void Consume(WorkerSide side, string[] words)
    {
        using MessageQueue queue = Open(words);
        byte[] target = new byte[int.Parse(words[2])];
        bool slow = words[3] is "slow";
        WorkerSide.Say("ready");
        while (side.Hear() is [Go, string start])
        {
            (Clocks clocks, long taken) = Consume(side, queue, target, slow, start);
            WorkerSide.Say($"took {clocks} {JitInfo.GetCompiledMethodCount()} {taken}");
        }
    }

    private const string Go = "go";

    /// <summary>What all do at the same time: the clock's value in some milliseconds, for <see cref="AwaitStart"/>.</summary>
    public static string StartSoon() => $"{Go} {Stopwatch.GetTimestamp() + (Stopwatch.Frequency * StartMilliseconds / 1000)}";

    // So that nobody's first messages are alone on the machine.
    private const int StartMilliseconds = 30;

    private static void AwaitStart(string start)
    {
        TimeSpan left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), long.Parse(start));
        using ManualResetEventSlim never = new();
        if (left > TimeSpan.Zero)
            never.Wait(left);
    }

    private static Clocks Produce(MessageQueue queue, byte[] payload, string start, long count)
    {
        AwaitStart(start);
        Clocks clocks = Clocks.Start();
        for (long sent = 0; sent < count; sent += BenchWorker.Piece)
            Send(queue, payload, (int)Math.Min(BenchWorker.Piece, count - sent));
        clocks.Stop();
        return clocks;
    }

    private static (Clocks Clocks, long Taken) Consume(WorkerSide side, MessageQueue queue, byte[] target, bool slow, string start)
    {
        AwaitStart(start);
        using CancellationTokenSource allSent = new();
        Thread listener = new(() =>
        {
            side.Hear();
            allSent.Cancel();
        }) { IsBackground = true };
        listener.Start();
        Clocks clocks = Clocks.Start();
        long taken = 0;
        while (TryTake(queue, target, slow, allSent.Token))
            taken++;
        clocks.Stop();
        listener.Join();
        return (clocks, taken);
    }

    private static void Send(MessageQueue queue, byte[] payload, int count)
    {
        for (int i = 0; i < count; i++)
            queue.Send(payload);
    }

    private static bool TryTake(MessageQueue queue, byte[] target, bool slow, CancellationToken allSent)
    {
        try
        {
            return Take(queue.Receive(cancellationToken: allSent), target, slow, allSent);
        }
        catch (OperationCanceledException)
        {
            return queue.TryReceive(out var message) && Take(message, target, slow, allSent);
        }
    }

    private static bool Take(ReceivedMessage message, byte[] target, bool slow, CancellationToken allSent)
    {
        message.CopyTo(target, CancellationToken.None);

        // Not for the last ones: they would be the slow one's time alone.
        if (slow)
            allSent.WaitHandle.WaitOne(SlowMilliseconds);
        message.Complete();
        message.Dispose();
        return true;
    }

    private static MessageQueue Open(string[] words) => MessageQueue.Open(words[1], new QueueOptions { Root = Uri.UnescapeDataString(words[0]) });
}
