using System.Runtime.InteropServices;
using OneCopy.Interop;
using OneCopy.Memory;

namespace OneCopy;

/// <summary>
/// An asynchronous request. It begins on the caller's thread with RWF_NOWAIT, and ends there when the data is at hand; what is left goes
/// to the thread pool (files) or waits in epoll(7) (what can be waited for: pipes, sockets, terminals).
/// </summary>
internal sealed class VectoredOperation
{
    /// <summary>How much is moved between two looks at a token that can be cancelled: some milliseconds' worth.</summary>
    private const long CancellableChunk = 16 << 20;

    private readonly bool _all;
    private readonly long _chunk;
    private readonly CancellationToken _cancellation;
    private VectoredRequest _request;
    private BufferCursor _buffers;

    private VectoredOperation(VectoredRequest request, BufferCursor buffers, bool all, CancellationToken cancellation)
    {
        _request = request;
        _buffers = buffers;
        _all = all;
        _cancellation = cancellation;
        _chunk = ChunkFor(cancellation);
    }

    /// <summary>How an attempt that does not wait ended.</summary>
    private enum Attempt
    {
        Complete,
        WouldWait,

        /// <summary>The file knows no RWF_NOWAIT, or not another one of the flags: a plain call will tell.</summary>
        NotKnown,
    }

    public static ValueTask<long> Run(
        TransferDirection direction,
        SafeHandle handle,
        BufferCursor buffers,
        long offset,
        VectoredFlags flags,
        VectoredFallback fallback,
        bool all,
        CancellationToken cancellation)
    {
        if ((flags & VectoredFlags.NoWait) != VectoredFlags.None)
            throw new ArgumentException("The asynchronous forms try NoWait by themselves, and then wait.", nameof(flags));
        VectoredRequest request = VectoredRequest.Begin(direction, handle, offset, flags, fallback);
        bool handedOn = false;
        try
        {
            if (cancellation.IsCancellationRequested)
                return ValueTask.FromCanceled<long>(cancellation);
            Attempt first = TryWithoutWaiting(ref request, ref buffers, all, cancellation);
            if (first == Attempt.Complete)
                return new ValueTask<long>(request.Done);
            handedOn = true;
            return new VectoredOperation(request, buffers, all, cancellation).GoOn(first);
        }
        catch (OperationCanceledException e)
        {
            return ValueTask.FromCanceled<long>(e.CancellationToken);
        }
        catch (IOException e)
        {
            return ValueTask.FromException<long>(e);
        }
        finally
        {
            if (!handedOn)
                request.End();
        }
    }

    private static long ChunkFor(CancellationToken cancellation) => cancellation.CanBeCanceled ? CancellableChunk : Uio.MaxBytesPerCall;

    /// <summary>
    /// Calls with RWF_NOWAIT until the request is done or one of them would wait. A short read of a file may be one that is cached in part, so it is
    /// gone on with: its count falls short at the end of the file alone. A pipe's or socket's short count is as good as any.
    /// </summary>
    private static Attempt TryWithoutWaiting(ref VectoredRequest request, ref BufferCursor buffers, bool all, CancellationToken cancellation)
    {
        bool goesOn = all || (request.Direction == TransferDirection.Read && request.IsPositioned);
        long chunk = all ? ChunkFor(cancellation) : Uio.MaxBytesPerCall;
        PinnedWindow window = new(buffers.Places);
        request.NoWait = true;
        try
        {
            long left = long.MaxValue;
            while (buffers.Pin(ref window, Math.Min(chunk, left)) is not 0 and long bytes)
            {
                if (request.IsSplitBy(bytes, all, buffers))
                    throw VectoredRequest.NotOneCall();
                bool succeeded = request.TryMove(window.Segments, out long moved, out int errno);
                window.Unpin();
                if (!succeeded)
                {
                    if (errno == Errno.EAGAIN)
                        return Attempt.WouldWait;
                    return errno is Errno.EOPNOTSUPP or Errno.ENOSYS ? Attempt.NotKnown : throw request.Failure(errno);
                }
                if (moved == 0 && all)
                    throw request.NoProgress();
                buffers.Advance(moved);

                // What one call would have taken: the partial form ends there, however many calls it was made of.
                left = all ? long.MaxValue : bytes - moved;
                if (moved == 0 || !goesOn || left == 0)
                    break;
                cancellation.ThrowIfCancellationRequested();
            }
            return Attempt.Complete;
        }
        finally
        {
            window.Dispose();
            request.NoWait = false;
        }
    }

    private async ValueTask<long> GoOn(Attempt last)
    {
        try
        {
            while (last != Attempt.Complete)
            {
                // What has offsets (or is refused by epoll) cannot be waited for: only a call that waits brings the data.
                if (_request.IsPositioned || !await Readiness.WaitAsync(_request.Fd, _request.Direction, _cancellation).ConfigureAwait(false))
                {
                    await Task.Run(MoveWaiting, _cancellation).ConfigureAwait(false);
                    return _request.Done;
                }
                last = last == Attempt.WouldWait
                    ? TryWithoutWaiting(ref _request, ref _buffers, _all, _cancellation)
                    : await Task.Run(MoveReady, _cancellation).ConfigureAwait(false);
            }
            return _request.Done;
        }
        finally
        {
            _request.End();
        }
    }

    /// <summary>On the thread pool: plain calls until the request is done.</summary>
    private void MoveWaiting()
    {
        PinnedWindow window = new(_buffers.Places);
        try
        {
            while (_buffers.Pin(ref window, _all ? _chunk : Uio.MaxBytesPerCall) is not 0 and long bytes)
            {
                if (_request.IsSplitBy(bytes, _all, _buffers))
                    throw VectoredRequest.NotOneCall();
                long moved = _request.Move(window.Segments, _all);
                window.Unpin();
                _buffers.Advance(moved);
                if (!_all)
                    break;
                _cancellation.ThrowIfCancellationRequested();
            }
            _request.Finish();
        }
        finally
        {
            window.Dispose();
        }
    }

    /// <summary>On the thread pool: one plain call on what knows no RWF_NOWAIT and was just found ready (a terminal).</summary>
    private Attempt MoveReady()
    {
        PinnedWindow window = new(_buffers.Places);
        try
        {
            if (_buffers.Pin(ref window, Uio.MaxBytesPerCall) == 0)
                return Attempt.Complete;
            _request.EndsWhereItWouldWait = true;
            long moved = _request.Move(window.Segments, all: false);
            if (_request.WouldWait)
                return Attempt.NotKnown;
            if (moved == 0 && _all)
                throw _request.NoProgress();
            _buffers.Advance(moved);
            if (_all && _buffers.HasMoreThan(0))
                return Attempt.NotKnown;
            _request.Finish();
            return Attempt.Complete;
        }
        finally
        {
            window.Dispose();
        }
    }
}
