using OneCopy.Memory;

namespace OneCopy.Messaging;

/// <summary>
/// Which way is the faster one for copies that the last cache has room for if nobody else uses it: on a shared machine others do, and from minute to minute more or less. Learned from how
/// long pieces take: now and then the other way is taken for a while.
/// </summary>
/// <remarks>For all threads of a process: pieces are so long that a lock costs nothing beside one.</remarks>
internal sealed class StreamingTrial
{
    /// <summary>Pieces of a run, in one way. Only the second half is measured: in the first the cache still has what the way before left there.</summary>
    public const int Run = 128;

    /// <summary>Shorter ones, ends of messages, say less.</summary>
    public const long LeastPiece = 128 * 1024;

    // What is written past the cache costs its reader something that no copy is charged with: so it is to be faster by a quarter.
    private const int Faster = 5;
    private const int Of = 4;

    // Runs in the way that was found better before the other is tried again: more and more as long as that finds the same.
    private const int FirstBetween = 4;
    private const int MostBetween = 64;

    private readonly MonitorLock _gate = new();
    private readonly long[] _times = new long[Run / 2];
    private int _pieces;
    private int _runs;
    private int _between = 1;
    private long _usual;
    private bool _isBetter;
    private bool _isTrying;
    private bool _streams;

    /// <summary>Whether the next piece is to be streamed.</summary>
    public bool Streams => Volatile.Read(ref _streams);

    /// <summary>A piece was copied.</summary>
    /// <param name="streamed">How.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="nanoseconds">How long it took.</param>
    public void Learn(bool streamed, long length, long nanoseconds)
    {
        if (length < LeastPiece)
            return;
        lock (_gate)
        {
            // Another thread's, begun before the last change.
            if (streamed != _streams)
                return;
            if (_pieces >= Run / 2)
                _times[_pieces - (Run / 2)] = (nanoseconds << 20) / length;
            if (++_pieces == Run)
                EndRun();
        }
    }

    private void EndRun()
    {
        _pieces = 0;

        // The median: some are interrupted for milliseconds.
        Array.Sort(_times);
        long median = _times[_times.Length / 2];
        if (_isTrying)
        {
            (long streamed, long ordinary) = _isBetter ? (_usual, median) : (median, _usual);
            bool isBetter = streamed * Faster < ordinary * Of;
            _between = isBetter == _isBetter ? Math.Clamp(2 * _between, FirstBetween, MostBetween) : FirstBetween;
            _isBetter = isBetter;
            _isTrying = false;
        }
        else
        {
            _usual = median;
            _isTrying = ++_runs >= _between;
            if (_isTrying)
                _runs = 0;
        }

        Volatile.Write(ref _streams, _isBetter != _isTrying);
    }
}
