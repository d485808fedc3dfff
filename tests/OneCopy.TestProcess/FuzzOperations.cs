namespace OneCopy.TestProcess;

/// <summary>Everything that can be done with a queue, each in a bounded time, chosen by chance.</summary>
internal sealed class FuzzOperations(string root, string name, int seed, Action<string, Exception> note, Func<string, IDisposable?> watch) : IDisposable
{
    private const int MaxHandles = 4;
    private static readonly TimeSpan s_short = TimeSpan.FromMilliseconds(2);
    private readonly Random _random = new(seed);
    private readonly List<MessageQueue> _handles = [];
    private readonly List<ReceivedMessage> _held = [];
    private readonly List<(string Name, Task Task)> _sends = [];
    private readonly byte[] _buffer = new byte[70_000];

    /// <summary>What the documentation of the members says that they may throw when files are damaged.</summary>
    public static bool IsDocumented(Exception e) =>
        e is OneCopyException or TimeoutException or OperationCanceledException or ObjectDisposedException
        || (e is ArgumentException && e.Message.StartsWith("The next message of queue ", StringComparison.Ordinal))
        || (e is InvalidOperationException && e.Message.StartsWith("The message was answered before", StringComparison.Ordinal));

    public FuzzOperations Another(int seed1) => new(root, name, seed1, note, watch);

    /// <summary>A queue in use: a few handles, messages of every kind in it and held.</summary>
    public void Fill()
    {
        for (int i = 0; i < 2; i++)
            Open();
        for (int i = 0; i < 12; i++)
            Send();
        for (int i = 0; i < 3; i++)
            Receive();
    }

    public void Any()
    {
        switch (_random.Next(24))
        {
            case < 8:
                Send();
                break;
            case < 14:
                Receive();
                break;
            case < 16:
                ReceiveInto();
                break;
            case < 20 when _held.Count > 0:
                Answer();
                break;
            case 20:
                Do("Statistics", q => _ = q.Statistics.Participants.Max(p => p.PullDenied?.Length));
                break;
            case 21:
                Do("OnAttention", q => ((Messaging.IDoorbellOwner)q).OnAttention());
                break;
            case 22 when _handles.Count < MaxHandles:
                Open();
                break;
            case 22:
                Close();
                break;
            default:
                if (_random.Next(8) == 0)
                    Try("Delete", () => MessageQueue.Delete(name, root));
                break;
        }

        if (_sends.Count > 4)
            Await();
    }

    public void Dispose()
    {
        while (_held.Count > 0)
            Answer();
        while (_handles.Count > 0)
            Close();
        Await();
    }

    private void Open() => Try("Open", () => _handles.Add(MessageQueue.Open(name, new QueueOptions
    {
        Root = root,
        RingCapacity = 64,
        Blocks = 16,
        ArenaLimit = 1 << 20,
        AttachThreshold = 8192,
        MaxDeliveryAttempts = 3,
        MaxParticipants = 16,
        Attach = _random.Next(4) != 0 ? AttachMode.Allowed : AttachMode.Never,
        WaitStrategy = (WaitStrategy)(_random.Next(2) * 2),
    })));

    private void Close()
    {
        MessageQueue queue = _handles[_random.Next(_handles.Count)];
        _handles.Remove(queue);
        using IDisposable? watched = watch("Dispose");
        queue.Dispose(); // Never throws.
    }

    private void Send()
    {
        int length = _random.Next(4) switch { 0 => _random.Next(400), 1 => _random.Next(400, 8000), 2 => _random.Next(8000, 60_000), _ => 0 };
        SendOptions options = new() { Timeout = s_short, SurviveSender = _random.Next(2) == 0, Properties = Properties() };
        ReadOnlyMemory<byte> payload = _buffer.AsMemory(0, length);
        switch (_random.Next(6))
        {
            case 5:
                using (CancellationTokenSource soon = new(s_short))
                    Do("Send, plain", q => q.Send(payload.Span, null, soon.Token));
                break;
            case 0:
                Do("TrySend", q => q.TrySend(payload.Span, options));
                break;
            case 1:
                Do("Send", q => q.Send(payload.Span, options));
                break;
            case 2:
                Do("Rent", q =>
                {
                    using SendBuffer rented = q.Rent(length, s_short);
                    rented.Span.Fill(1);
                    q.Send(rented, new SendOptions { Timeout = s_short });
                });
                break;
            default:
                Do("SendAsync", q => _sends.Add(("SendAsync", q.SendAsync(payload, options with { Timeout = TimeSpan.FromMilliseconds(20) }).AsTask())));
                break;
        }
    }

    private MessageProperties? Properties()
    {
        if (_random.Next(3) != 0)
            return null;
        MessageProperties properties = new() { MessageId = "id", ContentType = "text/plain" };
        properties.Headers["header"] = new string('h', _random.Next(2) == 0 ? 10 : 600);
        return properties;
    }

    private void Receive() => Do("Receive", q =>
    {
        ReceivedMessage message = default;
        switch (_random.Next(4))
        {
            case 0:
                q.TryReceive(s_short, out message);
                break;
            case 1:
                using (CancellationTokenSource soon = new(s_short))
                    message = q.ReceiveAsync(soon.Token).AsTask().GetAwaiter().GetResult();
                break;
            default:
                q.TryReceive(out message);
                break;
        }

        if (message == default)
            return;
        _held.Add(message);
        Read(message);
        if (_held.Count > 6 || _random.Next(3) != 0)
            Answer();
    });

    private void ReceiveInto()
    {
        int room = _random.Next(4) switch { 0 => 300, 1 => 10_000, _ => _buffer.Length };
        int[] lengths = new int[3];
        using CancellationTokenSource soon = new(TimeSpan.FromMilliseconds(20));
        switch (_random.Next(4))
        {
            case 0:
                Do("Receive into memory", q => q.Receive(_buffer.AsSpan(0, room), s_short, soon.Token));
                break;
            case 1:
                Do("ReceiveAsync into memory", q => q.ReceiveAsync(_buffer.AsMemory(0, room), soon.Token).AsTask().GetAwaiter().GetResult());
                break;
            case 2:
                Do("TryReceiveMany into memory", q => q.TryReceiveMany(_buffer.AsSpan(0, room), lengths));
                break;
            default:
                Do("TryReceive into memory", q => q.TryReceive(_buffer.AsSpan(0, room), out _));
                break;
        }
    }

    private void Read(ReceivedMessage message)
    {
        Try("Properties", () => _ = message.Properties.Headers.Count + message.Id.Length + message.TimeSent.Year);
        Try("TryGetSpan", () =>
        {
            if (message.TryGetSpan(out ReadOnlySpan<byte> bytes))
                _ = bytes.IndexOf((byte)'x');
        });
        Try("CopyTo", () =>
        {
            using CancellationTokenSource soon = new(TimeSpan.FromMilliseconds(20));
            int part = (int)Math.Min(message.Length, _buffer.Length);
            message.CopyTo(_random.NextInt64(message.Length - part + 1), new byte[part], soon.Token);
        });
    }

    private void Answer()
    {
        ReceivedMessage message = _held[_random.Next(_held.Count)];
        _held.Remove(message);
        switch (_random.Next(6))
        {
            case 0:
                Try("Abandon", message.Abandon);
                break;
            case 1:
                using (CancellationTokenSource soon = new(TimeSpan.FromMilliseconds(20)))
                    Try("DeadLetter", () => message.DeadLetter("fuzz", soon.Token));
                break;
            case 2:
                break;
            default:
                Try("Complete", message.Complete);
                break;
        }

        using IDisposable? watched = watch("ReceivedMessage.Dispose");
        message.Dispose(); // Never throws.
    }

    private void Await()
    {
        foreach ((string what, Task task) in _sends)
            Try(what, () => task.GetAwaiter().GetResult());
        _sends.Clear();
    }

    private void Do(string what, Action<MessageQueue> action)
    {
        if (_handles.Count == 0)
            Open();
        if (_handles.Count > 0)
            Try(what, () => action(_handles[_random.Next(_handles.Count)]));
    }

    private void Try(string what, Action action)
    {
        using IDisposable? watched = watch(what);
        try
        {
            action();
        }
        catch (Exception e)
        {
            note(what, e);
        }
    }
}
