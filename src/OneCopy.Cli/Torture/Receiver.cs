using System.Diagnostics;

namespace OneCopy.Cli.Torture;

/// <summary>Receives, checks every byte, and answers in every way there is.</summary>
internal sealed class Receiver(Worker worker, HandleWork work, int slotIndex)
{
    private const int MostHeld = 6;
    private const int MostTaken = 8;

    private readonly Random _dice = worker.Dice(work.Handle, slotIndex);
    private readonly Slot _slot = worker.Journal.SlotAt(slotIndex);
    private readonly List<(ReceivedMessage Message, ulong Number, long Until)> _held = [];
    private byte[] _buffer = new byte[256 << 10];

    private bool IsOver => work.Stopping.IsCancellationRequested || work.IsClosing;

    public void Run()
    {
        _slot.BelongsToThisThread();
        try
        {
            while (!IsOver)
            {
                if (_dice.Next(3) != 0 || !TryTakeInto())
                {
                    _slot.Enter(Operation.Receive);
                    if (work.Queue.TryReceive(TimeSpan.FromMilliseconds(_dice.Next(5, 400)), out ReceivedMessage message, work.Stopping))
                        Take(message);
                    _slot.Leave();
                }

                AnswerHeld(all: false);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // Over.
        }

        _slot.Leave();
        AnswerHeld(all: true);
    }

    /// <summary>
    /// Receives into the journal, one message or several. Each is completed with that, and noted behind it: of one who is killed in between, the conductor finds there what it may have completed.
    /// False: the next one is too long for that.
    /// </summary>
    private bool TryTakeInto()
    {
        Span<byte> place = worker.Journal.PlaceAt(slotIndex);
        place.Clear();
        Span<int> lengths = stackalloc int[MostTaken];
        int taken = 0;
        _slot.Enter(Operation.ReceiveInto);
        try
        {
            if (_dice.Next(2) == 0)
                taken = work.Queue.TryReceiveMany(place, lengths);
            if (taken == 0)
            {
                lengths[0] = work.Queue.Receive(place, TimeSpan.FromMilliseconds(_dice.Next(5, 400)), work.Stopping);
                taken = 1;
            }
        }
        catch (TimeoutException)
        {
            // None came.
        }
        catch (MessageLostException)
        {
            // Never promised, and done.
        }
        catch (ArgumentException)
        {
            _slot.Leave();
            return false;
        }

        for (int i = 0; i < taken; i++)
        {
            ReadOnlySpan<byte> payload = place[..lengths[i]];
            ulong number = MessageContent.NumberOf(payload);
            if (!MessageContent.IsRight(payload, number, worker.Seed))
                work.Note(number, Step.Garbage);
            work.Note(number, Step.TakenInto);
            place = place[lengths[i]..];
        }

        Interlocked.Add(ref worker.Journal.HandedOut, taken);
        _slot.Leave();
        return true;
    }

    public async Task RunAsync()
    {
        try
        {
            while (!IsOver)
            {
                using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(work.Stopping);
                limit.CancelAfter(_dice.Next(5, 400));
                _slot.Enter(Operation.Receive);
                try
                {
                    Take(await work.Queue.ReceiveAsync(limit.Token));
                }
                catch (OperationCanceledException)
                {
                    // The limit, or the end.
                }

                _slot.Leave();
                AnswerHeld(all: false);
            }
        }
        catch (ObjectDisposedException)
        {
            // Over.
        }

        _slot.Leave();
        AnswerHeld(all: true);
    }

    /// <summary>After the handle was closed: the memory that is still mapped for them goes.</summary>
    public void LetGo()
    {
        foreach ((ReceivedMessage message, _, _) in _held)
            message.Dispose();
        _held.Clear();
    }

    /// <summary>The slot says "receiving" until the message is noted: a kill before that is an unnoted hand-out.</summary>
    private void Take(ReceivedMessage message)
    {
        if (!TryIdentify(message, out ulong number))
        {
            message.Dispose(); // Taken back or lost already: it is nobody's any more.
            return;
        }

        work.Note(number, Step.Received, message.DeliveryAttempt);
        Interlocked.Increment(ref worker.Journal.HandedOut);
        _slot.Enter(Operation.Copy, MessageNumber.LifeOf(number));
        bool good = TryCheck(message, number);
        if (!good)
            return;
        if (_held.Count < MostHeld && _dice.Next(25) == 0)
            _held.Add((message, number, Stopwatch.GetTimestamp() + (_dice.Next(40) * 1_000_000L)));
        else
            Answer(message, number);
    }

    private bool TryIdentify(ReceivedMessage message, out ulong number)
    {
        try
        {
            if (!message.TryGetSpan(out ReadOnlySpan<byte> payload))
            {
                if (!MessageNumber.TryParse(message.Properties.MessageId, out number))
                    work.Note(number, Step.Garbage, message.DeliveryAttempt);
                return true;
            }

            number = MessageContent.NumberOf(payload);
            return true;
        }
        catch (Exception e) when (e is MessageWithdrawnException or MessageLostException)
        {
            number = 0;
            return false;
        }
    }

    private bool TryCheck(ReceivedMessage message, ulong number)
    {
        try
        {
            bool right;
            if (_dice.Next(2) == 0 && message.TryGetSpan(out ReadOnlySpan<byte> inPlace))
            {
                right = MessageContent.IsRight(inPlace, number, worker.Seed);
            }
            else
            {
                Copy(message);
                right = MessageContent.IsRight(_buffer.AsSpan(0, (int)message.Length), number, worker.Seed);
            }

            // In place, the bytes are this message's until the handle is closed.
            if (!right && !work.IsClosing)
                work.Note(number, Step.Garbage, message.DeliveryAttempt);
            return true;
        }
        catch (MessageWithdrawnException)
        {
            work.Note(number, Step.Withdrawn, message.DeliveryAttempt);
        }
        catch (MessageLostException)
        {
            work.Note(number, Step.Lost, message.DeliveryAttempt);
        }
        catch (Exception e) when (e is OneCopyException || (e is InvalidOperationException && work.IsClosing))
        {
            // The pull is refused and its sender has no room to move it to: it comes again. Or the handle is being closed.
            Abandon(message, number, message.Dispose);
            return false;
        }

        message.Dispose();
        return false;
    }

    private void Copy(ReceivedMessage message)
    {
        int length = (int)message.Length;
        if (_buffer.Length < length)
            _buffer = new byte[length];
        int first = _dice.Next(3) == 0 ? _dice.Next(length) : length;
        message.CopyTo(0, _buffer.AsSpan(0, first));
        message.CopyTo(first, _buffer.AsSpan(first, length - first));
    }

    private void AnswerHeld(bool all)
    {
        for (int i = _held.Count - 1; i >= 0; i--)
        {
            (ReceivedMessage message, ulong number, long until) = _held[i];
            if (!all && Stopwatch.GetTimestamp() < until)
                continue;
            _held.RemoveAt(i);
            Answer(message, number);
            _slot.Leave();
        }
    }

    private void Answer(ReceivedMessage message, ulong number)
    {
        switch (_dice.Next(100))
        {
            case < 8:
                Abandon(message, number, message.Abandon);
                break;
            case < 11:
                Abandon(message, number, message.Dispose);
                break;
            case < 12:
                DeadLetter(message, number);
                break;
            default:
                Complete(message, number);
                break;
        }
    }

    private void Complete(ReceivedMessage message, ulong number)
    {
        _slot.Enter(Operation.Answer);
        work.Note(number, Step.CompleteBegins, message.DeliveryAttempt);
        try
        {
            message.Complete();
            work.Note(number, Step.CompleteEnds, message.DeliveryAttempt);
        }
        catch (MessageWithdrawnException)
        {
            work.Note(number, Step.Withdrawn, message.DeliveryAttempt);
        }
        catch (ObjectDisposedException)
        {
            work.Note(number, Step.AnswerFailed, message.DeliveryAttempt);
        }

        message.Dispose();
    }

    private void Abandon(ReceivedMessage message, ulong number, Action giveBack)
    {
        _slot.Enter(Operation.Answer);
        work.Note(number, Step.AbandonBegins, message.DeliveryAttempt);
        giveBack();
        work.Note(number, Step.AbandonEnds, message.DeliveryAttempt);
        message.Dispose();
    }

    private void DeadLetter(ReceivedMessage message, ulong number)
    {
        _slot.EnterCounted(Operation.DeadLetter);
        work.Note(number, Step.DeadLetterBegins, message.DeliveryAttempt);
        try
        {
            message.DeadLetter("drawn by lot", work.Stopping);
            work.Note(number, Step.DeadLetterEnds, message.DeliveryAttempt);
            message.Dispose();
        }
        catch (MessageWithdrawnException)
        {
            work.Note(number, Step.Withdrawn, message.DeliveryAttempt);
            message.Dispose();
        }
        catch (MessageLostException)
        {
            work.Note(number, Step.Lost, message.DeliveryAttempt);
            message.Dispose();
        }
        catch (Exception e) when (e is OperationCanceledException or InvalidOperationException or OneCopyException)
        {
            work.Note(number, Step.AnswerFailed, message.DeliveryAttempt);
            Abandon(message, number, message.Dispose);
        }
    }
}
