namespace OneCopy.Messaging;

/// <summary>
/// Offsets in the file <c>ring</c>. Words that different processes write lie 128 bytes apart: two cache lines, as x86's
/// adjacent-line prefetch and Apple's and Neoverse's lines ask for.
/// </summary>
internal static class RingLayout
{
    /// <summary>"1COPYRNG", little-endian.</summary>
    public const ulong Magic = 0x474e5259504f4331;

    /// <summary>Raised by every change of a layout or of a step; files of another version are refused.</summary>
    public const uint Version = 3;

    public const int MagicOffset = 0;
    public const int VersionOffset = 8;
    public const int CapacityOffset = 12;
    public const int MaxParticipantsOffset = 16;
    public const int BlockSizeOffset = 20;
    public const int MaxAttemptsOffset = 24;
    public const int FeaturesOffset = 32;
    public const int QueueIdOffset = 40;

    /// <summary>Microseconds that messages live if their sender does not say otherwise; 0 = for ever.</summary>
    public const int TimeToLiveOffset = 56;
    public const int DeletedOffset = 64;

    public const int HeadOffset = 128;
    public const int TailOffset = 256;
    public const int NextIncarnationOffset = 384;
    public const int HighestIndexOffset = 392;

    /// <summary>The counters of participants that are gone: <see cref="Counter"/> words.</summary>
    public const int RetiredCountersOffset = 512;

    public const int ReceiveSleepersOffset = 1024;
    public const int SpaceSleepersOffset = 1024 + 256;
    public const int EntriesOffset = 4096;

    public const int MinCapacity = 64;
    public const int MaxCapacity = 1 << 24;

    /// <summary>
    /// Entry 0 is unused: participant 0 means "empty" in a cell and "nobody" in a state. There are as many entries as indices, more
    /// than may live at a time: the dead keep theirs until their last message is done.
    /// </summary>
    public static long CellsOffset => Pages.RoundUp(EntriesOffset + ((Cell.MaxParticipants + 1) * 8L));

    public static long FileSize(int capacity) => Pages.RoundUp(CellsOffset + (capacity * 8L));
}

/// <summary>Arithmetic on pages.</summary>
internal static class Pages
{
    /// <summary>Rounds up to 64 KiB, the largest page size of arm64 kernels, so that a file fits every machine.</summary>
    public const int Granularity = 65536;

    public static long RoundUp(long bytes) => (bytes + Granularity - 1) & ~(Granularity - 1L);
}
