namespace OneCopy.Messaging;

/// <summary>Offsets in a participant's file: identity, doorbells, counters, blocks, arena.</summary>
internal static class ParticipantLayout
{
    /// <summary>"1COPYPRT", little-endian.</summary>
    public const ulong Magic = 0x545250_59504f4331;

    public const int MagicOffset = 0;
    public const int VersionOffset = 8;
    public const int PidOffset = 12;
    public const int IncarnationOffset = 16;
    public const int QueueIdOffset = 24;
    public const int UidOffset = 40;
    public const int GidOffset = 44;
    public const int StartTimeOffset = 48;
    public const int PidNamespaceOffset = 56;
    public const int BlockCountOffset = 64;
    public const int BlockSizeOffset = 68;
    public const int ArenaLimitOffset = 72;
    public const int NonceAddressOffset = 80;
    public const int NonceOffset = 96;
    public const int NonceLength = 16;
    public const int ClosedOffset = 112;

    /// <summary>The processor, and 1, that a thread of it was on when it last rang another one; 0: not known. A hint.</summary>
    public const int RingerProcessorOffset = 116;

    public const int ReceiveDoorbellOffset = 256;
    public const int SpaceDoorbellOffset = 384;
    // Four bytes behind each of these two: how often their sleepers have begun to look.
    public const int OwnDoorbellOffset = 512;

    /// <summary>0: nobody sleeps. 1: ring for anything. Else 2 and a block: ring when that block's message is done, and for all that is no completion.</summary>
    public const int OwnSleepingOffset = 516;

    /// <summary>How many threads are awake and look for what is posted for their sends. A hint: who posts need not ring them.</summary>
    public const int LookingOffset = 520;
    public const int OwnLooksOffset = 524;
    public const int AttentionDoorbellOffset = 640;
    public const int PostedOffset = 768;
    public const int CountersOffset = 1024;

    /// <summary>Which refusals this participant has met: <see cref="RefusalTable"/>.</summary>
    public const int RefusalsOffset = 3072;

    /// <summary>Where its receivers let others copy to: <see cref="PostingLayout"/>.</summary>
    public const int PostingsOffset = 4096;
    public const int BlocksOffset = PostingsOffset + (PostingLayout.Slots * PostingLayout.SlotSize);

    /// <summary>Behind the blocks, a <see cref="MoveLayout"/> for each: only messages whose payload is moved touch it.</summary>
    public static long MovesOffset(int blockCount, int blockSize) => BlocksOffset + ((long)blockCount * blockSize);

    public static long ArenaOffset(int blockCount, int blockSize) =>
        Pages.RoundUp(MovesOffset(blockCount, blockSize) + ((long)blockCount * MoveLayout.Size));
}

/// <summary>
/// Offsets in a block, and what its flags say. State and record are one cache line, and an inline payload begins with the next: a short message costs its
/// receiver two lines, which lie side by side.
/// </summary>
internal static class BlockLayout
{
    public const int StateOffset = 0;
    public const int SequenceOffset = 8;
    public const int PayloadLengthOffset = 16;
    public const int LaneOffset = 24;
    public const int FlagsOffset = 25;
    public const int PropertiesLengthOffset = 26;
    public const int SegmentCountOffset = 28;

    /// <summary>In the arena: the payload, or for the attached lane the table of segments if it is not in the block.</summary>
    public const int PayloadOffsetOffset = 32;

    /// <summary>In the arena, or in the block if <see cref="PropertiesInline"/>.</summary>
    public const int PropertiesOffsetOffset = 40;

    /// <summary>Microseconds since 1970, UTC.</summary>
    public const int TimeSentOffset = 48;

    /// <summary>Microseconds since 1970, UTC, from which on it is not handed out any more; 0 = never.</summary>
    public const int ExpiresOffset = 56;

    public const int InlineOffset = 64;

    /// <summary>The four fields from <see cref="LaneOffset"/> on, of a payload in the block without properties.</summary>
    public const ulong ShortFields = (ulong)Lane.Inline | ((ulong)PropertiesInline << 8);

    public const byte PropertiesInline = 1;
    public const byte SegmentsInline = 2;

    /// <summary>Behind the table of segments, which is one, is the <see cref="Memory.SharedName"/> of the buffer that it lies in.</summary>
    public const byte InSharedBuffer = 4;

    /// <summary>All of it lies in arrays of .NET, which nobody can unmap or truncate: its sender may be asked to copy it by itself, without the kernel.</summary>
    public const byte InArrays = 8;

    public const int MinBlockSize = 128;
    public const int MaxBlockSize = 65536;
    public const int SegmentSize = 16;
}

/// <summary>Offsets in what a participant's file has for each block beside it: the move of an attached payload into the arena.</summary>
internal static class MoveLayout
{
    public const int Size = 32;

    /// <summary>{ generation:32, receiver:32 }: written by the lease's holder to have the payload moved into the arena.</summary>
    public const int RequestOffset = 0;

    /// <summary>{ generation:32, errno:32 }: the owner's answer; errno 0 = moved.</summary>
    public const int MovedOffset = 8;

    /// <summary>Where in the arena a moved payload is; the place it had before stays as it was, for those who are just reading it.</summary>
    public const int PlaceOffset = 16;
}

/// <summary>The counters that every participant keeps in its file, one word each.</summary>
internal enum Counter
{
    SentInline,
    SentInlineBytes,
    SentArena,
    SentArenaBytes,
    SentAttached,
    SentAttachedBytes,
    CompletedInline,
    CompletedInlineBytes,
    CompletedArena,
    CompletedArenaBytes,
    CompletedAttached,
    CompletedAttachedBytes,
    Redelivered,
    Abandoned,
    DeadLettered,
    Withdrawn,
    LostWithSender,
    Moved,
    Pulled,
    Pushed,
    PullsRefused,
    PushesRefused,
    Expired,
    CopiedByBoth,
    PushedBytes,
    CopiedFromMapping,
    Staged,
    Migrations,
    Count,
}
