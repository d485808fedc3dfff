using OneCopy.Interop;
using OneCopy.IO;

namespace OneCopy;

/// <summary>What is done to whole pages: the range is given in bytes, and its pages are found here.</summary>
public sealed unsafe partial class MappedView
{
    private readonly Lock _gate = new(); // Who changes what the pages permit, or how many they are.
    private int _sure;     // What every page permits.
    private int _possible; // What some page may permit.

    /// <summary>Changes what the whole view permits: mprotect(2).</summary>
    /// <param name="access">The new permission.</param>
    /// <exception cref="OneCopyException">As for <see cref="Protect(long, long, MapAccess)"/>.</exception>
    public void Protect(MapAccess access) => Protect(0, Length, access);

    /// <summary>Changes what all pages permit that the range touches: mprotect(2).</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="access">The new permission.</param>
    /// <exception cref="OneCopyException">EACCES: the file was not opened for it. ENOMEM: the map would have too many pieces (vm.max_map_count).</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is beyond the view.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    /// <remarks>A span that touches such pages in a way that they do not permit ends the process with SIGSEGV; the methods of the view throw. No other thread may be using the pages
    /// meanwhile.</remarks>
    public void Protect(long offset, long length, MapAccess access)
    {
        if ((access & ~MapOptions.AllAccess) != MapAccess.None)
            throw new ArgumentException($"Access {access} has flags that are not known.", nameof(access));
        Check(offset, length);
        using HandleLease lease = Hold();
        PageRange pages = PagesOf(offset, length);
        if (pages.Length == 0)
            return;
        lock (_gate)
        {
            bool whole = pages == PagesOf(0, Length);
            Interlocked.And(ref _sure, (int)access);
            Interlocked.Or(ref _possible, (int)access);
            SysResult r = _map.Protect(pages.Offset, pages.Length, (Prot)access);
            r.OrThrow("mprotect", Describe(offset, length), r.Errno == Errno.EACCES ? "The file was not opened for that, or its file system is mounted noexec." : null);
            if (!whole)
                return;
            Volatile.Write(ref _sure, (int)access);
            Volatile.Write(ref _possible, (int)access);
        }
    }

    /// <summary>Writes what was changed in the whole view to the device: msync(2).</summary>
    /// <param name="mode">Whether to wait. Default: yes.</param>
    /// <exception cref="OneCopyException">As for <see cref="Flush(long, long, FlushMode)"/>.</exception>
    public void Flush(FlushMode mode = FlushMode.Sync) => Flush(0, Length, mode);

    /// <summary>Writes what was changed in all pages that the range touches to the device: msync(2). A private view has nothing to write.</summary>
    /// <param name="offset">The first byte; any.</param>
    /// <param name="length">Bytes; any.</param>
    /// <param name="mode">Whether to wait.</param>
    /// <exception cref="OneCopyException">EIO: the device failed. EBUSY: <see cref="FlushMode.Invalidate"/>, and a page is locked.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is beyond the view.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public void Flush(long offset, long length, FlushMode mode = FlushMode.Sync)
    {
        const FlushMode Known = FlushMode.Sync | FlushMode.Async | FlushMode.Invalidate;
        const FlushMode Both = FlushMode.Sync | FlushMode.Async;
        if (mode == default || (mode & ~Known) != default || (mode & Both) == Both)
            throw new ArgumentException($"{mode}: Sync, Async or Invalidate, or Invalidate with one of the others.", nameof(mode));
        OnPages("msync", offset, length, static (address, count, flags) => Mman.msync(address, count, (Msync)flags), (int)mode,
            static errno => errno == Errno.EBUSY ? "A page of the range is locked: unlock it, or leave Invalidate out." : null);
    }

    /// <summary>Gives advice on the whole view: madvise(2).</summary>
    /// <param name="advice">What to say.</param>
    /// <exception cref="OneCopyException">As for <see cref="Advise(long, long, MapAdvice)"/>.</exception>
    public void Advise(MapAdvice advice) => Advise(0, Length, advice);

    /// <summary>Gives advice on all pages that the range touches: madvise(2). No byte changes.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="advice">What to say.</param>
    /// <exception cref="OneCopyException">EINVAL: this kernel, or this kind of mapping, does not know that advice.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is beyond the view.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public void Advise(long offset, long length, MapAdvice advice)
    {
        if (!advice.IsKnown())
            throw new ArgumentException($"Advice {advice} is not known. What destroys contents is Discard's.", nameof(advice));
        OnPages("madvise", offset, length, static (address, count, a) => Mman.madvise(address, count, (Madv)a), (int)advice,
            static errno => errno == Errno.EINVAL ? "This kernel, or this kind of mapping, does not know that advice." : null);
    }

    /// <summary>Gives pages up, and with them their contents, as the advice says: madvise(2).</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="advice">What is lost.</param>
    /// <returns>Bytes discarded: only pages that lie wholly in the range, so that no neighbour is lost.</returns>
    /// <exception cref="OneCopyException">EINVAL: locked or huge pages, or a kind of mapping that this advice is not for. EACCES: <see cref="DestructiveAdvice.Remove"/> on a view that cannot be written. EOPNOTSUPP: the file
    /// system cannot punch holes.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is beyond the view.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public long Discard(long offset, long length, DestructiveAdvice advice)
    {
        if (!advice.IsKnown())
            throw new ArgumentException($"Advice {advice} is not known.", nameof(advice));
        Check(offset, length);
        using HandleLease lease = Hold();
        PageRange pages = PageRange.Inside(_delta + offset, length, _pageSize);
        if (pages.Length == 0)
            return 0;
        SysResult r = Mman.madvise((nint)_map.Address + (nint)pages.Offset, (nuint)pages.Length, (Madv)advice);
        r.OrThrow("madvise", Describe(offset, length), r.Errno == Errno.EINVAL ? "Not for locked or huge pages, nor for this kind of mapping." : null);
        return pages.Length;
    }

    private PageRange PagesOf(long offset, long length) => PageRange.Covering(_delta + offset, length, _pageSize);

    private void OnPages(string call, long offset, long length, Func<nint, nuint, int, SysResult> action, int argument, Func<int, string?> advice)
    {
        Check(offset, length);
        using HandleLease lease = Hold();
        PageRange pages = PagesOf(offset, length);
        if (pages.Length == 0)
            return;
        SysResult r = action((nint)_map.Address + (nint)pages.Offset, (nuint)pages.Length, argument);
        if (!r.Succeeded)
            r.OrThrow(call, Describe(offset, length), advice(r.Errno));
    }

    private string Describe(long offset, long length) => $"{_name}, {length} bytes at {offset} of the view";
}
