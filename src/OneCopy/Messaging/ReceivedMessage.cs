using OneCopy.Messaging;

namespace OneCopy;

/// <summary>
/// A message on a lease: nobody else has it as long as this process lives and has not answered. Answer with <see cref="Complete"/>,
/// <see cref="Abandon"/> or <see cref="DeadLetter"/>; disposed without an answer it is abandoned. Reading is thread-safe; answer once.
/// </summary>
/// <remarks>
/// A small value that stands for the lease; copies of it are the same message, and receiving one allocates nothing. What tells it from others (<see cref="Id"/>,
/// <see cref="SequenceNumber"/>, <see cref="Length"/>, <see cref="DeliveryAttempt"/>) can be read for ever; all else until it is answered: after that it throws
/// <see cref="InvalidOperationException"/> (and <see cref="Dispose"/> does nothing), whatever the handle has received since.
/// </remarks>
public readonly partial struct ReceivedMessage : IDisposable, IEquatable<ReceivedMessage>
{
    private readonly Lease? _lease;
    private readonly uint _version;
    private readonly ushort _attempts;
    private readonly long _sequence;
    private readonly long _incarnation;

    internal ReceivedMessage(Lease lease)
    {
        _lease = lease;
        _version = lease.Version;
        _attempts = (ushort)lease.Leased.Attempts;
        _sequence = (long)lease.Record.Sequence;
        _incarnation = lease.Owner.Incarnation;
        Length = lease.Length;
    }

    /// <summary>Bytes of the payload.</summary>
    public long Length { get; }

    /// <summary>How the payload travels. An attached one whose pull was refused goes by the arena instead.</summary>
    /// <exception cref="InvalidOperationException">It was answered before.</exception>
    public Lane Lane => Checked(Lease.Lane);

    /// <summary>1 when it is handed out for the first time, more after it was given back or its receiver died.</summary>
    public int DeliveryAttempt => _attempts + 1;

    /// <summary>When it was sent, by the sender's clock.</summary>
    /// <exception cref="InvalidOperationException">It was answered before.</exception>
    public DateTimeOffset TimeSent => Checked(Lease.TimeSent);

    /// <summary>
    /// From when on it is handed to nobody any more (<see cref="SendOptions.TimeToLive"/>), by the sender's clock; null: never. What is held may be
    /// completed all the same.
    /// </summary>
    /// <exception cref="InvalidOperationException">It was answered before.</exception>
    public DateTimeOffset? Expires => Checked(Lease.Expires);

    /// <summary>The sender's process. Of the sender's own pid namespace, and of somebody else by now if it has ended.</summary>
    /// <exception cref="InvalidOperationException">It was answered before.</exception>
    public int SenderPid => Checked(Lease.Owner.File.Pid);

    /// <summary>The sender's user: the owner of its file, by the file system.</summary>
    /// <exception cref="InvalidOperationException">It was answered before.</exception>
    public int SenderUid => Checked((int)Lease.Owner.File.FileUid);

    /// <summary>Counts the messages of one sender's handle: 1, 2, …</summary>
    public long SequenceNumber => _sequence;

    /// <summary>Unique in the life of the queue: the sender's incarnation and its sequence number.</summary>
    public string Id => $"{_incarnation}-{_sequence}";

    /// <summary>What the sender sent beside the payload; a copy, the caller's own.</summary>
    /// <exception cref="QueueCorruptException">They are damaged.</exception>
    /// <exception cref="InvalidOperationException">It was answered before.</exception>
    public MessageProperties Properties
    {
        get
        {
            Lease lease = Begin();
            try
            {
                return lease.Properties;
            }
            finally
            {
                lease.End();
            }
        }
    }

    internal Lease Lease => _lease ?? throw new InvalidOperationException("This is the default value of ReceivedMessage, and no message.");

    /// <summary>The message is done: it is handed to nobody again, and its sender's memory is free.</summary>
    /// <exception cref="MessageWithdrawnException">The sender took it back before; what was copied is not valid.</exception>
    /// <exception cref="MessageLostException">It was lost with its sender.</exception>
    /// <exception cref="InvalidOperationException">It was answered before.</exception>
    public void Complete()
    {
        if (!Lease.Queue.TryComplete(this))
            throw new MessageWithdrawnException();
    }

    /// <summary>False: it was withdrawn.</summary>
    internal bool TryComplete(nint thread) => TryCompleteIfOpen(thread, out bool isDone) ? isDone : throw WhyNotOpen();

    /// <summary>The same. False: it was answered before.</summary>
    internal bool TryCompleteIfOpen(nint thread, out bool isDone) => Lease.TryComplete(_version, thread, out isDone);

    internal Exception WhyNotOpen() => Lease.WhyNotOpen(_version);

    /// <summary>
    /// Gives it back, to be handed out again at once, to anybody. If it was handed out as often as the queue allows
    /// (<see cref="QueueOptions.MaxDeliveryAttempts"/>), it goes to the dead-letter queue instead.
    /// </summary>
    /// <exception cref="InvalidOperationException">It was answered before.</exception>
    public void Abandon()
    {
        Lease lease = Begin();
        try
        {
            lease.Abandon();
        }
        finally
        {
            lease.End();
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
        Lease lease = Begin();
        try
        {
            lease.DeadLetter(reason, cancellationToken);
        }
        finally
        {
            lease.End();
        }
    }

    /// <summary>Abandons it if it was not answered. Never throws; may be called twice.</summary>
    public void Dispose() => _lease?.Dispose(_version);

    /// <summary>Whether both stand for the same message on the same lease.</summary>
    /// <param name="other">The other one.</param>
    public bool Equals(ReceivedMessage other) => _lease == other._lease && _version == other._version;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is ReceivedMessage other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_lease, _version);

    /// <inheritdoc cref="Equals(ReceivedMessage)"/>
    /// <param name="left">One.</param>
    /// <param name="right">The other one.</param>
    public static bool operator ==(ReceivedMessage left, ReceivedMessage right) => left.Equals(right);

    /// <summary>The opposite of ==.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other one.</param>
    public static bool operator !=(ReceivedMessage left, ReceivedMessage right) => !left.Equals(right);

    internal void GiveBack() => Lease.GiveBack(_version);

    internal void GiveUp() => Lease.GiveUp(_version);

    /// <summary>Dead-letters it if that needs no wait, else abandons it.</summary>
    internal void SetAside(string reason)
    {
        Lease lease = Begin();
        try
        {
            lease.SetAside(reason);
        }
        finally
        {
            lease.End();
        }
    }

    private Lease Begin()
    {
        Lease lease = Lease;
        lease.Begin(_version);
        return lease;
    }

    private T Checked<T>(T value)
    {
        Lease.Check(_version);
        return value;
    }
}
