using System.Buffers;
using System.Runtime.InteropServices;
using OneCopy.Memory;

namespace OneCopy;

/// <content>
/// Asynchronous forms. Each tries RWF_NOWAIT on the caller's thread and completes at once, with nothing allocated, when the data is
/// cached (or the pipe has it). Else a file is gone on with by the thread pool, and a pipe, a socket or a terminal is waited for with
/// epoll(7), which occupies no thread of the pool, whether or not the descriptor is blocking. A token is looked at before the start, while waiting, and
/// between calls of at most 16 MiB; a call to a file that is under way is not broken off. Errors and the end come with the task.
/// </content>
public static partial class VectoredIO
{
    /// <summary>Fills buffers from the file's position on, or from a pipe or socket.</summary>
    /// <param name="handle">Open for reading; held open until the task completes.</param>
    /// <param name="buffers">Where the bytes go; not to be touched before the task completes.</param>
    /// <param name="flags">What else holds; not <see cref="VectoredFlags.NoWait"/>.</param>
    /// <param name="fallback">What may be done in place of a flag that the file does not know.</param>
    /// <param name="cancellationToken">Ends the request; what was moved before stays moved.</param>
    /// <returns>Bytes moved; 0 from a read is the end.</returns>
    /// <exception cref="VectoredIOException">As in the synchronous form.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public static ValueTask<long> ReadAsync(
        SafeHandle handle,
        Memory<byte> buffers,
        VectoredFlags flags = VectoredFlags.None,
        VectoredFallback fallback = VectoredFallback.None,
        CancellationToken cancellationToken = default) =>
        VectoredOperation.Run(
            TransferDirection.Read, handle, new BufferCursor(new ReadOnlySequence<byte>(buffers)), VectoredRequest.AtPosition, flags, fallback, all: false, cancellationToken);

    /// <inheritdoc cref="ReadAsync(SafeHandle, Memory{byte}, VectoredFlags, VectoredFallback, CancellationToken)"/>
    public static ValueTask<long> ReadAsync(
        SafeHandle handle,
        IReadOnlyList<Memory<byte>> buffers,
        VectoredFlags flags = VectoredFlags.None,
        VectoredFallback fallback = VectoredFallback.None,
        CancellationToken cancellationToken = default) =>
        VectoredOperation.Run(
            TransferDirection.Read, handle, new BufferCursor(buffers), VectoredRequest.AtPosition, flags, fallback, all: false, cancellationToken);

    /// <summary>Fills buffers from an offset on: as many bytes as one call could bring.</summary>
    /// <param name="handle">Open for reading; held open until the task completes.</param>
    /// <param name="buffers">Where the bytes go; not to be touched before the task completes.</param>
    /// <param name="offset">Bytes from the start of the file.</param>
    /// <param name="flags">What else holds; not <see cref="VectoredFlags.NoWait"/>.</param>
    /// <param name="fallback">What may be done in place of a flag that the file does not know.</param>
    /// <param name="cancellationToken">Ends the request; what was moved before stays moved.</param>
    /// <returns>Bytes moved; 0 from a read is the end.</returns>
    /// <exception cref="VectoredIOException">As in the synchronous form.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public static ValueTask<long> ReadAtAsync(
        SafeHandle handle,
        Memory<byte> buffers,
        long offset,
        VectoredFlags flags = VectoredFlags.None,
        VectoredFallback fallback = VectoredFallback.None,
        CancellationToken cancellationToken = default) =>
        VectoredOperation.Run(
            TransferDirection.Read, handle, new BufferCursor(new ReadOnlySequence<byte>(buffers)), CheckOffset(offset), flags, fallback, all: false, cancellationToken);

    /// <inheritdoc cref="ReadAtAsync(SafeHandle, Memory{byte}, long, VectoredFlags, VectoredFallback, CancellationToken)"/>
    public static ValueTask<long> ReadAtAsync(
        SafeHandle handle,
        IReadOnlyList<Memory<byte>> buffers,
        long offset,
        VectoredFlags flags = VectoredFlags.None,
        VectoredFallback fallback = VectoredFallback.None,
        CancellationToken cancellationToken = default) =>
        VectoredOperation.Run(
            TransferDirection.Read, handle, new BufferCursor(buffers), CheckOffset(offset), flags, fallback, all: false, cancellationToken);

    /// <summary>Fills all buffers from the file's position on, or from a pipe or socket.</summary>
    /// <param name="handle">Open for reading; held open until the task completes.</param>
    /// <param name="buffers">Where the bytes go; not to be touched before the task completes.</param>
    /// <param name="flags">What else holds; not <see cref="VectoredFlags.NoWait"/>.</param>
    /// <param name="fallback">What may be done in place of a flag that the file does not know.</param>
    /// <param name="cancellationToken">Ends the request; what was moved before stays moved.</param>
    /// <returns>Bytes moved: all of them.</returns>
    /// <exception cref="ShortReadException">The end came first.</exception>
    /// <exception cref="VectoredIOException">As in the synchronous form.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public static ValueTask<long> ReadExactlyAsync(
        SafeHandle handle,
        Memory<byte> buffers,
        VectoredFlags flags = VectoredFlags.None,
        VectoredFallback fallback = VectoredFallback.None,
        CancellationToken cancellationToken = default) =>
        VectoredOperation.Run(
            TransferDirection.Read, handle, new BufferCursor(new ReadOnlySequence<byte>(buffers)), VectoredRequest.AtPosition, flags, fallback, all: true, cancellationToken);

    /// <inheritdoc cref="ReadExactlyAsync(SafeHandle, Memory{byte}, VectoredFlags, VectoredFallback, CancellationToken)"/>
    public static ValueTask<long> ReadExactlyAsync(
        SafeHandle handle,
        IReadOnlyList<Memory<byte>> buffers,
        VectoredFlags flags = VectoredFlags.None,
        VectoredFallback fallback = VectoredFallback.None,
        CancellationToken cancellationToken = default) =>
        VectoredOperation.Run(
            TransferDirection.Read, handle, new BufferCursor(buffers), VectoredRequest.AtPosition, flags, fallback, all: true, cancellationToken);

    /// <summary>Fills all buffers from an offset on.</summary>
    /// <param name="handle">Open for reading; held open until the task completes.</param>
    /// <param name="buffers">Where the bytes go; not to be touched before the task completes.</param>
    /// <param name="offset">Bytes from the start of the file.</param>
    /// <param name="flags">What else holds; not <see cref="VectoredFlags.NoWait"/>.</param>
    /// <param name="fallback">What may be done in place of a flag that the file does not know.</param>
    /// <param name="cancellationToken">Ends the request; what was moved before stays moved.</param>
    /// <returns>Bytes moved: all of them.</returns>
    /// <exception cref="ShortReadException">The end came first.</exception>
    /// <exception cref="VectoredIOException">As in the synchronous form.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public static ValueTask<long> ReadExactlyAtAsync(
        SafeHandle handle,
        Memory<byte> buffers,
        long offset,
        VectoredFlags flags = VectoredFlags.None,
        VectoredFallback fallback = VectoredFallback.None,
        CancellationToken cancellationToken = default) =>
        VectoredOperation.Run(
            TransferDirection.Read, handle, new BufferCursor(new ReadOnlySequence<byte>(buffers)), CheckOffset(offset), flags, fallback, all: true, cancellationToken);

    /// <inheritdoc cref="ReadExactlyAtAsync(SafeHandle, Memory{byte}, long, VectoredFlags, VectoredFallback, CancellationToken)"/>
    public static ValueTask<long> ReadExactlyAtAsync(
        SafeHandle handle,
        IReadOnlyList<Memory<byte>> buffers,
        long offset,
        VectoredFlags flags = VectoredFlags.None,
        VectoredFallback fallback = VectoredFallback.None,
        CancellationToken cancellationToken = default) =>
        VectoredOperation.Run(
            TransferDirection.Read, handle, new BufferCursor(buffers), CheckOffset(offset), flags, fallback, all: true, cancellationToken);
}
