using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;
using OneCopy.IO;

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

    // Below, a buffer is copied into the queue in any case, and a descriptor for each is too much.
    private const long SharedFrom = 16 * 1024;

    private readonly OneCopyMemoryPool _pool;
    private readonly SafeFileHandle? _file;
    private RentedMemory? _memory;
    private long _state = Returned;

    private PoolMapping(OneCopyMemoryPool pool, SafeFileHandle? file, nint address, SizeClass size, bool isHuge)
    {
        _pool = pool;
        _file = file;
        Address = (byte*)address;
        ClassIndex = size.Index;
        Capacity = size.Capacity;
        IsHuge = isHuge;
        if (file is not null)
        {
            Name = new SharedName(Guid.NewGuid(), file.Fd());
            Label.Write(Name.Key, (nuint)address, size.Capacity);
            SharedBuffers.Add(this);
        }
    }

    public byte* Address { get; }

    public long Capacity { get; }

    public int ClassIndex { get; }

    public bool IsHuge { get; }

    /// <summary>How others find it; none if it is this process's alone.</summary>
    public SharedName Name { get; }

    /// <summary>Behind it, if it has a name.</summary>
    public SharedLabel Label => new(Address + Capacity);

    // Links of the pool's list, under its lock.
    public PoolMapping? Newer { get; set; }

    public PoolMapping? Older { get; set; }

    public long Serial { get; set; }

    /// <summary>The numbers of its rentals are used up: one more, and an owner of the first would be taken for the new one.</summary>
    public bool IsWornOut => GenerationOf(Volatile.Read(ref _state)) == uint.MaxValue;

    public static PoolMapping Map(OneCopyMemoryPool pool, SizeClass size, OneCopyMemoryPoolOptions options)
    {
        bool huge = options.HugePages && size.Capacity >= SizeClass.HugePage;
        SafeFileHandle? file = options.Shared && size.Capacity is >= SharedFrom and < long.MaxValue - SharedLabel.Size ? MakeFile(size.Capacity) : null;
        nint address = 0;
        try
        {
            address = huge ? MapAligned(file, size.Capacity, SizeClass.HugePage) : MapAt(0, file, LengthOf(file, size.Capacity));
            huge = huge && Mman.madvise(address, (nuint)LengthOf(file, size.Capacity), Madv.HugePage).Succeeded;

            // A child of a fork would share all pages until one of the two writes, and each first write would then copy its page, the huge ones piece by piece. .NET runs nothing in
            // such a child. If it is refused, all is right but slower.
            Mman.madvise(address, (nuint)LengthOf(file, size.Capacity), Madv.DontFork);
            if (options.Touch)
                Touch(address, size.Capacity);
            return new PoolMapping(pool, file, address, size, huge);
        }
        catch
        {
            if (address != 0)
                Mman.munmap(address, (nuint)LengthOf(file, size.Capacity));
            file?.Dispose();
            throw;
        }
    }

    public void Unmap()
    {
        if (_file is not null)
        {
            // Those who have mapped it may keep their maps for long, and would keep the memory with them.
            SharedBuffers.Remove(this);
            FileLength.fallocate(_file.Fd(), FileLength.FALLOC_FL_KEEP_SIZE | FileLength.FALLOC_FL_PUNCH_HOLE, 0, LengthOf(_file, Capacity));
        }

        Mman.munmap((nint)Address, (nuint)LengthOf(_file, Capacity));
        _file?.Dispose();
    }

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
        if (!TryPin(generation))
            throw Over();
    }

    /// <summary>Whatever rental it is. False: it is rented by nobody.</summary>
    public bool TryPin(out uint generation) => TryPin(generation = GenerationOf(Volatile.Read(ref _state)));

    private bool TryPin(uint generation)
    {
        long seen = Volatile.Read(ref _state);
        while (GenerationOf(seen) == generation && (seen & Returned) == 0)
        {
            if ((seen & PinsMask) == PinsMask)
                throw new InvalidOperationException("The buffer is pinned too often.");
            long before = Interlocked.CompareExchange(ref _state, seen + 1, seen);
            if (before == seen)
                return true;
            seen = before;
        }

        return false;
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

    /// <summary>A file in memory, of a length that nobody can change: what others have mapped stays. Null: there can be none here, and the memory is this process's alone.</summary>
    private static SafeFileHandle? MakeFile(long capacity)
    {
        SysResult made = Memfd.memfd_create("onecopy-buffer", Memfd.MFD_ALLOW_SEALING);
        if (!made.Succeeded)
            return null;
        SafeFileHandle file = SafeFd.Of(made);
        if (FileLength.ftruncate(file.Fd(), capacity + SharedLabel.Size).Succeeded
            && Descriptor.fcntl(file.Fd(), Descriptor.F_ADD_SEALS, Memfd.F_SEAL_SHRINK | Memfd.F_SEAL_GROW | Memfd.F_SEAL_SEAL).Succeeded)
            return file;
        file.Dispose();
        return null;
    }

    private static long LengthOf(SafeFileHandle? file, long capacity) => file is null ? capacity : capacity + SharedLabel.Size;

    private static nint MapAt(nint address, SafeFileHandle? file, long length) => Mman
        .mmap(
            address,
            (nuint)length,
            Prot.Read | Prot.Write,
            (file is null ? Interop.Map.Private | Interop.Map.Anonymous : Interop.Map.Shared) | (address == 0 ? Interop.Map.None : Interop.Map.Fixed),
            file?.Fd() ?? -1,
            0)
        .OrThrow("mmap", $"{length:N0} bytes of memory");

    private static nint MapAligned(SafeFileHandle? file, long capacity, long alignment)
    {
        long length = LengthOf(file, capacity);
        if (length > long.MaxValue - alignment)
            return MapAt(0, file, length); // Refused in any case.

        // Somewhere in a range that is taken first, of which the rest is given back.
        nint all = MapAt(0, null, length + alignment);
        nint start = (nint)(((long)all + alignment - 1) & -alignment);
        long before = start - all;
        if (before > 0)
            Mman.munmap(all, (nuint)before);
        long behind = PageRange.Up(start + length, Environment.SystemPageSize);
        if (all + length + alignment > behind)
            Mman.munmap((nint)behind, (nuint)(all + length + alignment - behind));
        if (file is null)
            return start;
        try
        {
            return MapAt(start, file, length);
        }
        catch
        {
            Mman.munmap(start, (nuint)length);
            throw;
        }
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
