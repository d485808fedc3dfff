using System.Buffers;
using System.Runtime.CompilerServices;
using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>What the message holds, and what becomes of it while it is read. Within <see cref="Begin(uint)"/> and <see cref="End"/>.</summary>
internal sealed unsafe partial class Lease
{
    private iovec[]? _segments;
    private int _ways;

    /// <summary>
    /// A short payload's bytes, without an exchange: whether they are this use's is looked at before the copy and after it. False: something is against it, and whoever begins an
    /// operation instead is told what. Not within one; but it is counted as the handle's, and so long the sender's file stays mapped.
    /// </summary>
    public bool TryCopyInline(uint version, long offset, byte* destination, long length)
    {
        if ((destination == null && length != 0) || !queue.TryEnter(out nint thread))
            return false;
        bool isThere = false;
        if (TryReadPlace(version, out Place place) && place.Lane == Lane.Inline && length >= 0 && length <= place.Length && (ulong)offset <= (ulong)(place.Length - length))
        {
            VectorCopy.Copy(owner.File.Block(place.Block) + place.Body + offset, destination, length);
            Volatile.ReadBarrier();
            isThere = IsOpen(version) && !owner.File.IsDamaged;
        }

        queue.Exit(thread);
        return isThere;
    }

    /// <summary>Where the payload is, without an exchange; the same holds. An attached one is nowhere.</summary>
    public bool TryGetInPlace(uint version, out byte* payload, out long length)
    {
        bool isThere = TryReadPlace(version, out Place place);
        length = place.Length;
        payload = !isThere || place.Lane == Lane.Attached ? null
            : place.Lane == Lane.Inline ? owner.File.Block(place.Block) + place.Body
            : owner.File.Arena(place.Body);
        return isThere;
    }

    // One use's words, all of them, or false: what another thread is just writing for the next one is not to be followed. One that was moved has another record.
    private bool TryReadPlace(uint version, out Place place)
    {
        bool isOpen = IsOpen(version);
        place = new Place(_block, _claimed.Lane, _claimed.BodyOffset, _claimed.Length);
        isOpen &= _moved is null;
        Volatile.ReadBarrier();
        return isOpen && IsOpen(version);
    }

    private readonly struct Place(int block, Lane lane, long body, long length)
    {
        public readonly int Block = block;
        public readonly Lane Lane = lane;
        public readonly long Body = body;
        public readonly long Length = length;
    }

    public void CopyTo(long offset, byte* destination, long length, CancellationToken ct)
    {
        if (Lane != Lane.Inline)
        {
            queue.Copy(this, offset, destination, length, ct);
            return;
        }

        // The lease holds the memory. What is looked at afterwards: closing gives the message back, and then these bytes may be another's.
        VectorCopy.Copy(InPlace(offset), destination, length);
        Volatile.ReadBarrier();
        if (queue.IsClosed)
            throw new ObjectDisposedException(nameof(MessageQueue), $"The handle of queue {queue.Name} is closed.");
        if (owner.File.IsDamaged)
            throw Damaged();
    }

    public MessageProperties Properties => _properties ??= ReadProperties();

    public byte* InPlace(long offset) =>
        (Lane == Lane.Inline ? owner.File.Block(_block) + Record.BodyOffset : owner.File.Arena(Record.BodyOffset)) + offset;

    public int SegmentCount => _claimed.SegmentCount;

    /// <summary>Read anew for every copy and checked each time: what was read before is not kept.</summary>
    public void ReadSegments(Span<iovec> segments)
    {
        try
        {
            _claimed.CopySegments(owner.File, _block, segments);
        }
        catch (QueueCorruptException) when (!MessageQueue.IsStillMine(this))
        {
            throw Withdrawn();
        }
    }

    /// <summary>Whether its sender can copy it by itself.</summary>
    public bool IsInArrays => _claimed.IsInArrays;

    /// <summary>The name of the buffer of its sender's pool that the payload lies in; none if it is in no such.</summary>
    public Memory.SharedName ReadBuffer() => _claimed.ReadSharedName(owner.File, _block);

    /// <summary>The same, of a list that is too long for the stack. Bounded by what its sender's file can hold: checked when the record was read.</summary>
    public iovec[] Segments()
    {
        if (_segments is null)
        {
            iovec[] segments = new iovec[SegmentCount];
            ReadSegments(segments);
            _segments = segments;
        }

        return _segments;
    }

    /// <summary>The owner has moved the payload: from here on it is an arena message.</summary>
    public void OnMoved()
    {
        MessageRecord moved = MessageRecord.Read(owner.File, _block);
        if (moved.Lane != Lane.Arena || moved.Length != Length)
            throw new QueueCorruptException(owner.File.Path, $"the record of block {_block} changes");
        Volatile.Write(ref _moved, new StrongBox<MessageRecord>(moved));
    }

    /// <summary>The sender's file lost pages, and the message with them: nobody is to get it again.</summary>
    public Exception Damaged()
    {
        Exception why = EndAs(Answer.Damaged, out bool first);
        if (first)
            queue.FinishDamaged(owner, _block, _leased);
        return why;
    }

    public Exception Lost()
    {
        Exception why = EndAs(Answer.Lost, out bool first);
        if (first)
            queue.Lose(owner, _block, _leased);
        return why;
    }

    /// <summary>The lease is over: taken back by the sender, unless another thread here has answered meanwhile.</summary>
    public Exception Withdrawn() => EndAs(Answer.Withdrawn, out _);

    /// <summary>Counts a way that some of the payload came, once for the message.</summary>
    public void CountOnce(Counter way)
    {
        int bit = 1 << (way - Counter.Pulled);
        if ((Volatile.Read(ref _ways) & bit) == 0 && (Interlocked.Or(ref _ways, bit) & bit) == 0)
            queue.Count(way);
    }

    public void CheckRange(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (offset > Length - length)
            throw new ArgumentOutOfRangeException(nameof(offset), $"Bytes {offset:N0} to {offset + length:N0} are not inside a message of {Length:N0} bytes.");
    }

    private MessageProperties ReadProperties()
    {
        MessageRecord record = Record; // It may be swapped meanwhile.
        if (record.PropertiesLength == 0)
            return new MessageProperties();

        // A copy first: what is checked must be what is used.
        byte[] copy = ArrayPool<byte>.Shared.Rent(record.PropertiesLength);
        try
        {
            byte* source = record.HasInlineProperties
                ? owner.File.Block(_block) + record.PropertiesOffset
                : owner.File.Arena(record.PropertiesOffset);
            Span<byte> bytes = copy.AsSpan(0, record.PropertiesLength);
            new ReadOnlySpan<byte>(source, bytes.Length).CopyTo(bytes);
            if (owner.File.IsDamaged)
                throw Damaged();
            if (!MessageQueue.IsStillMine(this))
                throw Withdrawn();
            return MessageProperties.TryDecode(bytes, out MessageProperties properties)
                ? properties
                : throw new QueueCorruptException(owner.File.Path, $"the properties of block {_block} are damaged");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(copy);
        }
    }
}
