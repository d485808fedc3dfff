using System.Runtime.InteropServices;
using OneCopy.Interop;
using OneCopy.Memory;

namespace OneCopy;

/// <summary>
/// readv(2), writev(2), preadv(2), pwritev(2), preadv2(2) and pwritev2(2) on whatever a <see cref="SafeHandle"/> of a descriptor stands for: a
/// file, a pipe, a socket, a terminal. Many buffers in one call, in order: each is filled, or written, before the next.
/// </summary>
/// <remarks>
/// <para>
/// <c>Read</c> and <c>Write</c> work at the file's position and move it; the <c>At</c> forms take an offset in bytes and leave the position
/// alone (pipes, sockets and terminals have none: ESPIPE). These make one call, and return what it returned: the count may fall
/// short of the buffers, and 0 from a read is the end of the file. One call moves at most 1024 buffers and 2 GiB less a page; what lies
/// behind is for the next call. The <c>Exactly</c> and <c>All</c> forms make as many calls as it takes.
/// </para>
/// <para>
/// Buffers are spans (<see cref="ReadBuffers"/>, <see cref="WriteBuffers"/>: up to 16, nothing allocated), lists of memory (any
/// number), a <see cref="System.Buffers.ReadOnlySequence{T}"/>, or native memory of any size (<see cref="LocalSegment"/>). Empty ones are
/// skipped; a request of nothing else makes no call and returns 0. Buffers that overlap are written in order, the later over the earlier.
/// </para>
/// <para>
/// A call that a signal broke is begun again. A non-blocking descriptor that is not ready is waited for with poll(2).
/// Errors are <see cref="VectoredIOException"/>, with the bytes that were moved before; a closed handle is an <see cref="ObjectDisposedException"/>.
/// The handle is held open for the time of a request. Any number of threads may use one handle; at the file's position their
/// calls take turns, but not those of an <c>Exactly</c> or <c>All</c> form as a whole.
/// </para>
/// <para>
/// A write beyond RLIMIT_FSIZE raises SIGXFSZ, which by default ends the process, as it does for every write in .NET; where it is ignored
/// or handled, the error is EFBIG. A file opened with O_APPEND is appended to whatever the offset says (pwrite(2), BUGS), but for
/// <see cref="VectoredFlags.NoAppend"/>.
/// </para>
/// </remarks>
public static partial class VectoredIO
{
    internal const VectoredFlags AllFlags = (VectoredFlags)0xff;

    /// <summary>The flags that the file behind a handle knows for reading. A few system calls; moves nothing: to be asked once for a file.</summary>
    /// <param name="handle">A descriptor that is open for reading.</param>
    /// <returns>The flags that the kernel would take. Those that only writes have a use for are accepted by most files, and do nothing.</returns>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public static VectoredFlags SupportedReadFlags(SafeHandle handle) => Supported(handle, TransferDirection.Read);

    /// <summary>The flags that the file behind a handle knows for writing; else as <see cref="SupportedReadFlags"/>.</summary>
    /// <param name="handle">A descriptor that is open for writing.</param>
    /// <returns>
    /// The flags that the kernel would take. <see cref="VectoredFlags.NoWait"/> is among them for pipes and sockets alone: whether a file takes it, only
    /// a write that takes place would tell.
    /// </returns>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public static VectoredFlags SupportedWriteFlags(SafeHandle handle) => Supported(handle, TransferDirection.Write);

    private static VectoredFlags Supported(SafeHandle handle, TransferDirection direction)
    {
        VectoredRequest request = VectoredRequest.Begin(direction, handle, VectoredRequest.AtPosition, VectoredFlags.None, VectoredFallback.None);
        try
        {
            return VectoredFlagProbe.Of(request.Fd, direction);
        }
        finally
        {
            request.End();
        }
    }

    private static long CheckOffset(long offset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        return offset;
    }

    private static long Run(SafeHandle handle, in ReadBuffers buffers, long offset, VectoredFlags flags, VectoredFallback fallback, bool all)
    {
        VectoredRequest request = VectoredRequest.Begin(TransferDirection.Read, handle, offset, flags, fallback);
        try
        {
            buffers.Move(ref request, all);
            request.Finish();
            return request.Done;
        }
        finally
        {
            request.End();
        }
    }

    private static long Run(SafeHandle handle, in WriteBuffers buffers, long offset, VectoredFlags flags, VectoredFallback fallback, bool all)
    {
        VectoredRequest request = VectoredRequest.Begin(TransferDirection.Write, handle, offset, flags, fallback);
        try
        {
            buffers.Move(ref request, all);
            request.Finish();
            return request.Done;
        }
        finally
        {
            request.End();
        }
    }

    private static long Run(
        TransferDirection direction, SafeHandle handle, ReadOnlySpan<LocalSegment> buffers, long offset, VectoredFlags flags, VectoredFallback fallback, bool all)
    {
        VectoredRequest request = VectoredRequest.Begin(direction, handle, offset, flags, fallback);
        try
        {
            request.Move(MemoryMarshal.Cast<LocalSegment, iovec>(buffers), all);
            request.Finish();
            return request.Done;
        }
        finally
        {
            request.End();
        }
    }

    private static long Run(
        TransferDirection direction, SafeHandle handle, BufferCursor buffers, long offset, VectoredFlags flags, VectoredFallback fallback, bool all)
    {
        VectoredRequest request = VectoredRequest.Begin(direction, handle, offset, flags, fallback);
        try
        {
            request.Move(ref buffers, all);
            request.Finish();
            return request.Done;
        }
        finally
        {
            request.End();
        }
    }
}
