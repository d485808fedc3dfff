using OneCopy.IO;

namespace OneCopy;

/// <summary>The payload into a mapped file: the one copy is the one into the page cache.</summary>
public readonly unsafe partial struct ReceivedMessage
{
    /// <summary>Copies the whole payload into a view: of a file, say, which then has it without another copy.</summary>
    /// <param name="destination">Writable. Disposed meanwhile by another thread, it stays mapped until the copy has ended.</param>
    /// <param name="destinationOffset">Where in the view the first byte goes.</param>
    /// <param name="cancellationToken">Ends the copy between two pieces of 512 KiB; the message stays on its lease.</param>
    /// <inheritdoc cref="CopyTo(long, MappedView, long, long, CancellationToken)"/>
    public void CopyTo(MappedView destination, long destinationOffset = 0, CancellationToken cancellationToken = default) =>
        CopyTo(0, destination, destinationOffset, Length, cancellationToken);

    /// <summary>Copies a part of the payload into a view.</summary>
    /// <param name="offset">Where in the payload to begin.</param>
    /// <param name="destination">Writable. Disposed meanwhile by another thread, it stays mapped until the copy has ended.</param>
    /// <param name="destinationOffset">Where in the view the first byte goes.</param>
    /// <param name="length">Bytes; any number of them.</param>
    /// <param name="cancellationToken">Ends the copy between two pieces of 512 KiB; the message stays on its lease.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part is not inside the payload, or does not fit in the view.</exception>
    /// <exception cref="NotSupportedException">The view cannot be written.</exception>
    /// <exception cref="MappedFileFaultException">The view's file was truncated, or its file system is full; the message stays on its lease.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    /// <inheritdoc cref="CopyTo(Span{byte}, CancellationToken)"/>
    public void CopyTo(long offset, MappedView destination, long destinationOffset, long length, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        using HandleLease lease = destination.HoldForWriting(destinationOffset, length, out byte* start);
        CopyTo(offset, start, length, cancellationToken);
        destination.ThrowIfDamaged();
    }
}
