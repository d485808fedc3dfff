using System.Buffers;
using OneCopy.Interop;
using OneCopy.IO;

namespace OneCopy;

/// <summary>The view's memory itself.</summary>
public sealed unsafe partial class MappedView
{
    private MappedMemory? _memory; // Of the whole view, while that is at most 2 GiB.

    /// <summary>The bytes themselves, for writing. Valid until <see cref="Dispose"/>: using it later is undefined, and keep the view alive meanwhile.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">Bytes; one span has at most 2 GiB.</param>
    /// <exception cref="NotSupportedException">The view cannot be written.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is beyond the view.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    /// <remarks>
    /// Costs nothing after this. If the file was truncated meanwhile, a guarded view (<see cref="IsGuarded"/>) reads zeros from the lost page on, and <see cref="IsDamaged"/> is
    /// true; another one ends the process with SIGBUS. Look at <see cref="ThrowIfDamaged"/> after using the bytes.
    /// </remarks>
    public Span<byte> GetSpan(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Check(offset, length);
        Require(Prot.Write);
        return new Span<byte>(_start + offset, length);
    }

    /// <summary>The bytes themselves, for reading. As <see cref="GetSpan"/>.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">Bytes; one span has at most 2 GiB.</param>
    /// <exception cref="NotSupportedException">The view cannot be read.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is beyond the view.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public ReadOnlySpan<byte> GetReadOnlySpan(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Check(offset, length);
        Require(Prot.Read);
        return new ReadOnlySpan<byte>(_start + offset, length);
    }

    /// <summary>
    /// The bytes, held: the memory stays mapped until the result is disposed, whoever disposes the view meanwhile. The safe form of a span.
    /// </summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">Bytes; at most 2 GiB.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is beyond the view.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public MappedSpan Pin(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Check(offset, length);
        return new MappedSpan(this, _map, _start + offset, length);
    }

    /// <summary>
    /// The bytes as memory for interfaces that want such. After <see cref="Dispose"/> its span throws <see cref="ObjectDisposedException"/>; <see cref="Memory{T}.Pin"/> holds the memory.
    /// </summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">Bytes; at most 2 GiB.</param>
    /// <exception cref="NotSupportedException">The view cannot be written.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is beyond the view.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public Memory<byte> GetMemory(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Check(offset, length);
        Require(Prot.Write);
        return MemoryOf(offset, length);
    }

    /// <summary>The same for reading.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">Bytes; at most 2 GiB.</param>
    /// <exception cref="NotSupportedException">The view cannot be read.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is beyond the view.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public ReadOnlyMemory<byte> GetReadOnlyMemory(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Check(offset, length);
        Require(Prot.Read);
        return MemoryOf(offset, length);
    }

    /// <summary>The whole view as it is now, in pieces of 1 GiB.</summary>
    /// <exception cref="NotSupportedException">The view cannot be read.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public ReadOnlySequence<byte> AsSequence() => AsSequence(0, Length);

    /// <summary>A part of the view, in pieces of 1 GiB.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">Bytes; any.</param>
    /// <exception cref="NotSupportedException">The view cannot be read.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is beyond the view.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public ReadOnlySequence<byte> AsSequence(long offset, long length)
    {
        Check(offset, length);
        Require(Prot.Read);
        if (length <= MappedSegment.MaxLength)
            return new ReadOnlySequence<byte>(MemoryOf(offset, (int)length));
        MappedSegment first = new(MemoryOf(offset, MappedSegment.MaxLength));
        MappedSegment last = first;
        for (long done = MappedSegment.MaxLength; done < length; done += last.Memory.Length)
            last = last.Append(MemoryOf(offset + done, (int)Math.Min(MappedSegment.MaxLength, length - done)));
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    internal bool CanWrite => (Volatile.Read(ref _possible) & (int)Prot.Write) != 0;

    internal Span<byte> SpanOf(long offset, int length)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new Span<byte>(_start + offset, length);
    }

    internal MemoryHandle PinOf(long offset, IPinnable pinnable)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        bool added = false;
        _map.DangerousAddRef(ref added);
        return new MemoryHandle(_start + offset, default, pinnable);
    }

    internal void Unpin() => _map.DangerousRelease();

    private Memory<byte> MemoryOf(long offset, int length)
    {
        long whole = Length;
        if (whole > int.MaxValue)
            return new MappedMemory(this, offset, length).Memory;
        MappedMemory memory = _memory is { } m && m.Length == whole ? m : _memory = new MappedMemory(this, 0, (int)whole);
        return memory.Memory.Slice((int)offset, length);
    }

    private void Require(Prot prot)
    {
        if ((Volatile.Read(ref _possible) & (int)prot) == 0 && Length != 0)
            throw new NotSupportedException(prot == Prot.Write ? "This view cannot be written." : "This view cannot be read.");
    }
}
