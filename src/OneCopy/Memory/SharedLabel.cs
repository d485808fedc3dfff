namespace OneCopy.Memory;

/// <summary>
/// The page behind a buffer that others may map: which one it is, and where its owner has it. And room for what its owner tells those who write into it.
/// </summary>
internal readonly unsafe struct SharedLabel(byte* page)
{
    // "1COPYBUF", little-endian.
    private const ulong TheMagic = 0x4655425950_4f4331;

    private const int KeyOffset = 16;
    private const int AddressOffset = 32;
    private const int CapacityOffset = 40;
    private const int RoomOffset = 1024;
    private const int RoomSize = 128;
    private const int Rooms = 16;

    /// <summary>Behind the capacity, and of the smallest page there is.</summary>
    public const int Size = 4096;

    private ref ulong Magic => ref *(ulong*)page;

    /// <summary>What it is told apart by.</summary>
    public Guid Key => *(Guid*)(page + KeyOffset);

    /// <summary>Of the first byte of the buffer, in its owner's memory.</summary>
    public nuint Address => *(nuint*)(page + AddressOffset);

    public long Capacity => *(long*)(page + CapacityOffset);

    public bool IsGood => Magic == TheMagic;

    public void Write(Guid key, nuint address, long capacity)
    {
        *(Guid*)(page + KeyOffset) = key;
        *(nuint*)(page + AddressOffset) = address;
        *(long*)(page + CapacityOffset) = capacity;
        Magic = TheMagic;
    }

    /// <summary>128 bytes for each place that is posted, by its tag. Several that are posted at once in one buffer may have the same: what is there says of which of them it is.</summary>
    public byte* Room(ulong tag) => page + RoomOffset + ((nint)(tag % Rooms) * RoomSize);
}
