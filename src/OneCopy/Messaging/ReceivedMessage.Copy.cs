using OneCopy.Messaging;

namespace OneCopy;

/// <summary>Reading the payload: the one copy, or in place.</summary>
public readonly unsafe partial struct ReceivedMessage
{
    /// <summary>Copies the whole payload.</summary>
    /// <param name="destination">At least <see cref="Length"/> bytes.</param>
    /// <param name="cancellationToken">Ends the copy between two pieces of 512 KiB; the message stays on its lease.</param>
    /// <exception cref="ArgumentException">The destination is too short.</exception>
    /// <exception cref="MessageWithdrawnException">The sender took the message back; what was copied is not valid.</exception>
    /// <exception cref="MessageLostException">The sender's process ended, and an attached payload with it.</exception>
    /// <exception cref="OneCopyException">The payload cannot be pulled, nor can its sender move it into its arena.</exception>
    /// <exception cref="InvalidOperationException">The message was answered already, or by another thread during the copy; what was copied is not valid then.</exception>
    public void CopyTo(Span<byte> destination, CancellationToken cancellationToken = default)
    {
        long length = Length;
        if (destination.Length < length)
            throw new ArgumentException($"The message has {length:N0} bytes, the destination {destination.Length:N0}.", nameof(destination));
        CopyTo(0, destination[..(int)length], cancellationToken);
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
        Lease.CheckRange(offset, total);
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
        if (Lease.TryCopyInline(_version, offset, destination, length))
            return;
        Lease lease = Begin();
        try
        {
            lease.CheckRange(offset, length);
            lease.CopyTo(offset, destination, length, cancellationToken);
            lease.ThrowIfAnswered();
        }
        finally
        {
            lease.End();
        }
    }

    /// <summary>Copies the whole payload into a new array; at most 2 GiB.</summary>
    /// <param name="cancellationToken">Ends the copy between two pieces of 512 KiB; the message stays on its lease.</param>
    /// <inheritdoc cref="CopyTo(Span{byte}, CancellationToken)"/>
    public byte[] ToArray(CancellationToken cancellationToken = default)
    {
        long length = Length;
        if (length > Array.MaxLength)
            throw new InvalidOperationException($"The message has {length:N0} bytes; an array holds {Array.MaxLength:N0}. Copy it in parts.");
        byte[] copy = GC.AllocateUninitializedArray<byte>((int)length);
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
        if (!Lease.TryGetInPlace(_version, out byte* place, out long length))
        {
            Lease lease = Begin();
            place = lease.Lane == Lane.Attached ? null : lease.InPlace(0);
            length = lease.Length;
            lease.End();
        }

        bool there = place != null && length <= int.MaxValue;
        payload = there ? new ReadOnlySpan<byte>(place, (int)length) : default;
        return there;
    }
}
