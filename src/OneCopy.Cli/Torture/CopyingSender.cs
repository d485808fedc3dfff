namespace OneCopy.Cli.Torture;

/// <summary>Sends by copy: <c>Send</c>, <c>TrySend</c> and rented buffers, small and large, in bursts.</summary>
internal sealed class CopyingSender(Worker worker, HandleWork work, int slotIndex)
{
    private readonly Random _dice = worker.Dice(work.Handle, slotIndex);
    private readonly Slot _slot = worker.Journal.SlotAt(slotIndex);
    private readonly byte[] _buffer = new byte[worker.Plan.LargestMessage];

    public void Run()
    {
        _slot.BelongsToThisThread();
        while (!work.Stopping.IsCancellationRequested && !work.IsClosing && !worker.IsFinishing)
        {
            // Large messages in bursts make the arena grow.
            bool large = _dice.Next(40) == 0;
            for (int left = large ? _dice.Next(1, 8) : _dice.Next(1, 64); left > 0 && !worker.IsFinishing; left--)
                SendOne(LengthOf(large));
            work.Stopping.WaitHandle.WaitOne(_dice.Next(worker.Plan.Pause));
        }
    }

    private int LengthOf(bool large) => large
        ? _dice.Next(64 << 10, worker.Plan.LargestMessage)
        : _dice.Next(10) switch
        {
            0 => _dice.Next(500, 40_000),
            1 => _dice.Next(340, 500), // Around the end of what is inline.
            _ => _dice.Next(MessageContent.LeastLength, 300),
        };

    private void SendOne(int length)
    {
        ulong number = worker.NextMessage();
        int way = _dice.Next(10);
        SendOptions? options = _dice.Next(12) == 0 ? new SendOptions { Timeout = TimeSpan.FromMilliseconds(_dice.Next(20)) } : null;
        Span<byte> payload = _buffer.AsSpan(0, length);
        if (way != 0)
            MessageContent.Fill(payload, number, worker.Seed);
        work.Note(number, Step.SendBegins, (int)SendWay.Copied);
        _slot.Enter(Operation.Send, length);
        bool sent = false;
        try
        {
            if (way == 0)
                SendRented(number, length, options);
            else if (way == 1)
                sent = work.Queue.TrySend(payload);
            else
                work.Queue.Send(payload, options, work.Stopping);
            sent |= way != 1;
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException or ObjectDisposedException or OneCopyException)
        {
            // Nothing was sent, it says.
        }

        work.Note(number, sent ? Step.SendEnds : Step.TakenBack);
        _slot.Leave();
    }

    private void SendRented(ulong number, int length, SendOptions? options)
    {
        using SendBuffer buffer = work.Queue.Rent(length, options?.Timeout, work.Stopping);
        MessageContent.Fill(buffer.Span, number, worker.Seed);
        work.Queue.Send(buffer, options, work.Stopping);
    }
}
