using OneCopy.Messaging;

namespace OneCopy.Cli.Torture;

/// <summary>
/// Looks every few milliseconds at what the running workers are doing, and measures how long one is kept waiting by the queue: it is in the
/// middle of an operation, runs, and has what the operation needs. A receiver has it when the ring is not empty; a sender, when the ring is
/// not full and it has blocks and arena bytes; one who waits for its message's end, when none of its messages is in the queue; one who copies,
/// unless the sender is stopped; everything else needs nothing.
/// </summary>
/// <remarks>
/// The machine is busy, and a process that gets no processor waits too. So each worker has a <see cref="Pulse"/>, and what it and the
/// conductor were late by in the same time is taken off. Both numbers are kept, before and after that.
/// </remarks>
internal sealed class StallWatch(List<Fault> faults, Func<int, Life?> lifeOf)
{
    /// <summary>How long a running worker may be kept waiting.</summary>
    public const double LimitMilliseconds = 250;

    // Shorter waits are the daily business of any queue.
    private const double NotedFromMilliseconds = 5;
    private const int InlineLength = 400;

    public Spread Waits { get; } = new();

    public Spread WaitsBeforeLateness { get; } = new();

    /// <summary>Looks at one worker.</summary>
    /// <param name="life">The worker.</param>
    /// <param name="ring">The queue's ring.</param>
    /// <param name="now">The time of this look.</param>
    /// <param name="conductorLate">How late the conductor was in all until now.</param>
    public void Look(Life life, Ring ring, long now, long conductorLate)
    {
        long late = life.LateAt(now) + conductorLate;
        for (int i = 0; i < Journal.SlotCount; i++)
        {
            Slot slot = life.Journal.SlotAt(i);
            SlotWait wait = life.Waits[i];
            long word = slot.Word;
            long since = slot.Since;
            if (slot.Word != word)
                continue; // It changes while we look: it goes on.
            if (word != wait.Word)
            {
                End(life, wait, since, late);
                wait.Word = word;
            }

            Operation operation = Slot.OperationOf(word);
            bool needsNothing = operation is Operation.Answer or Operation.DeadLetter or Operation.Open or Operation.Close;
            if (!needsNothing && !CanGoOn(operation, slot.Argument, life, ring))
            {
                End(life, wait, now, late);
            }
            else if (wait.Since == 0)
            {
                wait.Since = needsNothing ? since : now;

                // Not to count against it what it, or we, missed since the last look.
                wait.Late = needsNothing ? life.LateAtLastLook : late;
            }
        }

        life.LateAtLastLook = late;
    }

    /// <summary>It is stopped, or killed, or over: what it waited for until then is measured, unless it does not count.</summary>
    public void Forget(Life life, long now, long conductorLate)
    {
        foreach (SlotWait wait in life.Waits)
        {
            End(life, wait, now, life.LateAt(now) + conductorLate);
            wait.Word = 0;
        }
    }

    private bool CanGoOn(Operation operation, long argument, Life life, Ring ring) => operation switch
    {
        Operation.Receive => Volatile.Read(ref ring.Tail) != Volatile.Read(ref ring.Head),
        Operation.Copy => lifeOf((int)argument) is not { StoppedUntil: not 0 },
        Operation.Send => !ring.LooksFull && life.Participant is { } self && HasRoom(self, argument),
        Operation.SendAttached => !ring.LooksFull && life.Participant is { } self && IsEmpty(self),
        _ => false,
    };

    /// <summary>For a message that goes into its block, two free blocks; for others, no arena byte in use.</summary>
    private static bool HasRoom(Participant self, long length)
    {
        int free = 0;
        for (int block = 0; block < self.BlockCount; block++)
        {
            Phase phase = self.State(block).Phase;
            if (phase is Phase.Free or Phase.Done)
                free++;
            else if (length > InlineLength && !(phase is Phase.Queued or Phase.Leased && MessageRecord.IsAttached(self, block)))
                return false;
        }

        return free >= 2;
    }

    private static bool IsEmpty(Participant self)
    {
        for (int block = 0; block < self.BlockCount; block++)
        {
            if (self.State(block).Phase is Phase.Queued or Phase.Leased)
                return false;
        }

        return true;
    }

    private void End(Life life, SlotWait wait, long end, long late)
    {
        if (wait.Since == 0)
            return;
        double gross = (end - wait.Since) / 1e6;
        double net = gross - ((late - wait.Late) / 1e6);
        wait.Since = 0;
        if (gross < NotedFromMilliseconds)
            return;
        WaitsBeforeLateness.Add(gross);
        Waits.Add(Math.Max(0, net));
        if (net > LimitMilliseconds)
        {
            faults.Add(new Fault(
                FaultKind.Stalled,
                $"life {life.Number} was kept waiting for {net:0} ms ({gross:0} ms less {gross - net:0} ms in which it, or the conductor, did not run) in {Slot.OperationOf(wait.Word)}"));
        }
    }
}

/// <summary>Durations in milliseconds, all of them.</summary>
internal sealed class Spread
{
    private readonly List<double> _values = [];

    public int Count => _values.Count;

    public double Max => _values.Count == 0 ? 0 : _values.Max();

    public void Add(double value) => _values.Add(value);

    /// <summary>The value that a part of all are not above: 0.99.</summary>
    public double At(double part) => _values.Count == 0 ? 0 : _values.Order().ElementAt(Math.Min(_values.Count - 1, (int)(part * _values.Count)));
}
