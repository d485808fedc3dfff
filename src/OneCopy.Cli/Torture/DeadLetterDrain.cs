namespace OneCopy.Cli.Torture;

/// <summary>Takes dead letters as they come, into the account: the conductor does it, which nobody kills.</summary>
internal sealed class DeadLetterDrain : IDisposable
{
    private readonly MessageQueue _queue;
    private readonly Account _account;
    private readonly ulong _seed;
    private readonly CancellationTokenSource _end = new();
    private readonly Thread _thread;
    private bool _disposed;

    public DeadLetterDrain(string name, QueueOptions options, Account account, ulong seed)
    {
        _account = account;
        _seed = seed;
        _queue = MessageQueue.Open(name, options with { MaxDeliveryAttempts = ushort.MaxValue });
        _thread = new Thread(Run) { IsBackground = true, Name = "dead letters" };
        _thread.Start();
    }

    /// <summary>When nobody sends any more: takes the last ones.</summary>
    public QueueStatistics Finish()
    {
        _end.Cancel();
        _thread.Join();
        while (_queue.TryReceive(out ReceivedMessage message))
            Take(message);
        return _queue.Statistics;
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _end.Cancel();
        _thread.Join();
        _queue.Dispose();
        _end.Dispose();
    }

    private void Run()
    {
        try
        {
            while (true)
                Take(_queue.Receive(cancellationToken: _end.Token));
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    private void Take(ReceivedMessage message)
    {
        byte[] payload = message.ToArray();
        ulong number = MessageContent.NumberOf(payload);
        lock (_account)
            _account.AddDeadLetter(number, MessageContent.IsRight(payload, number, _seed));
        message.Complete();
        message.Dispose();
    }
}
