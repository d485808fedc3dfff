using OneCopy.Cli.Processes;

namespace OneCopy.Cli.Bench.Queue.Workers;

/// <summary>What other processes do while round trips are measured: they hand over large messages, or copy memory, until they are told to stop.</summary>
internal static class Load
{
    public const string Copy = "copy";
    public const string Send = "send";
    public const string Receive = "receive";

    /// <summary>WHAT ROOT NAME BYTES.</summary>
    public static void Run(WorkerSide side, string[] words)
    {
        string root = Uri.UnescapeDataString(words[1]);
        int bytes = int.Parse(words[3]);
        using Slab source = new(words[0] is Receive ? 0 : bytes, hugePages: false), target = new(words[0] is Send ? 0 : bytes, hugePages: false);
        using MessageQueue? queue = words[0] is Copy ? null : MessageQueue.Open(words[2], new QueueOptions { Root = root });
        using CancellationTokenSource stop = new();
        WorkerSide.Say("ready");
        side.Hear();
        Thread listener = new(() =>
        {
            side.Hear();
            stop.Cancel();
        }) { IsBackground = true };
        listener.Start();
        WorkerSide.Say("loading");
        long done = words[0] switch
        {
            Send => SendUntil(queue!, source.Span(0, bytes), stop.Token),
            Receive => ReceiveAll(queue!, target.Span(0, bytes)),
            _ => CopyUntil(source.Span(0, bytes), target.Span(0, bytes), stop.Token),
        };
        listener.Join();
        WorkerSide.Say($"stopped {done}");
    }

    /// <summary>The last message is empty, and says that it is.</summary>
    private static long SendUntil(MessageQueue queue, ReadOnlySpan<byte> payload, CancellationToken stop)
    {
        long sent = 0;
        for (; !stop.IsCancellationRequested; sent++)
            queue.SendUntilCompleted(payload, cancellationToken: CancellationToken.None);
        queue.Send([], cancellationToken: CancellationToken.None);
        return sent;
    }

    private static long ReceiveAll(MessageQueue queue, Span<byte> target)
    {
        for (long received = 0; ; received++)
        {
            using ReceivedMessage message = queue.Receive();
            message.CopyTo(target);
            long length = message.Length;
            message.Complete();
            if (length == 0)
                return received;
        }
    }

    private static long CopyUntil(Span<byte> source, Span<byte> target, CancellationToken stop)
    {
        const int Piece = 1 << 20;
        long copies = 0;
        for (; !stop.IsCancellationRequested; copies++)
        {
            for (int at = 0; at < source.Length && !stop.IsCancellationRequested; at += Piece)
                source.Slice(at, Math.Min(Piece, source.Length - at)).CopyTo(target[at..]);
        }

        return copies;
    }
}
