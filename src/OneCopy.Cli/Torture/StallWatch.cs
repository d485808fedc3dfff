using OneCopy.Messaging;

namespace OneCopy.Cli.Torture;

/// <summary>
/// Looks every few milliseconds at what the running workers are doing, and measures how long one is kept waiting by the queue: it is in the
/// middle of an operation, runs, and has what the operation needs. A receiver has it when the ring is not empty; a sender, when the ring is
/// not full and it has blocks and arena bytes; one who waits for its message's end, when none of its messages is in the queue; one who copies,
/// unless the sender is stopped; everything else needs nothing.
/// </summary>
/// <remarks>
/// The machine is busy, and a process that gets no processor waits too. So each worker has a <see cref="Pulse"/>, and the kernel counts how long
/// the waiting thread stood in line for a processor; the longer of the two in the same time is taken off, and what the conductor itself
/// was late by. Both numbers are kept, before and after that.
/// </remarks>
internal sealed class StallWatch(List<Fault> faults, Func<int, Life?> lifeOf, Func<string> others)
{
    /// <summary>How long a running worker may be kept waiting.</summary>
    public const double LimitMilliseconds = 250;

    // Shorter waits are the daily business of any queue.
    private const double NotedFromMilliseconds = 5;
    private const double LookedAtFromMilliseconds = 15;
    private const int InlineLength = 400;

    public Spread Waits { get; } = new();

    public Spread WaitsBeforeLateness { get; } = new();

    /// <summary>Looks at one worker.</summary>
    /// <param name="life">The worker.</param>
    /// <param name="ring">The queue's ring.</param>
    /// <param name="clock">The time of this look.</param>
    public void Look(Life life, Ring ring, Clock clock)
    {
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
                End(life, wait, slot.Thread, clock with { Now = since });
                wait.Word = word;
            }

            Operation operation = Slot.OperationOf(word);
            bool needsNothing = operation is Operation.Answer or Operation.DeadLetter or Operation.Open or Operation.Close;
            if (!needsNothing && !CanGoOn(operation, slot.Argument, life, ring))
            {
                End(life, wait, slot.Thread, clock);
            }
            else if (wait.Since == 0)
            {
                wait.Since = needsNothing ? since : clock.Now;
                wait.QueuedForProcessor = WaitsForThreads(operation) ? slot.QueuedAtEntry : -1;

                // Not to count against it what it, or we, missed since the last look.
                wait.Late = needsNothing ? life.LateAtLastLook : life.LateAt(clock.Now);
                wait.ConductorLate = needsNothing ? clock.LateAtLastLook : clock.Late;
            }
            else if (wait.QueuedForProcessor < 0 && clock.Now - wait.Since > LookedAtFromMilliseconds * 1e6 && slot.Thread != 0)
            {
                wait.QueuedForProcessor = life.QueuedForProcessor(slot.Thread);
            }
        }

        life.LateAtLastLook = life.LateAt(clock.Now);
    }

    /// <summary>It is stopped, or killed, or over: what it waited for until then is measured.</summary>
    public void Forget(Life life, Clock clock)
    {
        for (int i = 0; i < Journal.SlotCount; i++)
        {
            End(life, life.Waits[i], life.Journal.SlotAt(i).Thread, clock);
            life.Waits[i].Word = 0;
        }
    }

    /// <summary>
    /// Opening and closing wait for threads of their process to start and to end, which stand in line themselves; the first dead letter of a
    /// handle opens the queue for it. So all the process's threads count.
    /// </summary>
    private static bool WaitsForThreads(Operation operation) => operation is Operation.Open or Operation.Close or Operation.DeadLetter;

    private bool CanGoOn(Operation operation, long argument, Life life, Ring ring) => operation switch
    {
        Operation.Receive or Operation.ReceiveInto => Volatile.Read(ref ring.Tail) != Volatile.Read(ref ring.Head),
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

    private void End(Life life, SlotWait wait, int thread, Clock clock)
    {
        if (wait.Since == 0)
            return;
        double gross = (clock.Now - wait.Since) / 1e6;
        double late = (life.LateAt(clock.Now) - wait.Late) / 1e6;
        double conductorLate = (clock.Late - wait.ConductorLate) / 1e6;
        wait.Since = 0;
        if (gross < NotedFromMilliseconds)
            return;
        bool waitsForThreads = WaitsForThreads(Slot.OperationOf(wait.Word));
        double queued = 0;
        if (wait.QueuedForProcessor >= 0)
            queued = Math.Max(0, (waitsForThreads ? life.QueuedForProcessor() : life.QueuedForProcessor(thread)) - wait.QueuedForProcessor) / 1e6;

        // The worker's two are the same time, seen from two sides.
        double net = Math.Max(0, gross - Math.Max(late, queued) - conductorLate);
        WaitsBeforeLateness.Add(gross);
        Waits.Add(net);
        if (net > LimitMilliseconds)
        {
            faults.Add(new Fault(
                FaultKind.Stalled,
                $"life {life.Number} was kept waiting for {net:0} ms in {Slot.OperationOf(wait.Word)}: {gross:0} ms, in which it was late by {late:0} ms, " +
                $"stood in line for a processor for {queued:0} ms, and the conductor was late by {conductorLate:0} ms; {others()}"));
        }
    }
}

/// <summary>The time of a look, and how late the conductor was in all until then and until the look before: it needs a processor too.</summary>
internal readonly record struct Clock(long Now, long Late, long LateAtLastLook);

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
