namespace OneCopy;

/// <summary>
/// The data of a range of a file in pieces, handed out in order to two threads: to the owner, who tells how far the copy is, and to a helper. They are done in any order, so
/// what is copied without a gap is known when both have stopped. Every member is for both threads.
/// </summary>
/// <param name="offset">Where the range begins.</param>
/// <param name="find">The next extent of data from an offset on; empty: there is none before the range's end. Called by one thread at a time.</param>
internal sealed class PieceHandout(long offset, Func<long, (long Start, long End)> find)
{
    /// <summary>So many bytes the helper may be ahead of where the owner is: whoever stops the copy, or looks at it, is not told of it too late.</summary>
    public const long Lead = 12 << 20;

    private readonly object _gate = new();
    private long _next = offset;
    private long _end = offset; // Of the extent at hand.
    private long _owner = offset;
    private long _moved;
    private bool _isEmpty;
    private bool _waits;
    private (long Offset, EngineOutcome Outcome)? _stop;

    /// <summary>Bytes that the helper took.</summary>
    public long Helped { get; private set; }

    /// <summary>Where the copy ends without a gap, once both threads have stopped, and why; null: at the end of what was handed out.</summary>
    public (long Offset, EngineOutcome? Outcome) Reached => _stop is { } stop ? (stop.Offset, stop.Outcome) : (_next, null);

    /// <summary>The next piece. False: there are no more, or <see cref="Stop()"/> was called.</summary>
    public bool TryTake(bool helps, long most, out long start, out long length)
    {
        lock (_gate)
        {
            start = 0;
            length = 0;
            while (true)
            {
                if (_isEmpty || !FindPiece())
                    return false;
                if (!helps || _next - _owner <= Lead)
                    break;
                _waits = true;
                Monitor.Wait(_gate);
                _waits = false;
            }

            start = _next;
            length = Math.Min(most, _end - _next);
            _next += length;
            if (helps)
                Helped += length;
            else
                _owner = _next;
            if (_waits)
                Monitor.PulseAll(_gate);
            return true;
        }
    }

    /// <summary>A piece was copied.</summary>
    public void Done(long bytes)
    {
        lock (_gate)
            _moved += bytes;
    }

    /// <summary>What was done since this was asked last, holes included.</summary>
    public long TakeMoved()
    {
        lock (_gate)
        {
            long moved = _moved;
            _moved = 0;
            return moved;
        }
    }

    /// <summary>No further piece is handed out.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _isEmpty = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>A piece came to here and no further: the source ended, or a call failed. Of several, the first in the file counts.</summary>
    public void Stop(long at, EngineOutcome outcome)
    {
        lock (_gate)
        {
            if (_stop is not { } before || at < before.Offset)
                _stop = (at, outcome);
            Stop();
        }
    }

    private bool FindPiece()
    {
        if (_next < _end)
            return true;
        (long start, long end) = find(_next);
        _moved += start - _next;
        _next = start;
        _end = end;
        _isEmpty |= start == end;
        return !_isEmpty;
    }
}
