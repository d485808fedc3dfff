using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using OneCopy.Interop;
using OneCopy.IO;

namespace OneCopy;

/// <summary>
/// Values and blocks of bytes, by ordinary instructions where a fault would be noticed (a guarded view, or memory that cannot be lost), and through the
/// kernel everywhere else.
/// </summary>
public sealed unsafe partial class MappedView
{
    /// <summary>Reads a value. It need not be aligned.</summary>
    /// <typeparam name="T">A type without references.</typeparam>
    /// <param name="offset">Its first byte.</param>
    /// <exception cref="MappedFileFaultException">A page could not be had. The view is damaged then from that page on, if it is guarded.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The value is beyond the view.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public T Read<T>(long offset)
        where T : unmanaged
    {
        Check(offset, sizeof(T));
        using HandleLease lease = Hold();
        if (IsDirect(Prot.Read))
        {
            T value = Unsafe.ReadUnaligned<T>(_start + offset);
            Volatile.ReadBarrier(); // The bytes first, then the mark.
            if (!_map.IsDamaged)
                return value;
        }

        Unsafe.SkipInit(out T safe);
        ReadHeldExactly(offset, MemoryMarshal.AsBytes(new Span<T>(ref safe)));
        return safe;
    }

    /// <summary>Writes a value. It need not be aligned.</summary>
    /// <typeparam name="T">A type without references.</typeparam>
    /// <param name="offset">Its first byte.</param>
    /// <param name="value">The value.</param>
    /// <exception cref="MappedFileFaultException">A page could not be had, or must not be written. The view is damaged then, if it is guarded.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The value is beyond the view.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public void Write<T>(long offset, T value)
        where T : unmanaged
    {
        Check(offset, sizeof(T));
        using HandleLease lease = Hold();
        if (IsDirect(Prot.Write))
        {
            Unsafe.WriteUnaligned(_start + offset, value);
            Interlocked.MemoryBarrier(); // The bytes first, then the mark.
            if (!_map.IsDamaged)
                return;
        }

        WriteHeldExactly(offset, MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));
    }

    /// <summary>Copies bytes out of the view, as <see cref="Read{T}"/> does.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="destination">Filled completely.</param>
    /// <exception cref="MappedFileFaultException">A page could not be had. The view is damaged then from that page on, if it is guarded.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is beyond the view.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public void CopyTo(long offset, Span<byte> destination)
    {
        Check(offset, destination.Length);
        using HandleLease lease = Hold();
        if (IsDirect(Prot.Read))
        {
            new ReadOnlySpan<byte>(_start + offset, destination.Length).CopyTo(destination);
            Volatile.ReadBarrier();
            if (!_map.IsDamaged)
                return;
        }

        ReadHeldExactly(offset, destination);
    }

    /// <summary>Copies bytes into the view, as <see cref="Write{T}"/> does.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="source">What to write.</param>
    /// <exception cref="MappedFileFaultException">A page could not be had, or must not be written. The view is damaged then, if it is guarded.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is beyond the view.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public void CopyFrom(long offset, ReadOnlySpan<byte> source)
    {
        Check(offset, source.Length);
        using HandleLease lease = Hold();
        if (IsDirect(Prot.Write))
        {
            source.CopyTo(new Span<byte>(_start + offset, source.Length));
            Interlocked.MemoryBarrier();
            if (!_map.IsDamaged)
                return;
        }

        WriteHeldExactly(offset, source);
    }

    // Every page permits it, and one that the file has lost is noticed.
    private bool IsDirect(Prot prot) => (Volatile.Read(ref _sure) & (int)prot) != 0 && (_map.IsGuarded || _cannotFault);

    private void ReadHeldExactly(long offset, Span<byte> destination)
    {
        long read = ReadHeld(offset, destination, out int errno);
        if (read != destination.Length)
            throw Fault(ReadCall, errno, offset + read, read);
    }

    private void WriteHeldExactly(long offset, ReadOnlySpan<byte> source)
    {
        long written = WriteHeld(offset, source, out int errno);
        if (written != source.Length)
            throw Fault(WriteCall, errno, offset + written, written);
    }
}
