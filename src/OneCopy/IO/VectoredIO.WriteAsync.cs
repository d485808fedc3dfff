using System.Buffers;
using System.Runtime.InteropServices;
using OneCopy.Memory;

namespace OneCopy;

public static partial class VectoredIO
{
    /// <summary>Writes buffers at the file's position, or to a pipe or socket: what one call takes.</summary>
    /// <param name="handle">Open for writing; held open until the task completes.</param>
    /// <param name="buffers">What is written; not to be touched before the task completes.</param>
    /// <param name="flags">What else holds; not <see cref="VectoredFlags.NoWait"/>.</param>
    /// <param name="fallback">What may be done in place of a flag that the file does not know.</param>
    /// <param name="cancellationToken">Ends the request; what was moved before stays moved.</param>
    /// <returns>Bytes moved.</returns>
    /// <exception cref="VectoredIOException">As in the synchronous form.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public static ValueTask<long> WriteAsync(
        SafeHandle handle,
        ReadOnlyMemory<byte> buffers,
        VectoredFlags flags = VectoredFlags.None,
        VectoredFallback fallback = VectoredFallback.None,
        CancellationToken cancellationToken = default) =>
        VectoredOperation.Run(
            TransferDirection.Write, handle, new BufferCursor(new ReadOnlySequence<byte>(buffers)), VectoredRequest.AtPosition, flags, fallback, all: false, cancellationToken);

    /// <inheritdoc cref="WriteAsync(SafeHandle, ReadOnlyMemory{byte}, VectoredFlags, VectoredFallback, CancellationToken)"/>
    public static ValueTask<long> WriteAsync(
        SafeHandle handle,
        IReadOnlyList<ReadOnlyMemory<byte>> buffers,
        VectoredFlags flags = VectoredFlags.None,
        VectoredFallback fallback = VectoredFallback.None,
        CancellationToken cancellationToken = default) =>
        VectoredOperation.Run(
            TransferDirection.Write, handle, new BufferCursor(buffers), VectoredRequest.AtPosition, flags, fallback, all: false, cancellationToken);

    /// <inheritdoc cref="WriteAsync(SafeHandle, ReadOnlyMemory{byte}, VectoredFlags, VectoredFallback, CancellationToken)"/>
    public static ValueTask<long> WriteAsync(
        SafeHandle handle,
        ReadOnlySequence<byte> buffers,
        VectoredFlags flags = VectoredFlags.None,
        VectoredFallback fallback = VectoredFallback.None,
        CancellationToken cancellationToken = default) =>
        VectoredOperation.Run(
            TransferDirection.Write, handle, new BufferCursor(buffers), VectoredRequest.AtPosition, flags, fallback, all: false, cancellationToken);

    /// <summary>Writes buffers at an offset: what one call takes.</summary>
    /// <param name="handle">Open for writing; held open until the task completes.</param>
    /// <param name="buffers">What is written; not to be touched before the task completes.</param>
    /// <param name="offset">Bytes from the start of the file.</param>
    /// <param name="flags">What else holds; not <see cref="VectoredFlags.NoWait"/>.</param>
    /// <param name="fallback">What may be done in place of a flag that the file does not know.</param>
    /// <param name="cancellationToken">Ends the request; what was moved before stays moved.</param>
    /// <returns>Bytes moved.</returns>
    /// <exception cref="VectoredIOException">As in the synchronous form.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public static ValueTask<long> WriteAtAsync(
        SafeHandle handle,
        ReadOnlyMemory<byte> buffers,
        long offset,
        VectoredFlags flags = VectoredFlags.None,
        VectoredFallback fallback = VectoredFallback.None,
        CancellationToken cancellationToken = default) =>
        VectoredOperation.Run(
            TransferDirection.Write, handle, new BufferCursor(new ReadOnlySequence<byte>(buffers)), CheckOffset(offset), flags, fallback, all: false, cancellationToken);

    /// <inheritdoc cref="WriteAtAsync(SafeHandle, ReadOnlyMemory{byte}, long, VectoredFlags, VectoredFallback, CancellationToken)"/>
    public static ValueTask<long> WriteAtAsync(
        SafeHandle handle,
        IReadOnlyList<ReadOnlyMemory<byte>> buffers,
        long offset,
        VectoredFlags flags = VectoredFlags.None,
        VectoredFallback fallback = VectoredFallback.None,
        CancellationToken cancellationToken = default) =>
        VectoredOperation.Run(
            TransferDirection.Write, handle, new BufferCursor(buffers), CheckOffset(offset), flags, fallback, all: false, cancellationToken);

    /// <inheritdoc cref="WriteAtAsync(SafeHandle, ReadOnlyMemory{byte}, long, VectoredFlags, VectoredFallback, CancellationToken)"/>
    public static ValueTask<long> WriteAtAsync(
        SafeHandle handle,
        ReadOnlySequence<byte> buffers,
        long offset,
        VectoredFlags flags = VectoredFlags.None,
        VectoredFallback fallback = VectoredFallback.None,
        CancellationToken cancellationToken = default) =>
        VectoredOperation.Run(
            TransferDirection.Write, handle, new BufferCursor(buffers), CheckOffset(offset), flags, fallback, all: false, cancellationToken);

    /// <summary>Writes all buffers at the file's position, or to a pipe or socket.</summary>
    /// <param name="handle">Open for writing; held open until the task completes.</param>
    /// <param name="buffers">What is written; not to be touched before the task completes.</param>
    /// <param name="flags">What else holds; not <see cref="VectoredFlags.NoWait"/>.</param>
    /// <param name="fallback">What may be done in place of a flag that the file does not know.</param>
    /// <param name="cancellationToken">Ends the request; what was moved before stays moved.</param>
    /// <returns>Bytes moved: all of them.</returns>
    /// <exception cref="VectoredIOException">As in the synchronous form.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public static ValueTask<long> WriteAllAsync(
        SafeHandle handle,
        ReadOnlyMemory<byte> buffers,
        VectoredFlags flags = VectoredFlags.None,
        VectoredFallback fallback = VectoredFallback.None,
        CancellationToken cancellationToken = default) =>
        VectoredOperation.Run(
            TransferDirection.Write, handle, new BufferCursor(new ReadOnlySequence<byte>(buffers)), VectoredRequest.AtPosition, flags, fallback, all: true, cancellationToken);

    /// <inheritdoc cref="WriteAllAsync(SafeHandle, ReadOnlyMemory{byte}, VectoredFlags, VectoredFallback, CancellationToken)"/>
    public static ValueTask<long> WriteAllAsync(
        SafeHandle handle,
        IReadOnlyList<ReadOnlyMemory<byte>> buffers,
        VectoredFlags flags = VectoredFlags.None,
        VectoredFallback fallback = VectoredFallback.None,
        CancellationToken cancellationToken = default) =>
        VectoredOperation.Run(
            TransferDirection.Write, handle, new BufferCursor(buffers), VectoredRequest.AtPosition, flags, fallback, all: true, cancellationToken);

    /// <inheritdoc cref="WriteAllAsync(SafeHandle, ReadOnlyMemory{byte}, VectoredFlags, VectoredFallback, CancellationToken)"/>
    public static ValueTask<long> WriteAllAsync(
        SafeHandle handle,
        ReadOnlySequence<byte> buffers,
        VectoredFlags flags = VectoredFlags.None,
        VectoredFallback fallback = VectoredFallback.None,
        CancellationToken cancellationToken = default) =>
        VectoredOperation.Run(
            TransferDirection.Write, handle, new BufferCursor(buffers), VectoredRequest.AtPosition, flags, fallback, all: true, cancellationToken);

    /// <summary>Writes all buffers at an offset.</summary>
    /// <param name="handle">Open for writing; held open until the task completes.</param>
    /// <param name="buffers">What is written; not to be touched before the task completes.</param>
    /// <param name="offset">Bytes from the start of the file.</param>
    /// <param name="flags">What else holds; not <see cref="VectoredFlags.NoWait"/>.</param>
    /// <param name="fallback">What may be done in place of a flag that the file does not know.</param>
    /// <param name="cancellationToken">Ends the request; what was moved before stays moved.</param>
    /// <returns>Bytes moved: all of them.</returns>
    /// <exception cref="VectoredIOException">As in the synchronous form.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public static ValueTask<long> WriteAllAtAsync(
        SafeHandle handle,
        ReadOnlyMemory<byte> buffers,
        long offset,
        VectoredFlags flags = VectoredFlags.None,
        VectoredFallback fallback = VectoredFallback.None,
        CancellationToken cancellationToken = default) =>
        VectoredOperation.Run(
            TransferDirection.Write, handle, new BufferCursor(new ReadOnlySequence<byte>(buffers)), CheckOffset(offset), flags, fallback, all: true, cancellationToken);

    /// <inheritdoc cref="WriteAllAtAsync(SafeHandle, ReadOnlyMemory{byte}, long, VectoredFlags, VectoredFallback, CancellationToken)"/>
    public static ValueTask<long> WriteAllAtAsync(
        SafeHandle handle,
        IReadOnlyList<ReadOnlyMemory<byte>> buffers,
        long offset,
        VectoredFlags flags = VectoredFlags.None,
        VectoredFallback fallback = VectoredFallback.None,
        CancellationToken cancellationToken = default) =>
        VectoredOperation.Run(
            TransferDirection.Write, handle, new BufferCursor(buffers), CheckOffset(offset), flags, fallback, all: true, cancellationToken);

    /// <inheritdoc cref="WriteAllAtAsync(SafeHandle, ReadOnlyMemory{byte}, long, VectoredFlags, VectoredFallback, CancellationToken)"/>
    public static ValueTask<long> WriteAllAtAsync(
        SafeHandle handle,
        ReadOnlySequence<byte> buffers,
        long offset,
        VectoredFlags flags = VectoredFlags.None,
        VectoredFallback fallback = VectoredFallback.None,
        CancellationToken cancellationToken = default) =>
        VectoredOperation.Run(
            TransferDirection.Write, handle, new BufferCursor(buffers), CheckOffset(offset), flags, fallback, all: true, cancellationToken);
}
