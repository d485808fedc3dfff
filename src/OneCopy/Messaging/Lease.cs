using System.Runtime.CompilerServices;
using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>
/// A message on a lease of this handle: what stands behind a <see cref="ReceivedMessage"/>. Used again for later messages of the same sender, so that
/// receiving allocates nothing: each use has a version, by which what was handed out for an earlier one is told apart and refused.
/// </summary>
/// <remarks>
/// One word says which use it is, how it was answered and how many operations are at it; the last of them, once it is answered, makes it idle. So a thread that
/// still copies while another one answers finds nothing changed under its hands. As long as it exists, in use or idle, it keeps its owner's file mapped.
/// </remarks>
internal sealed unsafe partial class Lease(MessageQueue queue, Peer owner) : IDisposable
{
    // { version:32, answer:8, users:24 }, written within the handle's gate for leases, but for the start of a use, by whoever has taken the idle object; read anywhere.
    private const int VersionShift = 32;
    private const int AnswerShift = 24;
    private const long UsersMask = (1L << AnswerShift) - 1;
    private const byte Disposed = 0x80;

    private long _use = Word(1, Answer.Idle, users: 0);
    private int _block;
    private BlockState _leased;
    private MessageRecord _claimed;
    private StrongBox<MessageRecord>? _moved;
    private MessageProperties? _properties;

    internal enum Answer : byte
    {
        None,
        Completed,
        Abandoned,
        DeadLettered,
        Lost,
        Withdrawn,
        Damaged,
        Idle,
    }

    public MessageQueue Queue => queue;

    public Peer Owner => owner;

    public int Block => _block;

    public BlockState Leased => _leased;

    /// <summary>Which use of this object it is now.</summary>
    public uint Version => VersionOf(Volatile.Read(ref _use));

    public long Length => Record.Length;

    public Lane Lane => Record.Lane;

    public int DeliveryAttempt => _leased.Attempts + 1;

    public string Id => $"{owner.Incarnation}-{Record.Sequence}";

    public DateTimeOffset TimeSent => TimeOf(Record.TimeSent);

    public DateTimeOffset? Expires => Record.Expires == 0 ? null : TimeOf(Record.Expires);

    // Swapped as a whole, for readers on other threads.
    public ref readonly MessageRecord Record
    {
        get
        {
            if (Volatile.Read(ref _moved) is { } moved)
                return ref moved.Value;
            return ref _claimed;
        }
    }

    /// <summary>A new use of an idle lease, by whoever has just claimed the message.</summary>
    public void Start(int block, BlockState leased, in MessageRecord record)
    {
        // Those that look without an exchange find the use of before over, or what belonged to it.
        Volatile.WriteBarrier();
        _block = block;
        _leased = leased;
        _claimed = record;
        _moved = null;
        _properties = null;
        _segments = null;
        _ways = 0;

        // Release: whoever is handed this version finds what was written above.
        Volatile.Write(ref _use, Word(Version, Answer.None, users: 0));
    }

    /// <summary>
    /// Whether it is still the use that a handed out message means. After the reads of what is asked for: the barrier keeps them before this one, so
    /// that what was read is that message's.
    /// </summary>
    public void Check(uint version)
    {
        Volatile.ReadBarrier();
        if (Version != version)
            throw AnsweredBefore();
    }

    /// <summary>Begins an operation on the message; pair with <see cref="End"/>.</summary>
    public void Begin(uint version)
    {
        if (!TryBegin(version, Answer.None, CurrentThread.Id))
            throw WhyNotOpen(version);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryBegin(uint version, Answer answer, nint thread)
    {
        queue.Leases.Enter(thread);
        long seen = _use;
        bool begins = VersionOf(seen) == version && AnswerOf(seen) == Answer.None;
        if (begins)
            Volatile.Write(ref _use, seen + ((long)answer << AnswerShift) + 1);
        queue.Leases.Exit();
        return begins;
    }

    /// <summary>What to throw where an operation on the message did not begin.</summary>
    public Exception WhyNotOpen(uint version)
    {
        long seen = Volatile.Read(ref _use);
        return VersionOf(seen) != version ? AnsweredBefore() : Refusal(AnswerOf(seen));
    }

    /// <summary>After what was read of the message: whoever has answered it meanwhile has given it to others.</summary>
    public void ThrowIfAnswered()
    {
        Volatile.ReadBarrier();
        Answer answer = AnswerOf(Volatile.Read(ref _use));
        if (answer != Answer.None)
            throw Refusal(answer);
    }

    public void End()
    {
        queue.Leases.Enter();
        bool isKept = EndInGate();
        queue.Leases.Exit();
        if (!isKept)
            queue.ReleaseLater(owner);
    }

    /// <summary>The message is done, or was withdrawn. Within an operation of the handle, whose file has the counters. False: it was answered before.</summary>
    public bool TryComplete(uint version, nint thread, out bool isDone)
    {
        // Two times through the gate, and not once around it all: the change of the state waits for another processor's cache, and others would wait for that.
        isDone = false;
        if (!TryBegin(version, Answer.Completed, thread))
            return false;
        isDone = queue.Finish(owner, _block, _leased);
        queue.Leases.Enter(thread);
        if (isDone)
            queue.CountCompleted(Lane, Length);
        else
            Volatile.Write(ref _use, Answered(_use, Answer.Withdrawn));
        bool isKept = EndInGate();
        queue.Leases.Exit();
        if (!isKept)
            queue.ReleaseLater(owner);
        return true;
    }

    /// <summary>Within <see cref="Begin(uint)"/> and <see cref="End"/>, as all that follows.</summary>
    public void Abandon()
    {
        if (queue.TryDeadLetterExhausted(this))
            return;
        Take(Answer.Abandoned);
        queue.TryAbandon(owner, _block, _leased);
    }

    public void DeadLetter(string reason, CancellationToken ct) => queue.DeadLetter(this, reason, ct);

    /// <summary>As the caller of <see cref="ReceivedMessage.Dispose"/> means it: abandons it if it is this use, and not answered. Never throws.</summary>
    public void Dispose(uint version)
    {
        if (!Is(Volatile.Read(ref _use), version))
            return; // Mostly: answered, and the use over.
        queue.Leases.Enter();
        bool begins = Is(_use, version);
        if (begins)
            Volatile.Write(ref _use, _use + 1);
        queue.Leases.Exit();
        if (!begins)
            return;
        try
        {
            if (AnswerOf(Volatile.Read(ref _use)) == Answer.None)
                queue.TryDeadLetterExhausted(this);
            if (TryTake(Answer.Abandoned))
                queue.TryAbandon(owner, _block, _leased);
        }
        catch (OneCopyException)
        {
            // The ring is in disorder, which the next operation says; what cannot be put back is recovered with this handle.
        }
        finally
        {
            // Those that were lost, withdrawn or damaged are let go by this alone.
            queue.Leases.Enter();
            Volatile.Write(ref _use, _use | ((long)Disposed << AnswerShift));
            bool isKept = EndInGate();
            queue.Leases.Exit();
            if (!isKept)
                queue.ReleaseLater(owner);
        }

        static bool Is(long use, uint version) => VersionOf(use) == version && AnswerOf(use) != Answer.Idle;
    }

    /// <summary>Of one that was handed to nobody.</summary>
    public void Dispose() => Dispose(Version);

    /// <summary>As if it had never been handed out; nothing if it was answered.</summary>
    public void GiveBack(uint version)
    {
        Begin(version);
        if (TryTake(Answer.Abandoned))
            queue.TryAbandon(owner, _block, _leased, countAttempt: false);
        End();
    }

    /// <summary>A dead letter, if the dead-letter queue has room, else abandoned: it is in a queue in any case.</summary>
    public void SetAside(string reason)
    {
        if (!queue.TryDeadLetter(this, reason) && TryTake(Answer.Abandoned))
            queue.TryAbandon(owner, _block, _leased);
    }

    /// <summary>Abandons it, however often it was handed out, and rings its sender, which waits for this answer. Nothing if it was answered.</summary>
    public void GiveUp(uint version)
    {
        Begin(version);
        try
        {
            if (TryTake(Answer.Abandoned))
                queue.GiveUp(owner, _block, _leased);
        }
        finally
        {
            End();
        }
    }

    public void FinishDeadLettered()
    {
        if (TryTake(Answer.DeadLettered))
            queue.FinishDeadLettered(owner, _block, _leased);
    }

    // Of another process's making: clamped to what the type can say. In ticks, for a double would round the largest up.
    public static DateTimeOffset TimeOf(long microseconds) =>
        DateTimeOffset.UnixEpoch.AddTicks(Math.Clamp(microseconds, 0, 253402300799999999) * TimeSpan.TicksPerMicrosecond);

    /// <summary>Whether it is still this use, and not answered. An acquiring read.</summary>
    private bool IsOpen(uint version) => (Volatile.Read(ref _use) & ~UsersMask) == Word(version, Answer.None, users: 0);

    private static long Word(uint version, Answer answer, int users) => ((long)version << VersionShift) | ((long)answer << AnswerShift) | (uint)users;

    private static long Answered(long use, Answer answer) => (use & ~((Disposed - 1L) << AnswerShift)) | ((long)answer << AnswerShift);

    private static uint VersionOf(long use) => (uint)(use >> VersionShift);

    private static Answer AnswerOf(long use) => (Answer)((byte)(use >> AnswerShift) & ~Disposed);

    // A lost one stays as it is until it is disposed, so that every later call says what happened.
    private static bool IsOver(long use) =>
        ((byte)(use >> AnswerShift) & Disposed) != 0 || AnswerOf(use) is Answer.Completed or Answer.Abandoned or Answer.DeadLettered;

    private static InvalidOperationException AnsweredBefore() => new("The message was answered before.");

    /// <summary>Within the gate: an operation is over, and the use of this object as well if it is answered and nobody else is at it. False: nobody will want it again; it is to be released.</summary>
    private bool EndInGate()
    {
        long use = _use - 1;
        bool isOver = (use & UsersMask) == 0 && IsOver(use);
        Volatile.Write(ref _use, isOver ? Word(VersionOf(use) + 1, Answer.Idle, users: 0) : use);
        return !isOver || owner.TryReturn(this);
    }

    private void Take(Answer answer)
    {
        if (!TryTake(answer))
            throw Refusal(AnswerOf(Volatile.Read(ref _use)));
    }

    private bool TryTake(Answer answer)
    {
        queue.Leases.Enter();
        bool changes = AnswerOf(_use) == Answer.None;
        if (changes)
            Volatile.Write(ref _use, Answered(_use, answer));
        queue.Leases.Exit();
        return changes;
    }

    /// <summary>The message has come to an end that nobody here gave it. What to throw: that, or what it was answered with before.</summary>
    private Exception EndAs(Answer answer, out bool first)
    {
        first = TryTake(answer);
        return Refusal(first ? answer : AnswerOf(Volatile.Read(ref _use)));
    }

    private Exception Refusal(Answer before) => before switch
    {
        Answer.Lost => new MessageLostException(owner.File.Pid),
        Answer.Withdrawn => new MessageWithdrawnException(),
        Answer.Damaged => QueueCorruptException.Truncated(owner.File.Path),
        _ => AnsweredBefore(),
    };
}
