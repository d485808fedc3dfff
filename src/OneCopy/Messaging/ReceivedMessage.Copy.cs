using System.Buffers;
using System.Runtime.CompilerServices;
using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>Reading the payload: the one copy, or in place.</summary>
public sealed unsafe partial class ReceivedMessage
{
    private iovec[]? _segments;
    private int _ways;

    /// <summary>Copies the whole payload.</summary>
    /// <param name="destination">At least <see cref="Length"/> bytes.</param>
    /// <param name="cancellationToken">Ends the copy between two pieces of 512 KiB; the message stays on its lease.</param>
    /// <exception cref="ArgumentException">The destination is too short.</exception>
    /// <exception cref="MessageWithdrawnException">The sender took the message back; what was copied is not valid.</exception>
    /// <exception cref="MessageLostException">The sender's process ended, and an attached payload with it.</exception>
    /// <exception cref="OneCopyException">The payload cannot be pulled, nor can its sender move it into its arena.</exception>
    /// <exception cref="InvalidOperationException">The message was answered already.</exception>
    public void CopyTo(Span<byte> destination, CancellationToken cancellationToken = default)
    {
        if (destination.Length < Length)
            throw new ArgumentException($"The message has {Length:N0} bytes, the destination {destination.Length:N0}.", nameof(destination));
        CopyTo(0, destination[..(int)Length], cancellationToken);
    }

    /// <summary>
    /// Copies a part of the payload: a message is readable at random, in any order, and what is not asked for is not moved.
    /// </summary>
    /// <param name="offset">Where in the payload to begin.</param>
    /// <param name="destination">As many bytes as are wanted; all must lie inside the payload.</param>
    /// <param name="cancellationToken">Ends the copy between two pieces of 512 KiB; the message stays on its lease.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part is not inside the payload.</exception>
    /// <inheritdoc cref="CopyTo(Span{byte}, CancellationToken)"/>
    public void CopyTo(long offset, Span<byte> destination, CancellationToken cancellationToken = default)
    {
        fixed (byte* to = destination)
            CopyTo(offset, to, destination.Length, cancellationToken);
    }

    /// <summary>Scatters the payload over several pieces of memory, each filled before the next.</summary>
    /// <param name="offset">Where in the payload to begin.</param>
    /// <param name="destination">As many bytes in all as are wanted; all must lie inside the payload.</param>
    /// <param name="cancellationToken">Ends the copy between two pieces of 512 KiB; the message stays on its lease.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part is not inside the payload.</exception>
    /// <inheritdoc cref="CopyTo(Span{byte}, CancellationToken)"/>
    public void CopyTo(long offset, IReadOnlyList<Memory<byte>> destination, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        long total = 0;
        foreach (Memory<byte> piece in destination)
            total += piece.Length;
        CheckRange(offset, total);
        foreach (Memory<byte> piece in destination)
        {
            CopyTo(offset, piece.Span, cancellationToken);
            offset += piece.Length;
        }
    }

    /// <summary>Copies into native memory, of any length: a mapped file, say.</summary>
    /// <param name="offset">Where in the payload to begin.</param>
    /// <param name="destination">Writable memory of at least <paramref name="length"/> bytes.</param>
    /// <param name="length">Bytes to copy.</param>
    /// <param name="cancellationToken">Ends the copy between two pieces of 512 KiB; the message stays on its lease.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part is not inside the payload.</exception>
    /// <inheritdoc cref="CopyTo(Span{byte}, CancellationToken)"/>
    public void CopyTo(long offset, byte* destination, long length, CancellationToken cancellationToken = default)
    {
        CheckRange(offset, length);
        ThrowIfAnswered();
        _queue.Copy(this, offset, destination, length, cancellationToken);
    }

    /// <summary>Copies the whole payload into a new array; at most 2 GiB.</summary>
    /// <param name="cancellationToken">Ends the copy between two pieces of 512 KiB; the message stays on its lease.</param>
    /// <inheritdoc cref="CopyTo(Span{byte}, CancellationToken)"/>
    public byte[] ToArray(CancellationToken cancellationToken = default)
    {
        if (Length > Array.MaxLength)
            throw new InvalidOperationException($"The message has {Length:N0} bytes; an array holds {Array.MaxLength:N0}. Copy it in parts.");
        byte[] copy = GC.AllocateUninitializedArray<byte>((int)Length);
        CopyTo(copy, cancellationToken);
        return copy;
    }

    /// <summary>
    /// The payload where it is, without any copy: inline and arena messages of up to 2 GiB. False: it is attached (or longer). The span is valid until the
    /// message is answered or the queue closed, and is not to be used after that. Its sender could change it meanwhile: copy
    /// first what is checked and then used, if the sender is not trusted.
    /// </summary>
    /// <param name="payload">The bytes.</param>
    /// <exception cref="InvalidOperationException">The message was answered already.</exception>
    public bool TryGetSpan(out ReadOnlySpan<byte> payload)
    {
        ThrowIfAnswered();
        if (Lane == Lane.Attached || Length > int.MaxValue)
        {
            payload = default;
            return false;
        }

        payload = new ReadOnlySpan<byte>(InPlace(0), (int)Length);
        return true;
    }

    internal Peer Owner => _owner;

    internal int Block => _block;

    internal BlockState Leased => _leased;

    internal byte* InPlace(long offset) =>
        (Lane == Lane.Inline ? _owner.File.Block(_block) + Record.BodyOffset : _owner.File.Arena(Record.BodyOffset)) + offset;

    internal int SegmentCount => _claimed.SegmentCount;

    /// <summary>Read anew for every copy and checked each time: what was read before is not kept.</summary>
    internal void ReadSegments(Span<iovec> segments)
    {
        try
        {
            _claimed.CopySegments(_owner.File, _block, segments);
        }
        catch (QueueCorruptException) when (!MessageQueue.IsStillMine(this))
        {
            throw Withdrawn();
        }
    }

    /// <summary>The same, of a list that is too long for the stack. Bounded by what its sender's file can hold: checked when the record was read.</summary>
    internal iovec[] Segments()
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
    internal void OnMoved()
    {
        MessageRecord moved = MessageRecord.Read(_owner.File, _block);
        if (moved.Lane != Lane.Arena || moved.Length != Length)
            throw new QueueCorruptException(_owner.File.Path, $"the record of block {_block} changes");
        Volatile.Write(ref _moved, new StrongBox<MessageRecord>(moved));
    }

    /// <summary>The sender's file lost pages, and the message with them: nobody is to get it again.</summary>
    internal Exception Damaged()
    {
        Answer before = (Answer)Interlocked.CompareExchange(ref _answer, (int)Answer.Damaged, (int)Answer.None);
        if (before == Answer.None)
            _queue.FinishDamaged(_owner, _block, _leased);
        return Refusal(before == Answer.None ? Answer.Damaged : before);
    }


    /// <summary>Counts a way that some of the payload came, once for the message.</summary>
    internal void CountOnce(Counter way)
    {
        int bit = 1 << (way - Counter.Pulled);
        if ((Volatile.Read(ref _ways) & bit) == 0 && (Interlocked.Or(ref _ways, bit) & bit) == 0)
            _queue.Count(way);
    }

    internal Exception Lost()
    {
        Answer before = (Answer)Interlocked.CompareExchange(ref _answer, (int)Answer.Lost, (int)Answer.None);
        if (before == Answer.None)
            _queue.Lose(_owner, _block, _leased);
        return Refusal(before == Answer.None ? Answer.Lost : before);
    }

    /// <summary>The lease is over: taken back by the sender, unless another thread here has answered meanwhile.</summary>
    internal Exception Withdrawn()
    {
        Answer before = (Answer)Interlocked.CompareExchange(ref _answer, (int)Answer.Withdrawn, (int)Answer.None);
        return Refusal(before == Answer.None ? Answer.Withdrawn : before);
    }

    private void CheckRange(long offset, long length)
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
        ThrowIfAnswered();
        if (!_owner.TryAddReference())
            throw new InvalidOperationException("The message was answered before.");

        // A copy first: what is checked must be what is used.
        byte[] copy = ArrayPool<byte>.Shared.Rent(record.PropertiesLength);
        try
        {
            byte* source = record.HasInlineProperties
                ? _owner.File.Block(_block) + record.PropertiesOffset
                : _owner.File.Arena(record.PropertiesOffset);
            Span<byte> bytes = copy.AsSpan(0, record.PropertiesLength);
            new ReadOnlySpan<byte>(source, bytes.Length).CopyTo(bytes);
            if (_owner.File.IsDamaged)
                throw Damaged();
            if (!MessageQueue.IsStillMine(this))
                throw Withdrawn();
            return MessageProperties.TryDecode(bytes, out MessageProperties properties)
                ? properties
                : throw new QueueCorruptException(_owner.File.Path, $"the properties of block {_block} are damaged");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(copy);
            _owner.Release();
        }
    }
}
