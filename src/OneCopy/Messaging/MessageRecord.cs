using System.Runtime.CompilerServices;
using OneCopy.Interop;
using OneCopy.Memory;

namespace OneCopy.Messaging;

/// <summary>
/// What a block says of its message, copied out of shared memory once and checked: nothing of it is read a second time.
/// </summary>
internal readonly unsafe struct MessageRecord
{
    // From here on a table must have memory behind it, and not only a length, before as much is taken for its copy.
    private const long LargeTable = 1 << 20;

    private MessageRecord(byte* block, long? movedTo)
    {
        Sequence = *(ulong*)(block + BlockLayout.SequenceOffset);
        Length = *(long*)(block + BlockLayout.PayloadLengthOffset);
        Lane = movedTo is null ? (Lane)block[BlockLayout.LaneOffset] : Lane.Arena;
        Flags = block[BlockLayout.FlagsOffset];
        PropertiesLength = *(ushort*)(block + BlockLayout.PropertiesLengthOffset);
        SegmentCount = *(int*)(block + BlockLayout.SegmentCountOffset);
        BodyOffset = movedTo ?? *(long*)(block + BlockLayout.PayloadOffsetOffset);
        PropertiesOffset = *(long*)(block + BlockLayout.PropertiesOffsetOffset);
        TimeSent = *(long*)(block + BlockLayout.TimeSentOffset);
        Expires = *(long*)(block + BlockLayout.ExpiresOffset);
    }

    private MessageRecord(ulong sequence, long length, long timeSent)
    {
        Sequence = sequence;
        Length = length;
        Lane = Lane.Inline;
        Flags = BlockLayout.PropertiesInline;
        BodyOffset = BlockLayout.InlineOffset;
        PropertiesOffset = BlockLayout.InlineOffset;
        TimeSent = timeSent;
    }

    public ulong Sequence { get; }

    public long Length { get; }

    public Lane Lane { get; }

    public byte Flags { get; }

    public int PropertiesLength { get; }

    public int SegmentCount { get; }

    /// <summary>Where the payload, or the table of segments, is: in the block for the inline lane and inline segments, else in the arena.</summary>
    public long BodyOffset { get; }

    public long PropertiesOffset { get; }

    /// <summary>Microseconds since 1970, UTC, by the sender's clock.</summary>
    public long TimeSent { get; }

    /// <summary>Microseconds since 1970, UTC, from which on it is a dead letter; 0 = never.</summary>
    public long Expires { get; }

    public bool HasExpired => Expires != 0 && Expires <= Now;

    public static long Now => (DateTime.UtcNow - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    /// <summary>As <see cref="Now"/>, to the kernel's tick (1 to 10 ms), and much cheaper. For what is told to people.</summary>
    public static long RoughNow => CoarseClock.Microseconds;

    public bool HasInlineProperties => (Flags & BlockLayout.PropertiesInline) != 0;

    public bool HasInlineSegments => (Flags & BlockLayout.SegmentsInline) != 0;

    public bool IsInSharedBuffer => (Flags & BlockLayout.InSharedBuffer) != 0;

    public bool IsInArrays => (Flags & BlockLayout.InArrays) != 0;

    public long TableLength => ((long)SegmentCount * BlockLayout.SegmentSize) + (IsInSharedBuffer ? SharedName.Size : 0);

    /// <summary>The caller holds the lease, so that an honest owner changes nothing meanwhile.</summary>
    public static MessageRecord Read(Participant owner, int block) => TryRead(owner, block, out MessageRecord r)
        ? r
        : throw new QueueCorruptException(owner.Path, $"the record of block {block} is impossible");

    /// <summary>False: it is impossible, or is just being written. Whoever does not hold the lease looks at the state before and after.</summary>
    public static bool TryRead(Participant owner, int block, out MessageRecord r)
    {
        byte* p = owner.Block(block);
        r = new(p, (Lane)p[BlockLayout.LaneOffset] == Lane.Attached && WasMoved(owner, block) ? owner.MovedPlace(block) : null);
        return r.Length >= 0 && r.SegmentCount >= 0 && r.Expires >= 0 && r.PropertiesLength <= 2 * MessageProperties.MaxEncodedLength
            && r.Lane is >= Lane.Inline and <= Lane.Attached
            && r.BodyIsInside(owner)
            && (r.PropertiesLength == 0 || Inside(owner, r.PropertiesOffset, r.PropertiesLength, r.HasInlineProperties));
    }

    /// <summary>
    /// One as <see cref="MessageQueue"/>'s short sends write it: a payload in its block, no properties, no end. False: it is another one, or impossible. Whoever does not hold the lease looks at the state before and after.
    /// </summary>
    public static bool TryReadShort(Participant owner, byte* block, out MessageRecord r)
    {
        // Each is read once: another process may write what it likes.
        r = new MessageRecord(
            *(ulong*)(block + BlockLayout.SequenceOffset),
            *(long*)(block + BlockLayout.PayloadLengthOffset),
            *(long*)(block + BlockLayout.TimeSentOffset));
        return *(ulong*)(block + BlockLayout.LaneOffset) == BlockLayout.ShortFields && *(long*)(block + BlockLayout.PayloadOffsetOffset) == BlockLayout.InlineOffset
            && *(long*)(block + BlockLayout.ExpiresOffset) == 0 && (ulong)r.Length <= (ulong)owner.InlineCapacity;
    }

    /// <summary>Whether the payload is in its sender's memory, and not (or no longer) in a file.</summary>
    public static bool IsAttached(Participant owner, int block)
    {
        byte* p = owner.Block(block);
        return (Lane)p[BlockLayout.LaneOffset] == Lane.Attached && !WasMoved(owner, block);
    }

    /// <summary>Whether the owner has moved this generation's payload into the arena.</summary>
    public static bool WasMoved(Participant owner, int block) =>
        Volatile.Read(ref owner.Moved(block)) == (ulong)owner.State(block).Generation << 32;

    /// <summary>An honest table of segments adds up to the length; no list is longer than that sum allows anybody to fill.</summary>
    public void CopySegments(Participant owner, int block, Span<iovec> destination)
    {
        byte* source = Table(owner, block);
        fixed (iovec* d = destination)
            Buffer.MemoryCopy(source, d, (long)destination.Length * sizeof(iovec), (long)destination.Length * sizeof(iovec));
        ulong sum = 0;
        foreach (iovec s in destination)
        {
            if (s.iov_len > (ulong)Length || (sum += s.iov_len) > (ulong)Length)
                break;
        }

        if (sum != (ulong)Length)
            throw new QueueCorruptException(owner.Path, $"the segments of block {block} do not add up to its length");
    }

    /// <summary>Of the buffer that the one segment lies in; none if it is in no such. To be believed when that buffer says the same.</summary>
    public SharedName ReadSharedName(Participant owner, int block) => IsInSharedBuffer && SegmentCount == 1
        ? *(SharedName*)(Table(owner, block) + BlockLayout.SegmentSize)
        : default;

    private byte* Table(Participant owner, int block) => HasInlineSegments ? owner.Block(block) + BodyOffset : owner.Arena(BodyOffset);

    private static bool Inside(Participant owner, long offset, long length, bool inBlock) => inBlock
        ? offset >= BlockLayout.InlineOffset && length >= 0 && offset <= owner.BlockSize - length
        : owner.ArenaHolds(offset, length);

    private bool BodyIsInside(Participant owner) => Lane switch
    {
        Lane.Inline => Inside(owner, BodyOffset, Length, inBlock: true),
        Lane.Arena => Inside(owner, BodyOffset, Length, inBlock: false),
        _ => SegmentCount > 0 && SegmentCount <= Length && Inside(owner, BodyOffset, TableLength, HasInlineSegments)
            && (TableLength <= LargeTable || owner.HasAllocated(TableLength)),
    };
}
