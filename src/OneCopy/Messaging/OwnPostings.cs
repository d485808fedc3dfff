using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using OneCopy.Memory;

namespace OneCopy.Messaging;

/// <summary>This handle's places to copy to: which slots are in use by its threads, and the private half of each posting.</summary>
internal sealed unsafe class OwnPostings
{
    // Of all handles of the process: places of two of them may lie in one buffer.
    private static ulong s_lastTag;

    // Others read it by its address: never moved, and as old as the handle.
    private readonly PostedPlace[] _places = GC.AllocateArray<PostedPlace>(PostingLayout.Slots, pinned: true);
    private readonly PieceSet[] _mine = new PieceSet[PostingLayout.Slots];
    private readonly MonitorLock _gate = new();
    private uint _used;
    private uint _lost;

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
            _used = (_used & ~(1u << slot)) | _lost;
    }

    /// <summary>It is not given out again: a sender that was given up may mark a piece of it when it goes on.</summary>
    public void Lose(int slot)
    {
        lock (_gate)
            _lost |= 1u << slot;
    }

    /// <summary>None is used twice in a process: 48 bits, one for each piece that is staged, or for each 64 MiB: years.</summary>
    public static ulong NextTag() => Interlocked.Increment(ref s_lastTag);

    public ref PostedPlace Place(int slot) => ref _places[slot];

    /// <summary>The pieces that this process took itself, by its own memory: what lies in its file, others could change.</summary>
    public ref PieceSet Mine(int slot) => ref _mine[slot];

    public nuint AddressOf(int slot) =>
        (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_places)) + (nuint)(slot * sizeof(PostedPlace));
}

/// <summary>Some of the pieces of one posting.</summary>
internal struct PieceSet
{
    private ulong _low;
    private ulong _high;

    public readonly int Count => System.Numerics.BitOperations.PopCount(_low) + System.Numerics.BitOperations.PopCount(_high);

    public readonly bool Has(int piece) => ((piece < 64 ? _low : _high) >> (piece & 63) & 1) != 0;

    /// <summary>By several threads. False: it was there.</summary>
    public bool Add(int piece)
    {
        ulong bit = 1UL << (piece & 63);
        return (Interlocked.Or(ref piece < 64 ? ref _low : ref _high, bit) & bit) == 0;
    }
}
