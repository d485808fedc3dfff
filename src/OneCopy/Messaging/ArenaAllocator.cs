using System.Diagnostics;
using System.Numerics;

namespace OneCopy.Messaging;

/// <summary>
/// Which bytes of an arena are taken: offsets alone, no memory is touched. Small sizes come from classes, cut from slabs of
/// 256 KiB; from 64 KiB on a piece has whole pages of its own. Only its owner allocates in an arena, so that this is
/// ordinary, private state; it dies with its process, and the file is then only read. Not thread-safe.
/// </summary>
internal sealed class ArenaAllocator
{
    internal const int Alignment = 64;
    internal const int LargeFrom = 64 * 1024;
    internal const int SlabSize = 256 * 1024;
    private const int PageSize = 4096;

    // Pieces of all sizes that come and go leave so many between them, mostly: not made larger while messages pass.
    private const int ExtentsAtFirst = 64;

    private readonly List<Extent> _free = new(ExtentsAtFirst);
    private readonly Stack<long>[] _classes = new Stack<long>[ClassOf(LargeFrom - 1) + 1];
    private readonly Dictionary<long, Slab> _slabs = [];

    public ArenaAllocator(long limit)
    {
        Limit = (limit + SlabSize - 1) & ~(SlabSize - 1L);
        if (Limit > 0)
            _free.Add(new Extent(0, Limit));
        for (int i = 0; i < _classes.Length; i++)
            _classes[i] = new Stack<long>();
    }

    /// <summary>Bytes that this arena may have: what was asked for, rounded up to whole slabs.</summary>
    public long Limit { get; }

    /// <summary>Bytes handed out, by the sizes asked for rounded up to their class.</summary>
    public long InUse { get; private set; }

    /// <summary>The size that a request really takes.</summary>
    internal static long RoundUp(long size) => size >= LargeFrom ? (size + PageSize - 1) & ~(PageSize - 1L) : SizeOf(ClassOf((int)size));

    /// <summary>False: there is no room now.</summary>
    public bool TryAllocate(long size, out long offset)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        if (size > Limit)
        {
            offset = -1;
            return false;
        }

        if (!TryAllocateOnce(size, out offset) && !(ReclaimSlabs() && TryAllocateOnce(size, out offset)))
            return false;
        InUse += RoundUp(size);
        return true;
    }

    /// <summary>Gives back what <see cref="TryAllocate"/> gave for the same size.</summary>
    public void Free(long offset, long size)
    {
        InUse -= RoundUp(size);
        if (size >= LargeFrom)
        {
            FreeExtent(offset, RoundUp(size));
            return;
        }

        _classes[ClassOf((int)size)].Push(offset);
        Slab slab = _slabs[SlabOf(offset)];
        slab.Live--;
        Debug.Assert(slab.Live >= 0, "freed twice");
    }

    // Four classes for each power of two, from 64 bytes on: at most a fifth of a piece is lost.
    private static int ClassOf(int size)
    {
        int units = Math.Max(1, (size + Alignment - 1) / Alignment);
        if (units <= 4)
            return units - 1;
        int log = BitOperations.Log2((uint)(units - 1));
        return ((log - 1) * 4) + ((units - 1) >> (log - 2)) - 4;
    }

    private static int SizeOf(int sizeClass)
    {
        if (sizeClass < 4)
            return (sizeClass + 1) * Alignment;
        int log = (sizeClass / 4) + 1;
        return ((sizeClass % 4) + 5) * (1 << (log - 2)) * Alignment;
    }

    // Slabs start at multiples of their size, so that a piece tells its slab by its offset.
    private static long SlabOf(long offset) => offset & ~(SlabSize - 1L);

    private bool TryAllocateOnce(long size, out long offset)
    {
        if (size >= LargeFrom)
            return TryTakeExtent(RoundUp(size), PageSize, out offset);

        int sizeClass = ClassOf((int)size);
        Stack<long> free = _classes[sizeClass];
        if (free.Count == 0 && !TryAddSlab(sizeClass))
        {
            offset = -1;
            return false;
        }

        offset = free.Pop();
        _slabs[SlabOf(offset)].Live++;
        return true;
    }

    private bool TryAddSlab(int sizeClass)
    {
        if (!TryTakeExtent(SlabSize, SlabSize, out long start))
            return false;
        _slabs.Add(start, new Slab(sizeClass));
        int size = SizeOf(sizeClass);

        // Pushed from the end, so that the first pieces are used first and stay warm.
        for (long at = ((SlabSize / size) - 1) * (long)size; at >= 0; at -= size)
            _classes[sizeClass].Push(start + at);
        return true;
    }

    /// <summary>Makes free extents of slabs of which no piece is in use. Called only when room is short.</summary>
    private bool ReclaimSlabs()
    {
        HashSet<long> empty = [.. _slabs.Where(s => s.Value.Live == 0).Select(s => s.Key)];
        if (empty.Count == 0)
            return false;
        foreach (int sizeClass in empty.Select(s => _slabs[s].SizeClass).Distinct().ToArray())
            _classes[sizeClass] = new Stack<long>(_classes[sizeClass].Where(o => !empty.Contains(SlabOf(o))).Reverse());
        foreach (long slab in empty)
        {
            _slabs.Remove(slab);
            FreeExtent(slab, SlabSize);
        }

        return true;
    }

    // First fit keeps the file short: what is allocated stays near its beginning.
    private bool TryTakeExtent(long size, long alignment, out long offset)
    {
        for (int i = 0; i < _free.Count; i++)
        {
            Extent e = _free[i];
            offset = (e.Offset + alignment - 1) & ~(alignment - 1);
            if (offset + size > e.End)
                continue;
            _free.RemoveAt(i);
            if (offset + size < e.End)
                _free.Insert(i, new Extent(offset + size, e.End - offset - size));
            if (offset > e.Offset)
                _free.Insert(i, new Extent(e.Offset, offset - e.Offset));
            return true;
        }

        offset = -1;
        return false;
    }

    private void FreeExtent(long offset, long size)
    {
        int i = _free.BinarySearch(new Extent(offset, size));
        Debug.Assert(i < 0, "freed twice");
        i = ~i;
        if (i < _free.Count && _free[i].Offset == offset + size)
        {
            size += _free[i].Size;
            _free.RemoveAt(i);
        }

        if (i > 0 && _free[i - 1].End == offset)
            _free[i - 1] = new Extent(_free[i - 1].Offset, _free[i - 1].Size + size);
        else
            _free.Insert(i, new Extent(offset, size));
    }

    private readonly record struct Extent(long Offset, long Size) : IComparable<Extent>
    {
        public long End => Offset + Size;

        public int CompareTo(Extent other) => Offset.CompareTo(other.Offset);
    }

    private sealed class Slab(int sizeClass)
    {
        public int SizeClass { get; } = sizeClass;

        public int Live { get; set; }
    }
}
