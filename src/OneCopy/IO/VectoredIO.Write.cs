using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using OneCopy.Memory;

namespace OneCopy;

/// <content>Gather: from buffers into a file.</content>
public static partial class VectoredIO
{
    /// <summary>Writes buffers at the file's position, with one call: writev(2), or pwritev2(2) with flags.</summary>
    /// <param name="handle">Open for writing.</param>
    /// <param name="buffers">What is written, in order; empty ones are skipped.</param>
    /// <param name="flags">What else holds for the call.</param>
    /// <param name="fallback">What may be done in place of a flag that the file does not know.</param>
    /// <returns>Bytes written, from the first buffer on: fewer than asked for when there was no room for more (a full file system, a full pipe that is non-blocking).</returns>
    /// <exception cref="VectoredIOException">The call failed, or a flag is not known to the file and has no permitted fallback.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    [OverloadResolutionPriority(1)]
    public static long Write(
        SafeHandle handle, scoped in WriteBuffers buffers, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(handle, buffers, VectoredRequest.AtPosition, flags, fallback, all: false);

    /// <inheritdoc cref="Write(SafeHandle, in WriteBuffers, VectoredFlags, VectoredFallback)"/>
    public static long Write(
        SafeHandle handle, IReadOnlyList<ReadOnlyMemory<byte>> buffers, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(TransferDirection.Write, handle, new BufferCursor(buffers), VectoredRequest.AtPosition, flags, fallback, all: false);

    /// <inheritdoc cref="Write(SafeHandle, in WriteBuffers, VectoredFlags, VectoredFallback)"/>
    public static long Write(
        SafeHandle handle, ReadOnlySequence<byte> buffers, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(TransferDirection.Write, handle, new BufferCursor(buffers), VectoredRequest.AtPosition, flags, fallback, all: false);

    /// <inheritdoc cref="Write(SafeHandle, in WriteBuffers, VectoredFlags, VectoredFallback)"/>
    public static long Write(
        SafeHandle handle, ReadOnlySpan<LocalSegment> buffers, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(TransferDirection.Write, handle, buffers, VectoredRequest.AtPosition, flags, fallback, all: false);

    /// <summary>Writes buffers at an offset, with one call: pwritev(2), or pwritev2(2) with flags. The file's position stays.</summary>
    /// <param name="handle">Open for writing.</param>
    /// <param name="buffers">What is written, in order; empty ones are skipped.</param>
    /// <param name="offset">Bytes from the start of the file.</param>
    /// <param name="flags">What else holds for the call.</param>
    /// <param name="fallback">What may be done in place of a flag that the file does not know.</param>
    /// <returns>Bytes written, from the first buffer on: fewer than asked for when there was no room for more.</returns>
    /// <exception cref="VectoredIOException">The call failed, or a flag is not known to the file and has no permitted fallback.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    [OverloadResolutionPriority(1)]
    public static long WriteAt(
        SafeHandle handle, scoped in WriteBuffers buffers, long offset, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(handle, buffers, CheckOffset(offset), flags, fallback, all: false);

    /// <inheritdoc cref="WriteAt(SafeHandle, in WriteBuffers, long, VectoredFlags, VectoredFallback)"/>
    public static long WriteAt(
        SafeHandle handle, IReadOnlyList<ReadOnlyMemory<byte>> buffers, long offset, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(TransferDirection.Write, handle, new BufferCursor(buffers), CheckOffset(offset), flags, fallback, all: false);

    /// <inheritdoc cref="WriteAt(SafeHandle, in WriteBuffers, long, VectoredFlags, VectoredFallback)"/>
    public static long WriteAt(
        SafeHandle handle, ReadOnlySequence<byte> buffers, long offset, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(TransferDirection.Write, handle, new BufferCursor(buffers), CheckOffset(offset), flags, fallback, all: false);

    /// <inheritdoc cref="WriteAt(SafeHandle, in WriteBuffers, long, VectoredFlags, VectoredFallback)"/>
    public static long WriteAt(
        SafeHandle handle, ReadOnlySpan<LocalSegment> buffers, long offset, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(TransferDirection.Write, handle, buffers, CheckOffset(offset), flags, fallback, all: false);

    /// <summary>Writes all buffers at the file's position, with as many calls as that takes.</summary>
    /// <param name="handle">Open for writing.</param>
    /// <param name="buffers">What is written, in order; empty ones are skipped.</param>
    /// <param name="flags">What else holds for each call.</param>
    /// <param name="fallback">What may be done in place of a flag that the file does not know.</param>
    /// <exception cref="VectoredIOException">The call failed, or a flag is not known to the file and has no permitted fallback; it says how much was moved before.</exception>
    /// <exception cref="ArgumentException"><see cref="VectoredFlags.Atomic"/> with more than one call can take.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    [OverloadResolutionPriority(1)]
    public static void WriteAll(
        SafeHandle handle, scoped in WriteBuffers buffers, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(handle, buffers, VectoredRequest.AtPosition, flags, fallback, all: true);

    /// <inheritdoc cref="WriteAll(SafeHandle, in WriteBuffers, VectoredFlags, VectoredFallback)"/>
    public static void WriteAll(
        SafeHandle handle, IReadOnlyList<ReadOnlyMemory<byte>> buffers, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(TransferDirection.Write, handle, new BufferCursor(buffers), VectoredRequest.AtPosition, flags, fallback, all: true);

    /// <inheritdoc cref="WriteAll(SafeHandle, in WriteBuffers, VectoredFlags, VectoredFallback)"/>
    public static void WriteAll(
        SafeHandle handle, ReadOnlySequence<byte> buffers, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(TransferDirection.Write, handle, new BufferCursor(buffers), VectoredRequest.AtPosition, flags, fallback, all: true);

    /// <inheritdoc cref="WriteAll(SafeHandle, in WriteBuffers, VectoredFlags, VectoredFallback)"/>
    public static void WriteAll(
        SafeHandle handle, ReadOnlySpan<LocalSegment> buffers, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(TransferDirection.Write, handle, buffers, VectoredRequest.AtPosition, flags, fallback, all: true);

    /// <summary>Writes all buffers at an offset, with as many calls as that takes. The file's position stays.</summary>
    /// <param name="handle">Open for writing.</param>
    /// <param name="buffers">What is written, in order; empty ones are skipped.</param>
    /// <param name="offset">Bytes from the start of the file.</param>
    /// <param name="flags">What else holds for each call.</param>
    /// <param name="fallback">What may be done in place of a flag that the file does not know.</param>
    /// <exception cref="VectoredIOException">The call failed, or a flag is not known to the file and has no permitted fallback; it says how much was moved before.</exception>
    /// <exception cref="ArgumentException"><see cref="VectoredFlags.Atomic"/> with more than one call can take.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    [OverloadResolutionPriority(1)]
    public static void WriteAllAt(
        SafeHandle handle, scoped in WriteBuffers buffers, long offset, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(handle, buffers, CheckOffset(offset), flags, fallback, all: true);

    /// <inheritdoc cref="WriteAllAt(SafeHandle, in WriteBuffers, long, VectoredFlags, VectoredFallback)"/>
    public static void WriteAllAt(
        SafeHandle handle, IReadOnlyList<ReadOnlyMemory<byte>> buffers, long offset, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(TransferDirection.Write, handle, new BufferCursor(buffers), CheckOffset(offset), flags, fallback, all: true);

    /// <inheritdoc cref="WriteAllAt(SafeHandle, in WriteBuffers, long, VectoredFlags, VectoredFallback)"/>
    public static void WriteAllAt(
        SafeHandle handle, ReadOnlySequence<byte> buffers, long offset, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(TransferDirection.Write, handle, new BufferCursor(buffers), CheckOffset(offset), flags, fallback, all: true);

    /// <inheritdoc cref="WriteAllAt(SafeHandle, in WriteBuffers, long, VectoredFlags, VectoredFallback)"/>
    public static void WriteAllAt(
        SafeHandle handle, ReadOnlySpan<LocalSegment> buffers, long offset, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Run(TransferDirection.Write, handle, buffers, CheckOffset(offset), flags, fallback, all: true);
}
