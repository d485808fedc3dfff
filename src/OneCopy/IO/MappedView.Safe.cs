using OneCopy.Interop;
using OneCopy.IO;

namespace OneCopy;

/// <summary>Copies through the kernel: process_vm_readv(2) and process_vm_writev(2) on the own process, where a fault is an errno and never a signal.</summary>
public sealed unsafe partial class MappedView
{
    private const string ReadCall = "process_vm_readv";
    private const string WriteCall = "process_vm_writev";
    private const string FaultAdvice = "The file was truncated, has no room under a hole or cannot be read there, or the pages do not permit it.";

    /// <summary>Copies bytes out of the view. Whatever became of the file, this never raises a signal, guarded or not, and does not damage the view.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="destination">Filled completely.</param>
    /// <exception cref="MappedFileFaultException">A page could not be had; it says the offset of its first byte that was asked for. Behind a file's end, the rest of its last page is zeros, and no fault.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is beyond the view.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public void ReadSafely(long offset, Span<byte> destination)
    {
        Check(offset, destination.Length);
        using HandleLease lease = Hold();
        long read = ReadHeld(offset, destination, out int errno);
        if (read != destination.Length)
            throw Fault(ReadCall, errno, offset + read, read);
    }

    /// <summary>The same; a page that cannot be had ends it.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="destination">Filled as far as possible.</param>
    /// <param name="read">Bytes that were copied, from the first on.</param>
    /// <returns>False: not all.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The range is beyond the view.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public bool TryReadSafely(long offset, Span<byte> destination, out int read)
    {
        Check(offset, destination.Length);
        using HandleLease lease = Hold();
        read = (int)ReadHeld(offset, destination, out _);
        return read == destination.Length;
    }

    /// <summary>Copies bytes into the view. Never a signal, as <see cref="ReadSafely"/>.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="source">What to write.</param>
    /// <exception cref="MappedFileFaultException">A page could not be had, or must not be written; what is before it is written.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is beyond the view.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public void WriteSafely(long offset, ReadOnlySpan<byte> source)
    {
        Check(offset, source.Length);
        using HandleLease lease = Hold();
        long written = WriteHeld(offset, source, out int errno);
        if (written != source.Length)
            throw Fault(WriteCall, errno, offset + written, written);
    }

    /// <summary>The same; a page that cannot be had ends it.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="source">What to write.</param>
    /// <param name="written">Bytes that were copied, from the first on.</param>
    /// <returns>False: not all.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The range is beyond the view.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public bool TryWriteSafely(long offset, ReadOnlySpan<byte> source, out int written)
    {
        Check(offset, source.Length);
        using HandleLease lease = Hold();
        written = (int)WriteHeld(offset, source, out _);
        return written == source.Length;
    }

    private long ReadHeld(long offset, Span<byte> destination, out int errno)
    {
        long read = SelfCopy.Read(_start + offset, destination, out errno);
        if (read != destination.Length)
            BlameBuffer(ReadCall, errno, SelfCopy.CanRead(_start + offset + read));
        return Undamaged(offset, read, ref errno);
    }

    private long WriteHeld(long offset, ReadOnlySpan<byte> source, out int errno)
    {
        long written = SelfCopy.Write(_start + offset, source, out errno);
        if (written != source.Length)
        {
            fixed (byte* s = source)
                BlameBuffer(WriteCall, errno, !SelfCopy.CanRead(s + written));
        }

        return Undamaged(offset, written, ref errno);
    }

    // What was replaced by zeros can be copied very well, and is not the file's.
    private long Undamaged(long offset, long count, ref int errno)
    {
        Interlocked.MemoryBarrier();
        if (!_map.IsDamaged)
            return count;
        long good = Math.Max(0, FirstDamaged() - offset);
        if (good >= count)
            return count;
        errno = Errno.EFAULT;
        return good;
    }

    // The caller's span may lie in another view, which has lost its file.
    private static void BlameBuffer(string call, int errno, bool bufferIsBad)
    {
        if (errno != Errno.EFAULT)
            throw new OneCopyException(call, errno);
        if (bufferIsBad)
            throw new OneCopyException(call, errno, "the buffer", "The memory that was given, not the view's, is not there or does not permit it: is it of a view whose file was truncated?");
    }

    private MappedFileFaultException Fault(string call, int errno, long offset, long moved) =>
        new(call, errno, _name, offset, FileOffset + offset, moved, FaultAdvice);
}
