using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;
using OneCopy.IO;

namespace OneCopy;

/// <summary>
/// Bytes of a file, or memory without a file, at addresses of this process: mmap(2). Offsets are 64 bits wide and count from the view's first byte.
/// </summary>
/// <remarks>
/// <para>Every method may be called while another thread disposes the view: the memory is unmapped when the last operation has ended, and later ones
/// throw <see cref="ObjectDisposedException"/>. A span cannot know: one from <see cref="GetSpan"/> is valid until <see cref="Dispose"/> and
/// no longer. <see cref="Pin"/> and <see cref="GetMemory"/> are the ways that hold the memory.</para>
/// <para>Nothing is written to the device by <see cref="Dispose"/>: what was written to a shared view is in the file at once, for everybody, and the kernel writes
/// it out in its own time. <see cref="Flush(FlushMode)"/> waits for that.</para>
/// </remarks>
public sealed unsafe partial class MappedView : IDisposable
{
    private readonly MemoryMapping _map;
    private readonly MapOptions _options;
    private readonly Prot _prot;
    private readonly string _name;
    private readonly long _pageSize;
    private readonly byte* _start;
    private readonly long _delta; // Of the first byte into its page.
    private readonly bool _cannotFault;
    private long _length;
    private volatile bool _disposed; // The mapping is closed later, when the last operation has ended.

    private MappedView(MemoryMapping map, string name, long? fileOffset, long delta, long length, long pageSize, Prot prot, MapOptions options, bool cannotFault)
    {
        _map = map;
        _name = name;
        _delta = delta;
        _start = map.Address + delta;
        _length = length;
        _pageSize = pageSize;
        _prot = prot;
        _options = options;
        _cannotFault = cannotFault;
        _sure = _possible = (int)prot;
        FileOffset = fileOffset;
    }

    /// <summary>Bytes. It changes by <see cref="Grow"/> alone, whatever becomes of the file.</summary>
    public long Length => Volatile.Read(ref _length);

    /// <summary>The view's first byte in the file; null for memory without a file.</summary>
    public long? FileOffset { get; }

    /// <summary>The address of the view's first byte; 0 for a view of nothing. It does not change.</summary>
    public nuint Address => (nuint)_start;

    /// <summary>Bytes in a page of this view.</summary>
    public long PageSize => _pageSize;

    /// <summary>Whether the view was disposed.</summary>
    public bool IsDisposed => _disposed;

    /// <summary>Maps memory without a file: zeros, for this process and, if shared, for what it forks.</summary>
    /// <param name="length">Bytes.</param>
    /// <param name="options">Null: shared, for reading and writing. Memory without a file cannot raise SIGBUS and needs no guard.</param>
    /// <exception cref="OneCopyException">mmap(2) failed. ENOMEM: address space, vm.max_map_count, overcommit, or the pool of huge pages.</exception>
    public static MappedView CreateAnonymous(long length, MapOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        options ??= MapOptions.Default;
        options.Validate();
        MapAccess access = options.Access ?? MapAccess.ReadWrite;
        long pageSize = HugePageFlags.PageSize(options.HugePages);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, long.MaxValue - pageSize);
        MemoryMapping map = Create(-1, 0, PageRange.Up(length, pageSize), (Prot)access, Map.Anonymous | FlagsOf(options), options, guard: false, "memory");
        return Finish(new MappedView(map, "memory", null, 0, length, pageSize, (Prot)access, options, cannotFault: true) { MaxLength = length });
    }

    internal static MappedView OfFile(MappedFile file, int fd, long offset, long length, MapAccess access, MapOptions options)
    {
        Prot prot = (Prot)access;
        PageRange pages = PageRange.Covering(offset, length, file.PageSize);
        long delta = offset - pages.Offset;
        MemoryMapping map = Create(fd, pages.Offset, pages.Length, prot, FlagsOf(options), options, Guards(file, access, options), file.Name, delta);
        return Finish(new MappedView(map, file.Name, offset, delta, length, file.PageSize, prot, options, IsSealed(fd)) { MaxLength = length });
    }

    /// <summary>Unmaps the view, now or when the last operation and the last pin have ended. Writes nothing to the device, and does not wait.</summary>
    public void Dispose()
    {
        _disposed = true;
        _map.Dispose();
        _file?.Dispose();
    }

    private static Map FlagsOf(MapOptions options) =>
        (options.Sharing == MapSharing.Shared ? Map.Shared : Map.Private) | (options.NoReserve ? Map.NoReserve : Map.None) | HugePageFlags.For(options.HugePages);

    // Zeros in place of code are no better than the end; and the handler knows one page size.
    private static bool Guards(MappedFile file, MapAccess access, MapOptions options) =>
        options.Guard && !access.HasFlag(MapAccess.Execute) && !file.HasHugePages;

    // Nobody can take pages from it.
    private static bool IsSealed(int fd) =>
        Descriptor.fcntl(fd, Descriptor.F_GET_SEALS) is { Succeeded: true } seals && (seals.Value & Memfd.F_SEAL_SHRINK) != 0;

    private static MemoryMapping Create(int fd, long offset, long length, Prot prot, Map flags, MapOptions options, bool guard, string name, long delta = 0)
    {
        if (length == 0)
            return MemoryMapping.OfNothing();
        nint address = AddressOf(options, delta);
        SysResult r = MemoryMapping.TryMap(fd, offset, length, prot, flags, address, guard, out MemoryMapping? map);
        r.OrThrow("mmap", name, AdviceFor(r.Errno, flags));
        return map!;
    }

    private static nint AddressOf(MapOptions options, long delta)
    {
        if (options.Address is not nuint wished)
            return 0;
        nint address = (nint)wished - (nint)delta;
        if (address <= 0 || address % Environment.SystemPageSize != 0)
            throw new ArgumentException($"The address 0x{wished:x} must be as far into a page as the view's offset in the file, {delta} bytes.", nameof(options));
        return address;
    }

    private static string? AdviceFor(int errno, Map flags) => errno switch
    {
        Errno.ENOMEM when flags.HasFlag(Map.HugeTlb) => HugePageFlags.Advice,
        Errno.ENOMEM => "No address space, too many mappings (vm.max_map_count), more private memory than the system permits (vm.overcommit_memory; NoReserve), or no huge pages.",
        Errno.EEXIST => "Something is mapped at the wished address already.",
        Errno.EACCES => "The file was not opened for what the view wants, or is append-only.",
        Errno.EPERM => "The file is sealed against writing, or its file system is mounted noexec.",
        Errno.ENODEV => "This file system cannot map files.",
        _ => null,
    };

    private static MappedView Finish(MappedView view)
    {
        try
        {
            if (view._options.HugePages == HugePages.Transparent)
                view.Advise(MapAdvice.HugePage);
            if (view._options.Populate)
                view.Populate(0, view.Length, view.FileOffset is null && view._prot.HasFlag(Prot.Write));
            if (view._options.Lock)
                view.Lock(0, view.Length);
            return view;
        }
        catch
        {
            view.Dispose();
            throw;
        }
    }

    private void Check(long offset, long length)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        long whole = Length;
        if ((ulong)offset > (ulong)whole)
            ThrowRange(nameof(offset), offset, whole);
        if ((ulong)length > (ulong)(whole - offset))
            ThrowRange(nameof(length), length, whole);
    }

    private static void ThrowRange(string parameter, long value, long length) =>
        throw new ArgumentOutOfRangeException(parameter, value, $"Beyond the view, which has {length} bytes.");

    private HandleLease Hold()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new HandleLease(_map);
    }
}
