using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OneCopy.Messaging;

/// <summary>This handle's places to copy to: which slots are in use by its threads, and the private half of each posting.</summary>
internal sealed unsafe class OwnPostings
{
    // Others read it by its address: never moved, and as old as the handle.
    private readonly PostedPlace[] _places = GC.AllocateArray<PostedPlace>(PostingLayout.Slots, pinned: true);
    private readonly Lock _gate = new();
    private uint _used;
    private ulong _lastTag;

    /// <summary>A slot for one copy. False: all are in use.</summary>
    public bool TryTake(out int slot)
    {
        lock (_gate)
        {
            slot = System.Numerics.BitOperations.TrailingZeroCount(~_used);
            if (slot >= PostingLayout.Slots)
                return false;
            _used |= 1u << slot;
            return true;
        }
    }

    public void Return(int slot)
    {
        lock (_gate)
            _used &= ~(1u << slot);
    }

    /// <summary>None is used twice: 48 bits, one for each 64 MiB.</summary>
    public ulong NextTag() => Interlocked.Increment(ref _lastTag);

    public ref PostedPlace Place(int slot) => ref _places[slot];

    public nuint AddressOf(int slot) =>
        (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_places)) + (nuint)(slot * sizeof(PostedPlace));
}
