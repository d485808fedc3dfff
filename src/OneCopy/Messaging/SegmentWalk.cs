using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>A payload that is being read, by its segments in the sender's memory. Valid as long as the copy goes on.</summary>
internal readonly unsafe struct Payload(Lease message, iovec* segments, int count, long wanted, PeerMapping? mapping = null)
{
    public Lease Message { get; } = message;

    public iovec* Segments => segments;

    public int Count => count;

    /// <summary>How many bytes of it are being copied in all.</summary>
    public long Wanted => wanted;

    /// <summary>All of it, where its sender's buffer is mapped here; null if it is not.</summary>
    public byte* Mapped { get; } = mapping is null ? null : mapping.At(segments->iov_base, segments->iov_len);

    /// <summary>Whether what was copied out of the mapping is not to be believed.</summary>
    public bool IsDamaged => mapping is { IsDamaged: true };
}

/// <summary>A place in the segments of a payload, which moves forward: many segments are gone through once, and not for each piece.</summary>
internal unsafe ref struct SegmentWalk(in Payload payload)
{
    private readonly iovec* _segments = payload.Segments;
    private readonly int _count = payload.Count;
    private long _offset;

    public int Segment;
    public ulong Skip;

    public readonly ReadOnlySpan<iovec> Segments => new(_segments, _count);

    /// <summary>To a byte of the payload that is not behind this one.</summary>
    public void MoveTo(long offset)
    {
        ulong by = (ulong)(offset - _offset);
        _offset = offset;
        Skip += by;
        while (Skip >= _segments[Segment].iov_len)
            Skip -= _segments[Segment++].iov_len;
    }

    /// <summary>Segment and skip were moved on by a copy.</summary>
    public void Advanced(long by) => _offset += by;
}
