using System.Buffers;
using OneCopy.Interop;

namespace OneCopy;

/// <summary>Where the bytes of a request lie, a list of memory or a sequence, and how far they were moved.</summary>
internal struct BufferCursor
{
    private readonly IReadOnlyList<Memory<byte>>? _destinations;
    private readonly IReadOnlyList<ReadOnlyMemory<byte>>? _sources;
    private ReadOnlySequence<byte> _sequence;
    private int _index;
    private int _offset;

    public BufferCursor(IReadOnlyList<Memory<byte>> buffers)
    {
        ArgumentNullException.ThrowIfNull(buffers);
        _destinations = buffers;
    }

    public BufferCursor(IReadOnlyList<ReadOnlyMemory<byte>> buffers)
    {
        ArgumentNullException.ThrowIfNull(buffers);
        _sources = buffers;
    }

    /// <summary>Of a sequence; of one buffer, as well: made from memory that may be written to, it leads to the same memory.</summary>
    public BufferCursor(ReadOnlySequence<byte> buffers) => _sequence = buffers;

    /// <summary>An upper bound of the places that <see cref="Pin"/> uses.</summary>
    public readonly int Places =>
        Math.Min(Uio.IOV_MAX, _destinations?.Count ?? _sources?.Count ?? (_sequence.IsSingleSegment ? 1 : Uio.IOV_MAX));

    /// <summary>Holds the next buffers in place, at most <paramref name="limit"/> bytes of them and empty ones left out. 0: nothing is left.</summary>
    public readonly long Pin(ref PinnedWindow window, long limit)
    {
        long bytes = 0;
        if (_destinations is null && _sources is null)
        {
            foreach (ReadOnlyMemory<byte> buffer in _sequence)
            {
                bytes += window.Add(buffer, limit - bytes);
                if (window.IsFull || bytes == limit)
                    break;
            }
            return bytes;
        }

        int count = _destinations?.Count ?? _sources!.Count;
        int offset = _offset;
        for (int i = _index; i < count && bytes < limit && !window.IsFull; i++)
        {
            bytes += window.Add(this[i][offset..], limit - bytes);
            offset = 0;
        }
        return bytes;
    }

    /// <summary>Whether bytes are left behind the next so many.</summary>
    public readonly bool HasMoreThan(long bytes)
    {
        BufferCursor behind = this;
        behind.Advance(bytes);
        return behind.HasBytes;
    }

    private readonly bool HasBytes
    {
        get
        {
            if (_destinations is null && _sources is null)
                return !_sequence.IsEmpty;
            int offset = _offset;
            for (int i = _index; i < (_destinations?.Count ?? _sources!.Count); i++)
            {
                if (this[i].Length > offset)
                    return true;
                offset = 0;
            }
            return false;
        }
    }

    /// <summary>Puts bytes behind that <see cref="Pin"/> had named.</summary>
    public void Advance(long bytes)
    {
        if (_destinations is null && _sources is null)
        {
            _sequence = _sequence.Slice(bytes);
            return;
        }
        while (bytes > 0)
        {
            int step = (int)Math.Min(bytes, this[_index].Length - _offset);
            bytes -= step;
            _offset += step;
            if (_offset == this[_index].Length)
            {
                _index++;
                _offset = 0;
            }
        }
    }

    private readonly ReadOnlyMemory<byte> this[int index] => _destinations is null ? _sources![index] : _destinations[index];
}

/// <summary>Buffers held in place for the time of a call or a few, at most IOV_MAX; its arrays are the pool's.</summary>
internal unsafe struct PinnedWindow : IDisposable
{
    private readonly MemoryHandle[] _handles;
    private readonly iovec[] _segments;
    private readonly int _places;
    private int _count;

    public PinnedWindow(int places)
    {
        _places = places;
        _handles = ArrayPool<MemoryHandle>.Shared.Rent(places);
        _segments = ArrayPool<iovec>.Shared.Rent(places);
    }

    public readonly ReadOnlySpan<iovec> Segments => _segments.AsSpan(0, _count);

    public readonly bool IsFull => _count == _places;

    /// <summary>Adds the buffer, or its first part, unless it is empty. Returns the bytes added.</summary>
    public int Add(ReadOnlyMemory<byte> buffer, long limit)
    {
        int length = (int)Math.Min(buffer.Length, limit);
        if (length == 0)
            return 0;
        _handles[_count] = buffer.Pin();
        _segments[_count] = new iovec((nuint)_handles[_count].Pointer, (nuint)length);
        _count++;
        return length;
    }

    public void Unpin()
    {
        foreach (ref MemoryHandle handle in _handles.AsSpan(0, _count))
        {
            handle.Dispose();
            handle = default;
        }
        _count = 0;
    }

    public void Dispose()
    {
        Unpin();
        ArrayPool<MemoryHandle>.Shared.Return(_handles);
        ArrayPool<iovec>.Shared.Return(_segments);
    }
}
