using System.Buffers;
using OneCopy.IO;
using OneCopy.Memory;

namespace OneCopy;

/// <summary>
/// Memory rented from a <see cref="OneCopyMemoryPool"/>, of any length. Dispose it once; copies of this value are the same rental, and one that is disposed again, or after others have
/// rented the memory, does nothing. Thread-safe, but for the bytes.
/// </summary>
public readonly unsafe struct PooledBuffer : IDisposable, IEquatable<PooledBuffer>
{
    private readonly PoolMapping? _mapping;
    private readonly uint _generation;

    internal PooledBuffer(PoolMapping mapping, uint generation, long length)
    {
        _mapping = mapping;
        _generation = generation;
        Length = length;
    }

    /// <summary>Bytes, as asked for.</summary>
    public long Length { get; }

    /// <summary>The first byte, on a page of its own. Not to be used after the buffer is disposed: no pin holds it.</summary>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    public byte* Pointer => Rented().Address;

    /// <summary>All of it.</summary>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    /// <exception cref="InvalidOperationException">It is longer than a span can be: see <see cref="GetSpan"/>.</exception>
    public Span<byte> Span => new(Pointer, IntLength());

    /// <summary>
    /// All of it, as memory that can be attached. The first use in a rental makes one small object. After the buffer is disposed, every use of the memory is <see cref="ObjectDisposedException"/>.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    /// <exception cref="InvalidOperationException">It is longer than memory can be: see <see cref="GetSequence"/>.</exception>
    public Memory<byte> Memory => Rented().MemoryOf(_generation, IntLength()).Memory;

    /// <summary>Whether both are the same rental.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    public static bool operator ==(PooledBuffer left, PooledBuffer right) => left.Equals(right);

    /// <summary>Whether they are two rentals.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    public static bool operator !=(PooledBuffer left, PooledBuffer right) => !left.Equals(right);

    /// <summary>A part of it.</summary>
    /// <param name="offset">Where it begins.</param>
    /// <param name="length">Bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part is not inside the buffer.</exception>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    public Span<byte> GetSpan(long offset, int length)
    {
        CheckPart(offset, length);
        return new Span<byte>(Pointer + offset, length);
    }

    /// <summary>A sequence over a part of it, of any length, to be attached; pieces of 1 GiB. One object is made for each.</summary>
    /// <param name="offset">Where it begins.</param>
    /// <param name="length">Bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part is not inside the buffer.</exception>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    public ReadOnlySequence<byte> GetSequence(long offset, long length)
    {
        CheckPart(offset, length);
        PoolMapping mapping = Rented();
        MappedSegment? first = null;
        MappedSegment? last = null;
        while (length > 0)
        {
            int piece = (int)Math.Min(length, MappedSegment.MaxLength);
            ReadOnlyMemory<byte> memory = new RentedMemory(mapping, _generation, offset, piece).Memory;
            last = last is null ? first = new MappedSegment(memory) : last.Append(memory);
            offset += piece;
            length -= piece;
        }

        return first is null ? ReadOnlySequence<byte>.Empty : new ReadOnlySequence<byte>(first, 0, last!, last!.Memory.Length);
    }

    /// <summary>Gives the memory back. If it is pinned (attached to a message, say), it goes back with the last pin.</summary>
    public void Dispose() => _mapping?.EndRental(_generation);

    /// <inheritdoc/>
    public bool Equals(PooledBuffer other) => _mapping == other._mapping && _generation == other._generation;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is PooledBuffer other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_mapping, _generation);

    private PoolMapping Rented()
    {
        ObjectDisposedException.ThrowIf(_mapping is null, typeof(PooledBuffer));
        _mapping.ThrowIfOver(_generation);
        return _mapping;
    }

    private int IntLength() => Length <= int.MaxValue
        ? (int)Length
        : throw new InvalidOperationException($"The buffer has {Length:N0} bytes, more than a span or memory can hold. Take it in parts.");

    private void CheckPart(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (offset > Length - length)
            throw new ArgumentOutOfRangeException(nameof(offset), $"Bytes {offset:N0} to {offset + length:N0} are not inside a buffer of {Length:N0} bytes.");
    }
}
