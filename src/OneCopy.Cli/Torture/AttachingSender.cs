using System.Buffers;

namespace OneCopy.Cli.Torture;

/// <summary>
/// Sends large payloads with <c>SendAsync</c>, in one piece or several, and takes some back. When a send is over, however it ended, its memory is
/// overwritten at once: a receiver that still read it would find garbage.
/// </summary>
internal sealed class AttachingSender(Worker worker, HandleWork work, int slotIndex)
{
    private const byte Overwritten = 0xEE;

    private readonly Random _dice = worker.Dice(work.Handle, slotIndex);
    private readonly Slot _slot = worker.Journal.SlotAt(slotIndex);
    private readonly byte[] _buffer = GC.AllocateArray<byte>(worker.Plan.LargestMessage, pinned: true);

    public async Task RunAsync()
    {
        while (!work.Stopping.IsCancellationRequested && !work.IsClosing && !worker.IsFinishing)
        {
            await SendOneAsync(_dice.Next(20) == 0 ? _dice.Next(32 << 10, _buffer.Length) : _dice.Next(30 << 10, 128 << 10));
            try
            {
                await Task.Delay(_dice.Next(worker.Plan.Pause), work.Stopping);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task SendOneAsync(int length)
    {
        ulong number = worker.NextMessage();
        bool untilCompleted = _dice.Next(2) == 0;
        SendOptions options = new()
        {
            Properties = new MessageProperties { MessageId = MessageNumber.Text(number) },
            Timeout = _dice.Next(10) == 0 ? TimeSpan.FromMilliseconds(_dice.Next(10)) : null,
            UntilCompleted = untilCompleted,
        };
        using CancellationTokenSource cancel = CancellationTokenSource.CreateLinkedTokenSource(work.Stopping);
        MessageContent.Fill(_buffer.AsSpan(0, length), number, worker.Seed);
        work.Note(number, Step.SendBegins, (int)(untilCompleted ? SendWay.UntilCompleted : SendWay.Asynchronous));
        _slot.Enter(Operation.SendAttached);
        try
        {
            Task sending = work.Queue.SendAsync(PiecesOf(length), options, cancel.Token).AsTask();
            if (_dice.Next(4) == 0)
            {
                await Task.WhenAny(sending, Task.Delay(_dice.Next(4)));
                await cancel.CancelAsync();
            }

            await sending;
            work.Note(number, Step.SendEnds);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException or ObjectDisposedException)
        {
            work.Note(number, Step.TakenBack);
        }
        catch (OneCopyException)
        {
            // It is in the queue, by copy, and a receiver has it that cannot be deprived of it: delivered or not.
        }

        _slot.Leave();
        _buffer.AsSpan(0, length).Fill(Overwritten);
    }

    private ReadOnlySequence<byte> PiecesOf(int length)
    {
        int pieces = _dice.Next(3) == 0 ? _dice.Next(2, 40) : 1;
        if (pieces == 1)
            return new ReadOnlySequence<byte>(_buffer, 0, length);
        Piece first = new(_buffer.AsMemory(0, length / pieces), 0);
        Piece last = first;
        for (int i = 1; i < pieces; i++)
        {
            int start = (int)last.End;
            last = last.Append(_buffer.AsMemory(start, i == pieces - 1 ? length - start : length / pieces));
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, long runningIndex)
        {
            Memory = memory;
            RunningIndex = runningIndex;
        }

        public long End => RunningIndex + Memory.Length;

        public Piece Append(ReadOnlyMemory<byte> memory)
        {
            Piece next = new(memory, End);
            Next = next;
            return next;
        }
    }
}
