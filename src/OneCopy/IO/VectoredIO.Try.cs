using System.Runtime.InteropServices;
using OneCopy.Memory;

namespace OneCopy;

/// <content>RWF_NOWAIT as a question: what is there already?</content>
public static partial class VectoredIO
{
    /// <summary>Fills buffers from an offset on with what is in the page cache, and waits for no device: preadv2(2) with RWF_NOWAIT.</summary>
    /// <param name="handle">Open for reading.</param>
    /// <param name="buffers">Where the bytes go, in order.</param>
    /// <param name="offset">Bytes from the start of the file.</param>
    /// <param name="count">Bytes read: fewer than asked for when no more is cached, or at the end of the file; 0 with true is the end.</param>
    /// <param name="flags">What else holds for the call.</param>
    /// <param name="fallback">What may be done in place of a flag that the file does not know; with <see cref="VectoredFallback.Wait"/>, the read may wait there.</param>
    /// <returns>False when not a byte could be read without waiting (EAGAIN).</returns>
    /// <exception cref="VectoredIOException">The call failed, or the file does not know RWF_NOWAIT (tmpfs, for one).</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public static bool TryReadAt(
        SafeHandle handle, scoped in ReadBuffers buffers, long offset, out long count, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Try(handle, buffers, CheckOffset(offset), out count, flags, fallback);

    /// <summary>Fills buffers with what a pipe or a socket has, or what of a file is cached at its position, and does not wait.</summary>
    /// <param name="handle">Open for reading.</param>
    /// <param name="buffers">Where the bytes go, in order.</param>
    /// <param name="count">Bytes read; 0 with true is the end.</param>
    /// <param name="flags">What else holds for the call.</param>
    /// <param name="fallback">What may be done in place of a flag that the file does not know.</param>
    /// <returns>False when not a byte could be read without waiting (EAGAIN).</returns>
    /// <exception cref="VectoredIOException">The call failed, or the file does not know RWF_NOWAIT (a terminal, for one).</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public static bool TryRead(
        SafeHandle handle, scoped in ReadBuffers buffers, out long count, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None) =>
        Try(handle, buffers, VectoredRequest.AtPosition, out count, flags, fallback);

    /// <summary>Writes what a pipe or a socket has room for, and does not wait: pwritev2(2) with RWF_NOWAIT.</summary>
    /// <param name="handle">Open for writing.</param>
    /// <param name="buffers">What is written, in order.</param>
    /// <param name="count">Bytes written: fewer than asked for when there was no room for more.</param>
    /// <param name="flags">What else holds for the call.</param>
    /// <param name="fallback">What may be done in place of a flag that the file does not know.</param>
    /// <returns>False when not a byte could be written without waiting (EAGAIN).</returns>
    /// <exception cref="VectoredIOException">The call failed (EPIPE: the reading end is closed), or the file does not know RWF_NOWAIT for writing.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public static bool TryWrite(
        SafeHandle handle, scoped in WriteBuffers buffers, out long count, VectoredFlags flags = VectoredFlags.None, VectoredFallback fallback = VectoredFallback.None)
    {
        VectoredRequest request = VectoredRequest.Begin(TransferDirection.Write, handle, VectoredRequest.AtPosition, flags | VectoredFlags.NoWait, fallback);
        request.EndsWhereItWouldWait = true;
        try
        {
            buffers.Move(ref request, all: false);
            request.Finish();
            count = request.Done;
            return !request.WouldWait;
        }
        finally
        {
            request.End();
        }
    }

    private static bool Try(SafeHandle handle, in ReadBuffers buffers, long offset, out long count, VectoredFlags flags, VectoredFallback fallback)
    {
        VectoredRequest request = VectoredRequest.Begin(TransferDirection.Read, handle, offset, flags | VectoredFlags.NoWait, fallback);
        request.EndsWhereItWouldWait = true;
        try
        {
            buffers.Move(ref request, all: false);
            request.Finish();
            count = request.Done;
            return !request.WouldWait;
        }
        finally
        {
            request.End();
        }
    }
}
