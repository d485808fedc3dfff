using OneCopy.Cli.Processes;

namespace OneCopy.Cli.Bench.Queue.Workers;

/// <summary>
/// What other processes do while round trips are measured: they hand over large messages, or copy memory, until they are told to stop. Their memory is kept from one turn to the next, since to have it
/// with all its pages takes longer than a turn.
/// </summary>
internal sealed class Load : IDisposable
{
    public const string Copy = "copy";
    public const string Send = "send";
    public const string Receive = "receive";

    private Slab? _source;
    private Slab? _target;

    public void Dispose()
    {
        _source?.Dispose();
        _target?.Dispose();
    }

    /// <summary>WHAT ROOT NAME BYTES, which are as many each time.</summary>
    public void Run(WorkerSide side, string[] words)
    {
        string root = Uri.UnescapeDataString(words[1]);
        int bytes = int.Parse(words[3]);
        Span<byte> source = words[0] is Receive ? default : Of(ref _source, bytes), target = words[0] is Send ? default : Of(ref _target, bytes);
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
            Send => SendUntil(queue!, source, stop.Token),
            Receive => ReceiveAll(queue!, target),
            _ => CopyUntil(source, target, stop.Token),
        };
        listener.Join();
        WorkerSide.Say($"stopped {done}");
    }

    private static Span<byte> Of(ref Slab? slab, int bytes) => (slab ??= new Slab(bytes, hugePages: false)).Span(0, bytes);

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
