using OneCopy.Messaging;

namespace OneCopy;

/// <summary>
/// A message on a lease: nobody else has it as long as this process lives and has not answered. Answer with <see cref="Complete"/>,
/// <see cref="Abandon"/> or <see cref="DeadLetter"/>; disposed without an answer it is abandoned. Reading is thread-safe; answer once.
/// </summary>
public sealed partial class ReceivedMessage : IDisposable
{
    private readonly MessageQueue _queue;
    private readonly Peer _owner;
    private readonly int _block;
    private readonly BlockState _leased;
    private readonly MessageRecord _claimed;
    private System.Runtime.CompilerServices.StrongBox<MessageRecord>? _moved;
    private MessageProperties? _properties;
    private int _answer;
    private int _released;

    internal ReceivedMessage(MessageQueue queue, Peer owner, int block, BlockState leased, MessageRecord record)
    {
        _queue = queue;
        _owner = owner;
        _block = block;
        _leased = leased;
        _claimed = record;
    }

    private enum Answer
    {
        None,
        Completed,
        Abandoned,
        DeadLettered,
        Lost,
        Withdrawn,
        Damaged,
    }

    // Swapped as a whole, for readers on other threads.
    private ref readonly MessageRecord Record
    {
        get
        {
            if (Volatile.Read(ref _moved) is { } moved)
                return ref moved.Value;
            return ref _claimed;
        }
    }

    /// <summary>Bytes of the payload.</summary>
    public long Length => Record.Length;

    /// <summary>How the payload travels. An attached one whose pull was refused goes by the arena instead.</summary>
    public Lane Lane => Record.Lane;

    /// <summary>1 when it is handed out for the first time, more after it was given back or its receiver died.</summary>
    public int DeliveryAttempt => _leased.Attempts + 1;

    /// <summary>When it was sent, by the sender's clock.</summary>
    public DateTimeOffset TimeSent => TimeOf(Record.TimeSent);

    /// <summary>
    /// From when on it is handed to nobody any more (<see cref="SendOptions.TimeToLive"/>), by the sender's clock; null: never. What is held may be
    /// completed all the same.
    /// </summary>
    public DateTimeOffset? Expires => Record.Expires == 0 ? null : TimeOf(Record.Expires);

    /// <summary>The sender's process. Of the sender's own pid namespace, and of somebody else by now if it has ended.</summary>
    public int SenderPid => _owner.File.Pid;

    /// <summary>The sender's user: the owner of its file, by the file system.</summary>
    public int SenderUid => (int)_owner.File.FileUid;

    /// <summary>Counts the messages of one sender's handle: 1, 2, …</summary>
    public long SequenceNumber => (long)Record.Sequence;

    /// <summary>Unique in the life of the queue: the sender's incarnation and its sequence number.</summary>
    public string Id => $"{_owner.Incarnation}-{Record.Sequence}";

    /// <summary>What the sender sent beside the payload; a copy, the caller's own.</summary>
    /// <exception cref="QueueCorruptException">They are damaged.</exception>
    public MessageProperties Properties => _properties ??= ReadProperties();

    /// <summary>The message is done: it is handed to nobody again, and its sender's memory is free.</summary>
    /// <exception cref="MessageWithdrawnException">The sender took it back before; what was copied is not valid.</exception>
    /// <exception cref="MessageLostException">It was lost with its sender.</exception>
    /// <exception cref="InvalidOperationException">It was answered before.</exception>
    public void Complete()
    {
        Take(Answer.Completed);
        bool completed;
        try
        {
            completed = _queue.TryComplete(_owner, _block, _leased, Lane, Length);
        }
        finally
        {
            Release();
        }

        if (completed)
            return;
        Volatile.Write(ref _answer, (int)Answer.Withdrawn);
        throw new MessageWithdrawnException();
    }

    /// <summary>
    /// Gives it back, to be handed out again at once, to anybody. If it was handed out as often as the queue allows
    /// (<see cref="QueueOptions.MaxDeliveryAttempts"/>), it goes to the dead-letter queue instead.
    /// </summary>
    /// <exception cref="InvalidOperationException">It was answered before.</exception>
    public void Abandon()
    {
        ThrowIfAnswered();
        if (_queue.TryDeadLetterExhausted(this))
            return;
        Take(Answer.Abandoned);
        try
        {
            _queue.TryAbandon(_owner, _block, _leased);
        }
        finally
        {
            Release();
        }
    }

    /// <summary>Puts it into the dead-letter queue (<see cref="MessageQueue.DeadLetterQueueName"/>); waits while that has no room.</summary>
    /// <param name="reason">Why; it becomes a header of the dead letter.</param>
    /// <param name="cancellationToken">Ends the wait for room; the message stays on its lease.</param>
    /// <exception cref="InvalidOperationException">It was answered before.</exception>
    /// <exception cref="OneCopyException">The dead-letter queue cannot be written; the message is still on its lease.</exception>
    public void DeadLetter(string reason, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(reason);
        ThrowIfAnswered();
        _queue.DeadLetter(this, reason, cancellationToken);
    }

    /// <summary>Abandons it if it was not answered. Never throws.</summary>
    public void Dispose()
    {
        if ((Answer)Volatile.Read(ref _answer) == Answer.None)
            _queue.TryDeadLetterExhausted(this);
        Answer before = (Answer)Interlocked.CompareExchange(ref _answer, (int)Answer.Abandoned, (int)Answer.None);
        try
        {
            if (before == Answer.None)
                _queue.TryAbandon(_owner, _block, _leased);
        }
        catch (OneCopyException)
        {
            // The ring is in disorder, which the next operation says; what cannot be put back is recovered with this handle.
        }

        // A thread that is just answering lets go of the memory itself, when it needs it no longer.
        if (before is Answer.None or Answer.Lost or Answer.Withdrawn or Answer.Damaged)
            Release();
    }

    internal bool SentAfter(long time) => Record.TimeSent > time;

    /// <summary>As if it had never been handed out; nothing if it was answered.</summary>
    internal void GiveBack()
    {
        if (Interlocked.CompareExchange(ref _answer, (int)Answer.Abandoned, (int)Answer.None) == (int)Answer.None)
            _queue.TryAbandon(_owner, _block, _leased, countAttempt: false);
        Release();
    }

    internal void FinishDeadLettered()
    {
        if (Interlocked.CompareExchange(ref _answer, (int)Answer.DeadLettered, (int)Answer.None) != (int)Answer.None)
            return;
        try
        {
            _queue.FinishDeadLettered(_owner, _block, _leased);
        }
        finally
        {
            Release();
        }
    }

    // Of another process's making: clamped to what the type can say. In ticks, for a double would round the largest up.
    internal static DateTimeOffset TimeOf(long microseconds) => DateTimeOffset.UnixEpoch.AddTicks(Math.Clamp(microseconds, 0, 253402300799999999) * TimeSpan.TicksPerMicrosecond);

    /// <summary>Answered: the memory may be unmapped.</summary>
    private void Release()
    {
        if (Interlocked.Exchange(ref _released, 1) == 0)
            _owner.Release();
    }

    private void Take(Answer answer)
    {
        Answer before = (Answer)Interlocked.CompareExchange(ref _answer, (int)answer, (int)Answer.None);
        if (before != Answer.None)
            throw Refusal(before);
    }

    private void ThrowIfAnswered()
    {
        Answer answer = (Answer)Volatile.Read(ref _answer);
        if (answer != Answer.None)
            throw Refusal(answer);
    }

    private Exception Refusal(Answer before) => before switch
    {
        Answer.Lost => new MessageLostException(SenderPid),
        Answer.Withdrawn => new MessageWithdrawnException(),
        Answer.Damaged => QueueCorruptException.Truncated(_owner.File.Path),
        _ => new InvalidOperationException($"The message was answered before: {before}."),
    };
}
