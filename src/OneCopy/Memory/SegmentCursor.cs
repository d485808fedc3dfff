using OneCopy.Interop;

namespace OneCopy.Memory;

/// <summary>
/// Walks a list of segments by any number of bytes at a time. Pure: it holds a view of the list and two numbers, never changes
/// the list, and allocates nothing. A call's window is filled from it; what the call moved is then put behind.
/// </summary>
internal ref struct SegmentCursor
{
    private readonly ReadOnlySpan<iovec> _segments;
    private int _index;
    private nuint _offset;

    public SegmentCursor(ReadOnlySpan<iovec> segments)
    {
        _segments = segments;
        SkipEmpty();
    }

    /// <summary>Whether every byte is behind.</summary>
    public readonly bool AtEnd => _index == _segments.Length;

    /// <summary>How many segments are not wholly behind, empty ones among them.</summary>
    public readonly int SegmentsLeft => _segments.Length - _index;

    /// <summary>The address of the next byte. Not to be asked at the end.</summary>
    public readonly nuint Address => _segments[_index].iov_base + _offset;

    /// <summary>What is left of the segment that the next byte is in; 0 at the end.</summary>
    public readonly nuint Contiguous => AtEnd ? 0 : _segments[_index].iov_len - _offset;

    /// <summary>
    /// Writes the next segments into <paramref name="window"/>, at most <paramref name="limit"/> bytes of them, and does not move.
    /// Empty segments are left out, so that they cost no place in a call. Returns how many were written.
    /// </summary>
    public readonly int Fill(Span<iovec> window, nuint limit, out nuint bytes)
    {
        int count = 0;
        nuint offset = _offset;
        bytes = 0;
        for (int i = _index; i < _segments.Length && count < window.Length && bytes < limit; i++)
        {
            nuint length = nuint.Min(_segments[i].iov_len - offset, limit - bytes);
            if (length != 0)
            {
                window[count++] = new iovec(_segments[i].iov_base + offset, length);
                bytes += length;
            }
            offset = 0;
        }
        return count;
    }

    /// <summary>Moves on; more than is left is an error of the caller.</summary>
    public void Advance(nuint bytes)
    {
        while (bytes != 0)
        {
            if (AtEnd)
                throw new ArgumentOutOfRangeException(nameof(bytes), bytes, "Beyond the last segment.");
            nuint step = nuint.Min(bytes, Contiguous);
            _offset += step;
            bytes -= step;
            SkipEmpty();
        }
    }

    /// <summary>The sum of the lengths, or <see cref="long.MaxValue"/> where it is larger.</summary>
    public static long Total(ReadOnlySpan<iovec> segments)
    {
        ulong total = 0;
        foreach (iovec segment in segments)
        {
            if (segment.iov_len > long.MaxValue - total)
                return long.MaxValue;
            total += segment.iov_len;
        }
        return (long)total;
    }

    private void SkipEmpty()
    {
        while (_index < _segments.Length && _offset == _segments[_index].iov_len)
        {
            _index++;
            _offset = 0;
        }
    }
}
