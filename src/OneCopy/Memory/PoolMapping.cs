using System.Globalization;
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

    /// <summary>Below, a payload is copied into the queue in any case, and a descriptor for each buffer is too much.</summary>
    public const int SharedFrom = 16 * 1024;

    private const string FileName = "onecopy-buffer";

    private static readonly Lazy<int> s_mostFiles = new(MostFiles);
    private static int s_files;

    private readonly OneCopyMemoryPool _pool;
    private readonly SafeFileHandle? _file;
    private readonly long _length;
    private RentedMemory? _memory;
    private long _state = Returned;

    private PoolMapping(OneCopyMemoryPool pool, SafeFileHandle? file, nint address, long length, SizeClass size, bool isHuge)
    {
        _pool = pool;
        _file = file;
        _length = length;
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

    private bool IsDetached { get; set; }

    /// <summary>How others find it; none if it is this process's alone.</summary>
    public SharedName Name { get; private set; }

    /// <summary>Behind it, if it has a name.</summary>
    public SharedLabel Label => new(Address + Capacity);

    /// <summary>Held while the label's rooms are written.</summary>
    public MonitorLock LabelGate { get; } = new();

    // Links of the pool's list, under its lock.
    public PoolMapping? Newer { get; set; }

    public PoolMapping? Older { get; set; }

    public long Serial { get; set; }

    /// <summary>The numbers of its rentals are used up: one more, and an owner of the first would be taken for the new one. Or some of it is not shared any more.</summary>
    public bool IsWornOut => IsDetached || GenerationOf(Volatile.Read(ref _state)) == uint.MaxValue;

    public static PoolMapping Map(OneCopyMemoryPool pool, SizeClass size, OneCopyMemoryPoolOptions options)
    {
        bool huge = options.HugePages && size.Capacity >= SizeClass.HugePage;
        bool shares = options.Shared && options.Touch && size.Capacity is >= SharedFrom and < long.MaxValue - SharedLabel.Size;
        long length = shares ? size.Capacity + SharedLabel.Size : size.Capacity;

        // First without a file, for which alone the kernel says that so much cannot be had (ENOMEM), before it tries to.
        nint address = huge ? MapAligned(length, SizeClass.HugePage) : MapAt(0, null, length);
        SafeFileHandle? file = null;
        try
        {
            file = shares ? MakeFile(size.Capacity) : null;
            if (file is not null)
                MapAt(address, file, length);
            huge = huge && Mman.madvise(address, (nuint)length, Madv.HugePage).Succeeded;

            // A child of a fork would share all pages until one of the two writes, and each first write would then copy its page, the huge ones piece by piece. .NET runs nothing in
            // such a child. If it is refused, all is right but slower.
            Mman.madvise(address, (nuint)length, Madv.DontFork);
            if (options.Touch)
                Touch(address, size.Capacity);
            return new PoolMapping(pool, file, address, length, size, huge);
        }
        catch
        {
            Mman.munmap(address, (nuint)length);
            Close(file);
            throw;
        }
    }

    /// <summary>
    /// Gives the pages of these bytes to whoever has them mapped, and takes others in their place, with the same in them, at once for all threads (mremap(2)). From then on it is this process's alone; it is not kept. What another thread writes just now to the
    /// same first or last page, beside these bytes, may be lost.
    /// </summary>
    public void Detach(byte* from, long length)
    {
        Name = default;
        IsDetached = true;
        nint start = (nint)PageRange.Down((long)from, Environment.SystemPageSize);
        long bytes = PageRange.Up((long)from + length, Environment.SystemPageSize) - start;
        nint fresh = MapAt(0, null, bytes);
        Buffer.MemoryCopy((void*)start, (void*)fresh, bytes, bytes);
        SysResult moved = Mman.mremap(fresh, (nuint)bytes, (nuint)bytes, Mman.MREMAP_MAYMOVE | Mman.MREMAP_FIXED, start);
        if (moved.Succeeded)
            return;
        Mman.munmap(fresh, (nuint)bytes);
        moved.OrThrow("mremap", $"{bytes:N0} bytes of a buffer");
    }

    public void Unmap()
    {
        if (_file is not null)
        {
            // Those who have mapped it may keep their maps for long, and would keep the memory with them.
            SharedBuffers.Remove(this);
            FileLength.fallocate(_file.Fd(), FileLength.FALLOC_FL_KEEP_SIZE | FileLength.FALLOC_FL_PUNCH_HOLE, 0, _length);
        }

        Mman.munmap((nint)Address, (nuint)_length);
        Close(_file);
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

    /// <summary>Whether this is a descriptor of such a file, by what the kernel says of it. Of O_PATH as well.</summary>
    public static bool IsFile(SafeFileHandle place) =>
        Stat.Of(place.Fd(), out statx status).Succeeded && (status.stx_mode & Stat.S_IFMT) == Stat.S_IFREG
        && Statfs.fstatfs(place.Fd(), out statfs system).Succeeded && system.f_type == Statfs.TMPFS_MAGIC
        && DescriptorName.Of(place.Fd()).StartsWith($"/memfd:{FileName} ", StringComparison.Ordinal);

    /// <summary>
    /// A file in memory, of a length that nobody can change: what others have mapped stays. With all its pages, as one that is missing later is SIGBUS and not ENOMEM. Null: there can be none here, or there are many, and the memory is this
    /// process's alone.
    /// </summary>
    private static SafeFileHandle? MakeFile(long capacity)
    {
        if (Interlocked.Increment(ref s_files) > s_mostFiles.Value)
        {
            Interlocked.Decrement(ref s_files);
            return null;
        }

        SysResult made = Memfd.memfd_create(FileName, Memfd.MFD_ALLOW_SEALING);
        if (!made.Succeeded)
        {
            Interlocked.Decrement(ref s_files);
            return null;
        }

        SafeFileHandle file = SafeFd.Of(made);
        if (FileLength.ftruncate(file.Fd(), capacity + SharedLabel.Size).Succeeded
            && FileLength.fallocate(file.Fd(), 0, 0, capacity + SharedLabel.Size).Succeeded
            && Descriptor.fcntl(file.Fd(), Descriptor.F_ADD_SEALS, Memfd.F_SEAL_SHRINK | Memfd.F_SEAL_GROW | Memfd.F_SEAL_SEAL).Succeeded)
            return file;
        Close(file);
        return null;
    }

    private static void Close(SafeFileHandle? file)
    {
        if (file is null)
            return;
        file.Dispose();
        Interlocked.Decrement(ref s_files);
    }

    /// <summary>A quarter of the descriptors that this process may have, and of the maps: the rest is the program's.</summary>
    private static int MostFiles()
    {
        long files = ProcFile.ReadText("/proc/self/limits")?.Split('\n').FirstOrDefault(l => l.StartsWith("Max open files", StringComparison.Ordinal))?
            .Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, _, _, string soft, ..] && long.TryParse(soft, CultureInfo.InvariantCulture, out long n) ? n : 1024;
        long maps = long.TryParse(ProcFile.ReadText("/proc/sys/vm/max_map_count"), CultureInfo.InvariantCulture, out long m) ? m : 65_530;
        return (int)Math.Clamp(Math.Min(files, maps) / 4, 0, int.MaxValue);
    }

    private static nint MapAt(nint address, SafeFileHandle? file, long length) => Mman
        .mmap(
            address,
            (nuint)length,
            Prot.Read | Prot.Write,
            (file is null ? Interop.Map.Private | Interop.Map.Anonymous : Interop.Map.Shared) | (address == 0 ? Interop.Map.None : Interop.Map.Fixed),
            file?.Fd() ?? -1,
            0)
        .OrThrow("mmap", $"{length:N0} bytes of memory");

    /// <summary>Somewhere in a range of which the rest is given back.</summary>
    private static nint MapAligned(long length, long alignment)
    {
        if (length > long.MaxValue - alignment)
            return MapAt(0, null, length); // Refused in any case.
        nint all = MapAt(0, null, length + alignment);
        nint start = (nint)(((long)all + alignment - 1) & -alignment);
        long before = start - all;
        if (before > 0)
            Mman.munmap(all, (nuint)before);
        long behind = PageRange.Up(start + length, Environment.SystemPageSize);
        if (all + length + alignment > behind)
            Mman.munmap((nint)behind, (nuint)(all + length + alignment - behind));
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
