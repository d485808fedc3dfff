using OneCopy.Memory;

namespace OneCopy.Messaging;

/// <summary>
/// Which of two ways to copy is the faster one, the usual or another: where that goes by who else uses the caches, or by which processors two processes run on, which changes from minute to minute. Learned from how
/// long pieces take: now and then the other way is taken for a while.
/// </summary>
/// <remarks>For all threads of a process. They may overwrite each other's count of pieces; what is timed is under a lock, which costs nothing beside a piece.</remarks>
/// <param name="leastPiece">Bytes. Shorter ones, ends of messages, say less.</param>
/// <param name="faster">The other way is to be taken where so many pieces of it</param>
/// <param name="of">take less time than so many of the usual one.</param>
/// <param name="run">Pieces of a run, in one way. Only the second half is measured: in the first the cache still has what the way before left there.</param>
internal sealed class CopyTrial(long leastPiece, int faster, int of, int run = CopyTrial.Run)
{
    /// <summary>Where nothing else is said.</summary>
    public const int Run = 128;

    // Runs in the way that was found better before the other is tried again: more and more as long as that finds the same.
    private const int FirstBetween = 4;
    private const int MostBetween = 64;

    private readonly MonitorLock _gate = new();
    private readonly long[] _times = new long[run / 2];
    private int _pieces;
    private int _untimed;
    private int _between = 1;
    private long _kept;
    private bool _isBetter;
    private bool _isTrying;
    private bool _isTimed = true;
    private bool _takesOther;

    /// <summary>Whether the next piece is to go the other way.</summary>
    public bool TakesOther => Volatile.Read(ref _takesOther);

    /// <summary>Whether it is to be timed, for <see cref="Learn"/>; or else only to be counted, by <see cref="Count"/>.</summary>
    public bool IsTimed => Volatile.Read(ref _isTimed);

    /// <summary>When a piece begins, if it is to be timed; else 0. For <see cref="End"/>.</summary>
    public long Begin() => IsTimed ? Deadline.Now : 0;

    /// <summary>A piece was copied.</summary>
    /// <param name="other">How.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="begun">What <see cref="Begin"/> said.</param>
    public void End(bool other, long length, long begun)
    {
        if (begun != 0)
            Learn(other, length, Deadline.Now - begun);
        else
            Count();
    }

    /// <summary>A piece was copied in the way that is known to be the better one.</summary>
    public void Count()
    {
        if (++_untimed < (_between - 1) * run)
            return;
        _untimed = 0;
        Volatile.Write(ref _isTimed, true);
    }

    /// <summary>A piece was copied.</summary>
    /// <param name="other">How.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="nanoseconds">How long it took.</param>
    public void Learn(bool other, long length, long nanoseconds)
    {
        if (length < leastPiece)
            return;
        lock (_gate)
        {
            // Another thread's, begun before the last change.
            if (other != _takesOther || !_isTimed)
                return;
            if (_pieces >= run / 2)
                _times[_pieces - (run / 2)] = (nanoseconds << 20) / length;
            if (++_pieces == run)
                EndRun();
        }
    }

    // First a run in the way that was better, then one in the other.
    private void EndRun()
    {
        _pieces = 0;

        // The median: some are interrupted for milliseconds.
        Array.Sort(_times);
        long median = _times[_times.Length / 2];
        if (_isTrying)
        {
            (long others, long usual) = _isBetter ? (_kept, median) : (median, _kept);
            bool isBetter = others * faster < usual * of;
            _between = isBetter == _isBetter ? Math.Clamp(2 * _between, FirstBetween, MostBetween) : FirstBetween;
            _isBetter = isBetter;
            Volatile.Write(ref _isTimed, false);
        }

        _kept = median;
        _isTrying = !_isTrying;
        Volatile.Write(ref _takesOther, _isBetter != _isTrying);
    }
}
