using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using OneCopy.Interop;
using OneCopy.Memory;

namespace OneCopy;

/// <summary>
/// One request while it runs: the descriptor, which is held open, the place in the file, the flags that are left, and how far it
/// came. The six calls are made here and nowhere else.
/// </summary>
internal unsafe partial struct VectoredRequest
{
    /// <summary>The offset that means "at the file's position"; that of preadv2(2).</summary>
    public const long AtPosition = -1;

    private readonly SafeHandle _handle;
    private readonly TransferDirection _direction;
    private readonly long _start;
    private readonly VectoredFallback _fallback;
    private Rwf _flags;
    private VectoredFlags _replaced;
    private bool _mayWait;

    private VectoredRequest(TransferDirection direction, SafeHandle handle, long offset, VectoredFlags flags, VectoredFallback fallback)
    {
        _direction = direction;
        _handle = handle;
        _start = offset;
        _flags = (Rwf)flags;
        _fallback = fallback;
        _mayWait = (flags & VectoredFlags.NoWait) == VectoredFlags.None;
        Fd = (int)handle.DangerousGetHandle();
    }

    public int Fd { get; }

    /// <summary>Bytes moved so far.</summary>
    public long Done { get; private set; }

    /// <summary>EAGAIN is an answer, not an error.</summary>
    public bool EndsWhereItWouldWait { get; set; }

    /// <summary>That answer was given.</summary>
    public bool WouldWait { get; private set; }

    public readonly TransferDirection Direction => _direction;

    public readonly bool IsPositioned => _start != AtPosition;

    private readonly long Offset => IsPositioned ? _start + Done : AtPosition;

    /// <summary>Checks what can be checked without a call, and holds the handle open until <see cref="End"/>.</summary>
    public static VectoredRequest Begin(TransferDirection direction, SafeHandle handle, long offset, VectoredFlags flags, VectoredFallback fallback)
    {
        ArgumentNullException.ThrowIfNull(handle);
        if ((flags & ~VectoredIO.AllFlags) != VectoredFlags.None)
            throw new ArgumentOutOfRangeException(nameof(flags), flags, "Not a flag of preadv2.");
        if ((flags & (VectoredFlags.Append | VectoredFlags.NoAppend)) == (VectoredFlags.Append | VectoredFlags.NoAppend))
            throw new ArgumentException("Append and NoAppend exclude each other.", nameof(flags));
        if ((fallback & ~VectoredFallback.All) != VectoredFallback.None)
            throw new ArgumentOutOfRangeException(nameof(fallback), fallback, "Not a fallback.");
        bool added = false;
        handle.DangerousAddRef(ref added);
        if (handle.IsInvalid)
        {
            handle.DangerousRelease();
            throw new ArgumentException("The handle is of no descriptor.", nameof(handle));
        }
        return new VectoredRequest(direction, handle, offset, flags, fallback);
    }

    public readonly void End() => _handle.DangerousRelease();

    /// <summary>
    /// One call with the first of the segments, or calls until all are done. Empty segments take no place in a call; a request of
    /// nothing but those makes none. Returns the bytes of this part of the request.
    /// </summary>
    [SkipLocalsInit]
    public long Move(ReadOnlySpan<iovec> segments, bool all)
    {
        long before = Done;
        WouldWait = false;
        SegmentCursor cursor = new(segments);
        int places = Math.Min(cursor.SegmentsLeft, Uio.IOV_MAX);
        iovec* window = stackalloc iovec[places];
        while (!cursor.AtEnd)
        {
            int count = cursor.Fill(new Span<iovec>(window, places), (nuint)Uio.MaxBytesPerCall, out nuint bytes);
            if (all && (_flags & Rwf.Atomic) != Rwf.None && SegmentCursor.Total(segments) != (long)bytes)
                throw NotOneCall();
            SysResult result = Call(window, count);
            if (result.Errno == Errno.EAGAIN && EndsWhereItWouldWait)
            {
                WouldWait = true;
                break;
            }
            if (!result.Succeeded)
                throw Failure(result.Errno);
            if (result.Value == 0 && all)
                throw NoProgress();
            Done += result.Value;
            if (!all)
                break;
            cursor.Advance((nuint)result.Value);
        }
        return Done - before;
    }

    /// <summary>The calls that go with a flag's replacement, when everything was moved.</summary>
    public readonly void Finish()
    {
        if (_replaced == VectoredFlags.None)
            return;
        if (_direction == TransferDirection.Write && (_replaced & (VectoredFlags.Sync | VectoredFlags.DataSync)) is not VectoredFlags.None and VectoredFlags sync)
        {
            bool whole = (sync & VectoredFlags.Sync) != VectoredFlags.None;
            SysResult result = whole ? FileCache.fsync(Fd) : FileCache.fdatasync(Fd);

            // EINVAL and EROFS: what it is has nothing to sync (a pipe, a socket).
            if (result.Errno is not (0 or Errno.EINVAL or Errno.EROFS))
                throw new VectoredIOException(whole ? "fsync" : "fdatasync", result.Errno, Subject, "The bytes were written; whether they are on the device is not known.", Done, null);
        }
        if ((_replaced & VectoredFlags.DontCache) != VectoredFlags.None && IsPositioned && Done != 0)
            _ = FileCache.posix_fadvise(Fd, _start, Done, Fadvise.DontNeed); // Advice: whatever it answers, the bytes are moved.
    }

    /// <summary>One call, begun again when a signal broke it, when what it waits for is there, and without a flag that may be replaced.</summary>
    private SysResult Call(iovec* segments, int count)
    {
        while (true)
        {
            SysResult result = CallOnce(segments, count);
            bool again = result.Errno switch
            {
                Errno.EINTR => true,
                Errno.EAGAIN => WaitUntilReady(),
                Errno.EOPNOTSUPP or Errno.ENOSYS => TryFallBack(),
                _ => false,
            };
            if (!again)
                return result;
        }
    }

    private readonly SysResult CallOnce(iovec* segments, int count) => (_direction, _flags, IsPositioned) switch
    {
        (TransferDirection.Read, Rwf.None, false) => Uio.readv(Fd, segments, count),
        (TransferDirection.Read, Rwf.None, true) => Uio.preadv(Fd, segments, count, Offset),
        (TransferDirection.Read, _, _) => Uio.preadv2(Fd, segments, count, Offset, _flags),
        (_, Rwf.None, false) => Uio.writev(Fd, segments, count),
        (_, Rwf.None, true) => Uio.pwritev(Fd, segments, count, Offset),
        _ => Uio.pwritev2(Fd, segments, count, Offset, _flags),
    };

    /// <summary>
    /// EAGAIN of a non-blocking descriptor: sleeps in poll(2). Of a blocking one it is a time-out that was set on a socket, and with NoWait an
    /// answer: both are the caller's.
    /// </summary>
    private readonly bool WaitUntilReady()
    {
        if (!_mayWait || EndsWhereItWouldWait || !Descriptor.IsNonBlocking(Fd))
            return false;
        return Poll.poll(Fd, _direction == TransferDirection.Read ? Poll.POLLIN : Poll.POLLOUT, -1).Errno is 0 or Errno.EINTR;
    }

    /// <summary>Whether the call can be made again, without the flags that are not known and may be replaced.</summary>
    private bool TryFallBack()
    {
        VectoredFlags missing = MissingFlags();
        VectoredFlags permitted = Permitted(_fallback);

        // What is non-blocking does not wait in any case. (A pipe with a name knows no NoWait, one without a name does.)
        bool neverWaits = (missing & VectoredFlags.NoWait) != VectoredFlags.None && VectoredFlagProbe.IsStream(Fd) && Descriptor.IsNonBlocking(Fd);
        if (missing == VectoredFlags.None || (missing & ~(neverWaits ? permitted | VectoredFlags.NoWait : permitted)) != VectoredFlags.None)
            return false;
        _mayWait |= (missing & permitted & VectoredFlags.NoWait) != VectoredFlags.None;
        _flags &= ~(Rwf)missing;
        _replaced |= missing;
        return true;
    }

    /// <summary>After EOPNOTSUPP: the flags that the file does not know. It may refuse some that the probe thinks it knows; then it is all of them.</summary>
    private readonly VectoredFlags MissingFlags()
    {
        if (_flags == Rwf.None)
            return VectoredFlags.None;
        VectoredFlags unknown = (VectoredFlags)_flags & ~VectoredFlagProbe.Of(Fd, _direction);
        return unknown == VectoredFlags.None ? (VectoredFlags)_flags : unknown;
    }

    private static VectoredFlags Permitted(VectoredFallback fallback)
    {
        VectoredFlags flags = (VectoredFlags)(fallback & ~VectoredFallback.SyncAfterwards);
        return (fallback & VectoredFallback.SyncAfterwards) == VectoredFallback.None ? flags : flags | VectoredFlags.DataSync | VectoredFlags.Sync;
    }
}
