using OneCopy.Interop;

namespace OneCopy.Memory;

/// <summary>
/// One mapping of a pool, rented again and again. Its state is one word: which rental it is (32 bits), whether that is over, and how many pins are
/// held. Everything that a rental's owner does names the rental, so that an owner of a former one does nothing.
/// </summary>
internal sealed unsafe class PoolMapping
{
    private const int GenerationShift = 32;
    private const long Returned = 1L << 31;
    private const long PinsMask = Returned - 1;

    private readonly OneCopyMemoryPool _pool;
    private RentedMemory? _memory;
    private long _state = Returned;

    private PoolMapping(OneCopyMemoryPool pool, nint address, SizeClass size, bool isHuge)
    {
        _pool = pool;
        Address = (byte*)address;
        ClassIndex = size.Index;
        Capacity = size.Capacity;
        IsHuge = isHuge;
    }

    public byte* Address { get; }

    public long Capacity { get; }

    public int ClassIndex { get; }

    public bool IsHuge { get; }

    // Links of the pool's list, under its lock.
    public PoolMapping? Newer { get; set; }

    public PoolMapping? Older { get; set; }

    public long Serial { get; set; }

    /// <summary>The numbers of its rentals are used up: one more, and an owner of the first would be taken for the new one.</summary>
    public bool IsWornOut => GenerationOf(Volatile.Read(ref _state)) == uint.MaxValue;

    public static PoolMapping Map(OneCopyMemoryPool pool, SizeClass size, OneCopyMemoryPoolOptions options)
    {
        bool huge = options.HugePages && size.Capacity >= SizeClass.HugePage;
        nint address = huge ? MapAligned(size.Capacity, SizeClass.HugePage) : MapAnywhere(size.Capacity);
        try
        {
            huge = huge && Mman.madvise(address, (nuint)size.Capacity, Madv.HugePage).Succeeded;

            // A child of a fork would share all pages until one of the two writes, and each first write would then copy its page, the huge ones piece by piece. .NET runs nothing in
            // such a child. If it is refused, all is right but slower.
            Mman.madvise(address, (nuint)size.Capacity, Madv.DontFork);
            if (options.Touch)
                Touch(address, size.Capacity);
            return new PoolMapping(pool, address, size, huge);
        }
        catch
        {
            Mman.munmap(address, (nuint)size.Capacity);
            throw;
        }
    }

    public void Unmap() => Mman.munmap((nint)Address, (nuint)Capacity);

    /// <summary>By the one that has taken it from the list or mapped it.</summary>
    public uint BeginRental()
    {
        uint generation = GenerationOf(_state) + 1;

        // Release, so that whoever is given the owner sees the word.
        Volatile.Write(ref _state, (long)generation << GenerationShift);
        return generation;
    }

    public bool IsRented(uint generation)
    {
        long state = Volatile.Read(ref _state);
        return GenerationOf(state) == generation && (state & Returned) == 0;
    }

    public void ThrowIfOver(uint generation)
    {
        if (!IsRented(generation))
            throw Over();
    }

    /// <summary>The owner is disposed: nothing if it was before.</summary>
    public void EndRental(uint generation)
    {
        long seen = Volatile.Read(ref _state);
        while (GenerationOf(seen) == generation && (seen & Returned) == 0)
        {
            long before = Interlocked.CompareExchange(ref _state, seen | Returned, seen);
            if (before == seen)
            {
                if ((seen & PinsMask) == 0)
                    _pool.Release(this);
                return;
            }

            seen = before;
        }
    }

    public void Pin(uint generation)
    {
        long seen = Volatile.Read(ref _state);
        while (GenerationOf(seen) == generation && (seen & Returned) == 0)
        {
            if ((seen & PinsMask) == PinsMask)
                throw new InvalidOperationException("The buffer is pinned too often.");
            long before = Interlocked.CompareExchange(ref _state, seen + 1, seen);
            if (before == seen)
                return;
            seen = before;
        }

        throw Over();
    }

    public void Unpin(uint generation)
    {
        long seen = Volatile.Read(ref _state);
        while (GenerationOf(seen) == generation && (seen & PinsMask) != 0)
        {
            long before = Interlocked.CompareExchange(ref _state, seen - 1, seen);
            if (before == seen)
            {
                if (((seen - 1) & (Returned | PinsMask)) == Returned)
                    _pool.Release(this);
                return;
            }

            seen = before;
        }

        throw new InvalidOperationException("The buffer is unpinned more often than it was pinned.");
    }

    /// <summary>The memory of this rental as a whole, one object for each rental that asks for it.</summary>
    public RentedMemory MemoryOf(uint generation, int length)
    {
        ThrowIfOver(generation);
        if (_memory is { } memory && memory.IsOf(generation))
            return memory;
        return _memory = new RentedMemory(this, generation, 0, length);
    }

    private static uint GenerationOf(long state) => (uint)(state >> GenerationShift);

    private static ObjectDisposedException Over() => new(nameof(PooledBuffer), "The buffer was given back to its pool.");

    private static nint MapAnywhere(long length) => Mman
        .mmap(0, (nuint)length, Prot.Read | Prot.Write, Interop.Map.Private | Interop.Map.Anonymous, -1, 0)
        .OrThrow("mmap", $"{length:N0} bytes of memory");

    private static nint MapAligned(long length, long alignment)
    {
        if (length > long.MaxValue - alignment)
            return MapAnywhere(length); // Refused in any case.
        nint all = MapAnywhere(length + alignment);
        nint start = (nint)(((long)all + alignment - 1) & -alignment);
        long before = start - all;
        if (before > 0)
            Mman.munmap(all, (nuint)before);
        if (before < alignment)
            Mman.munmap(start + (nint)length, (nuint)(alignment - before));
        return start;
    }

    private static void Touch(nint address, long length)
    {
        SysResult populated = Mman.madvise(address, (nuint)length, Madv.Populate_Write);
        if (populated.Succeeded)
            return;
        if (populated.Errno != Errno.EINVAL)
            populated.OrThrow("madvise(MADV_POPULATE_WRITE)", $"{length:N0} bytes of memory");

        // Before Linux 5.14.
        for (long offset = 0; offset < length; offset += Environment.SystemPageSize)
            Volatile.Write(ref *((byte*)address + offset), 0);
    }
}
