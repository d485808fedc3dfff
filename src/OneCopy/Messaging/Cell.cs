namespace OneCopy.Messaging;

/// <summary>
/// One 64-bit slot of the ring: <c>{ lap:26, generation:12, participant:10, block:16 }</c>. Participant 0 = empty.
/// </summary>
internal readonly record struct Cell(ulong Bits)
{
    public const int BlockBits = 16;
    public const int ParticipantBits = 10;
    public const int GenerationBits = 12;
    public const int LapBits = 26;
    public const uint GenerationMask = (1u << GenerationBits) - 1;
    public const uint LapMask = (1u << LapBits) - 1;
    public const int MaxParticipants = (1 << ParticipantBits) - 1;
    public const int MaxBlocks = 1 << BlockBits;

    public int Block => (int)(Bits & ((1u << BlockBits) - 1));

    public int Participant => (int)((Bits >> BlockBits) & ((1u << ParticipantBits) - 1));

    public uint Generation => (uint)(Bits >> (BlockBits + ParticipantBits)) & GenerationMask;

    public uint Lap => (uint)(Bits >> (BlockBits + ParticipantBits + GenerationBits));

    public bool IsEmpty => Participant == 0;

    public static Cell Empty(uint lap) => new((ulong)(lap & LapMask) << (BlockBits + ParticipantBits + GenerationBits));

    public static Cell Of(uint lap, MessageReference r) => new(
        Empty(lap).Bits
        | ((ulong)(r.Generation & GenerationMask) << (BlockBits + ParticipantBits))
        | ((ulong)(uint)r.Participant << BlockBits)
        | (uint)r.Block);

    public MessageReference Reference => new(Participant, Block, Generation);
}

/// <summary>Which message: whose block, and the low 12 bits of the block's generation.</summary>
internal readonly record struct MessageReference(int Participant, int Block, uint Generation);
