using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using OneCopy.Memory;

namespace OneCopy;

/// <content>Scatter: from a file into buffers.</content>
public static partial class VectoredIO
{
    /// <summary>Fills buffers from the file's position on, with one call: readv(2), or preadv2(2) with flags.</summary>
    /// <param name="handle">Open for reading.</param>
    /// <param name="buffers">Where the bytes go, in order; empty ones are skipped.</param>
    /// <param name="flags">What else holds for the call.</param>
    /// <param name="fallback">What may be done in place of a flag that the file does not know.</param>
    /// <returns>Bytes read, from the first buffer on: fewer than asked for at the end of the file, or when no more was there; 0 at the end.</returns>
    /// <exception cref="VectoredIOException">The call failed, or a flag is not known to the file and has no permitted fallback.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    [OverloadResolutionPriority(1)]
    public static long Read(
        SafeHandle handle, scoped in ReadBuffers buffers, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(handle, buffers, VectoredRequest.AtPosition, flags, fallback, all: false);

    /// <inheritdoc cref="Read(SafeHandle, in ReadBuffers, VectoredFlags, VectoredFallback)"/>
    public static long Read(
        SafeHandle handle, IReadOnlyList<Memory<byte>> buffers, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(TransferDirection.Read, handle, new BufferCursor(buffers), VectoredRequest.AtPosition, flags, fallback, all: false);

    /// <inheritdoc cref="Read(SafeHandle, in ReadBuffers, VectoredFlags, VectoredFallback)"/>
    public static long Read(
        SafeHandle handle, ReadOnlySpan<LocalSegment> buffers, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(TransferDirection.Read, handle, buffers, VectoredRequest.AtPosition, flags, fallback, all: false);

    /// <summary>Fills buffers from an offset on, with one call: preadv(2), or preadv2(2) with flags. The file's position stays.</summary>
    /// <param name="handle">Open for reading.</param>
    /// <param name="buffers">Where the bytes go, in order; empty ones are skipped.</param>
    /// <param name="offset">Bytes from the start of the file.</param>
    /// <param name="flags">What else holds for the call.</param>
    /// <param name="fallback">What may be done in place of a flag that the file does not know.</param>
    /// <returns>Bytes read, from the first buffer on: fewer than asked for at the end of the file; 0 at or behind the end.</returns>
    /// <exception cref="VectoredIOException">The call failed, or a flag is not known to the file and has no permitted fallback.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    [OverloadResolutionPriority(1)]
    public static long ReadAt(
        SafeHandle handle, scoped in ReadBuffers buffers, long offset, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(handle, buffers, CheckOffset(offset), flags, fallback, all: false);

    /// <inheritdoc cref="ReadAt(SafeHandle, in ReadBuffers, long, VectoredFlags, VectoredFallback)"/>
    public static long ReadAt(
        SafeHandle handle, IReadOnlyList<Memory<byte>> buffers, long offset, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(TransferDirection.Read, handle, new BufferCursor(buffers), CheckOffset(offset), flags, fallback, all: false);

    /// <inheritdoc cref="ReadAt(SafeHandle, in ReadBuffers, long, VectoredFlags, VectoredFallback)"/>
    public static long ReadAt(
        SafeHandle handle, ReadOnlySpan<LocalSegment> buffers, long offset, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(TransferDirection.Read, handle, buffers, CheckOffset(offset), flags, fallback, all: false);

    /// <summary>Fills all buffers from the file's position on, with as many calls as that takes.</summary>
    /// <param name="handle">Open for reading.</param>
    /// <param name="buffers">Where the bytes go, in order; empty ones are skipped.</param>
    /// <param name="flags">What else holds for each call.</param>
    /// <param name="fallback">What may be done in place of a flag that the file does not know.</param>
    /// <exception cref="ShortReadException">The end came first; it says how much came.</exception>
    /// <exception cref="VectoredIOException">The call failed, or a flag is not known to the file and has no permitted fallback; it says how much was moved before.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    [OverloadResolutionPriority(1)]
    public static void ReadExactly(
        SafeHandle handle, scoped in ReadBuffers buffers, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(handle, buffers, VectoredRequest.AtPosition, flags, fallback, all: true);

    /// <inheritdoc cref="ReadExactly(SafeHandle, in ReadBuffers, VectoredFlags, VectoredFallback)"/>
    public static void ReadExactly(
        SafeHandle handle, IReadOnlyList<Memory<byte>> buffers, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(TransferDirection.Read, handle, new BufferCursor(buffers), VectoredRequest.AtPosition, flags, fallback, all: true);

    /// <inheritdoc cref="ReadExactly(SafeHandle, in ReadBuffers, VectoredFlags, VectoredFallback)"/>
    public static void ReadExactly(
        SafeHandle handle, ReadOnlySpan<LocalSegment> buffers, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(TransferDirection.Read, handle, buffers, VectoredRequest.AtPosition, flags, fallback, all: true);

    /// <summary>Fills all buffers from an offset on, with as many calls as that takes. The file's position stays.</summary>
    /// <param name="handle">Open for reading.</param>
    /// <param name="buffers">Where the bytes go, in order; empty ones are skipped.</param>
    /// <param name="offset">Bytes from the start of the file.</param>
    /// <param name="flags">What else holds for each call.</param>
    /// <param name="fallback">What may be done in place of a flag that the file does not know.</param>
    /// <exception cref="ShortReadException">The end came first; it says how much came.</exception>
    /// <exception cref="VectoredIOException">The call failed, or a flag is not known to the file and has no permitted fallback; it says how much was moved before.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    [OverloadResolutionPriority(1)]
    public static void ReadExactlyAt(
        SafeHandle handle, scoped in ReadBuffers buffers, long offset, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(handle, buffers, CheckOffset(offset), flags, fallback, all: true);

    /// <inheritdoc cref="ReadExactlyAt(SafeHandle, in ReadBuffers, long, VectoredFlags, VectoredFallback)"/>
    public static void ReadExactlyAt(
        SafeHandle handle, IReadOnlyList<Memory<byte>> buffers, long offset, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(TransferDirection.Read, handle, new BufferCursor(buffers), CheckOffset(offset), flags, fallback, all: true);

    /// <inheritdoc cref="ReadExactlyAt(SafeHandle, in ReadBuffers, long, VectoredFlags, VectoredFallback)"/>
    public static void ReadExactlyAt(
        SafeHandle handle, ReadOnlySpan<LocalSegment> buffers, long offset, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(TransferDirection.Read, handle, buffers, CheckOffset(offset), flags, fallback, all: true);
}
