using System.Runtime.CompilerServices;
using OneCopy.Interop;
using OneCopy.Memory;

namespace OneCopy;

/// <content>Calls whose EAGAIN is an answer: the asynchronous forms begin with them.</content>
internal unsafe partial struct VectoredRequest
{
    /// <summary>Whether the next calls carry RWF_NOWAIT.</summary>
    public bool NoWait
    {
        readonly get => (_flags & Rwf.NoWait) != Rwf.None;
        set => _flags = value ? _flags | Rwf.NoWait : _flags & ~Rwf.NoWait;
    }

    /// <summary>As <see cref="Move(ReadOnlySpan{iovec}, bool)"/>, of buffers that are held in place a window of at most IOV_MAX at a time.</summary>
    public long Move(ref BufferCursor buffers, bool all)
    {
        PinnedWindow window = new(buffers.Places);
        try
        {
            while (buffers.Pin(ref window, all ? long.MaxValue : Uio.MaxBytesPerCall) is not 0 and long bytes)
            {
                if (IsSplitBy(bytes, all, buffers))
                    throw NotOneCall();
                long moved = Move(window.Segments, all);
                window.Unpin();
                buffers.Advance(moved);
                if (!all)
                    break;
            }
            return Done;
        }
        finally
        {
            window.Dispose();
        }
    }

    /// <summary>Whether an atomic request that is to be written whole has bytes left behind the next so many.</summary>
    public readonly bool IsSplitBy(long bytes, bool all, in BufferCursor buffers) => all && (_flags & Rwf.Atomic) != Rwf.None && buffers.HasMoreThan(bytes);

    /// <summary>One call; its errno when it failed, and EINTR is begun again. Nothing is waited for and no flag replaced.</summary>
    [SkipLocalsInit]
    public bool TryMove(ReadOnlySpan<iovec> segments, out long moved, out int errno)
    {
        SegmentCursor cursor = new(segments);
        int places = Math.Min(cursor.SegmentsLeft, Uio.IOV_MAX);
        iovec* window = stackalloc iovec[places];
        int count = cursor.Fill(new Span<iovec>(window, places), (nuint)Uio.MaxBytesPerCall, out _);
        SysResult result = SysResult.Ok();
        if (count != 0)
        {
            do
                result = CallOnce(window, count);
            while (result.Errno == Errno.EINTR);
        }
        errno = result.Errno;
        moved = result.Succeeded ? result.Value : 0;
        Done += moved;
        return result.Succeeded;
    }
}
