using OneCopy.Interop;
using OneCopy.IO;

namespace OneCopy;

/// <summary>Which pages are in memory, and who keeps them there.</summary>
public sealed unsafe partial class MappedView
{
    /// <summary>
    /// Brings in every page that the range touches, and so finds out in advance whether all can be had: a page that the file does not have, or for which its file system
    /// has no room, is an exception here and no SIGBUS later. madvise(2), MADV_POPULATE_READ or MADV_POPULATE_WRITE, Linux 5.14.
    /// </summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="forWriting">As if every page were written: blocks are allocated under holes, private pages are copied. Contents stay.</param>
    /// <exception cref="MappedFileFaultException">It says the first page that cannot be had; those before it are in.</exception>
    /// <exception cref="OneCopyException">EINVAL: an older kernel, or pages that do not permit it. ENOMEM: no memory.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is beyond the view.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    /// <remarks>It holds for the moment: who truncates the file afterwards takes the pages away again.</remarks>
    public void Populate(long offset, long length, bool forWriting = false)
    {
        Check(offset, length);
        using HandleLease lease = Hold();
        PageRange pages = PagesOf(offset, length);
        if (pages.Length == 0)
            return;
        Madv advice = forWriting ? Madv.Populate_Write : Madv.Populate_Read;
        SysResult r = PopulatePages(pages, advice);
        if (r.Succeeded)
        {
            Interlocked.MemoryBarrier();
            if (_map.IsDamaged && FirstDamaged() is long from && from < offset + length)
                throw Fault("madvise", Errno.EFAULT, Math.Max(from, offset), 0);
            return;
        }

        if (r.Errno != Errno.EFAULT)
            r.OrThrow("madvise", Describe(offset, length), r.Errno == Errno.EINVAL ? "The pages do not permit it, or the kernel is older than 5.14." : null);
        throw Fault("madvise", r.Errno, Math.Max(offset, FirstThatCannotBePopulated(pages, advice) - _delta), 0);
    }

    /// <summary>Keeps all pages that the range touches in memory, and brings them in now: mlock(2).</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">Bytes.</param>
    /// <exception cref="OneCopyException">ENOMEM or EPERM: more than RLIMIT_MEMLOCK permits. EAGAIN: some page could not be had.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is beyond the view.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public void Lock(long offset, long length) => OnPages("mlock", offset, length, static (address, count, _) => Mman.mlock(address, count), 0,
        static errno => errno is Errno.ENOMEM or Errno.EPERM ? "More than the user may lock (ulimit -l), or pages that cannot be brought in: does the file still have them?" : null);

    /// <summary>Lets them go: munlock(2). Locks do not add up: one call undoes all.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">Bytes.</param>
    /// <exception cref="OneCopyException">munlock(2) failed.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is beyond the view.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public void Unlock(long offset, long length) => OnPages("munlock", offset, length, static (address, count, _) => Mman.munlock(address, count), 0, static _ => null);

    /// <summary>How many pages a range touches: the places that <see cref="GetResidency"/> needs.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">Bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is beyond the view.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public long CountPages(long offset, long length)
    {
        Check(offset, length);
        return PagesOf(offset, length).Length / _pageSize;
    }

    /// <summary>How many of the pages that the range touches are in memory: mincore(2). Of a file that this process may not write, the kernel says that all are.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">Bytes.</param>
    /// <exception cref="OneCopyException">mincore(2) failed.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is beyond the view.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public long CountResidentPages(long offset, long length)
    {
        Check(offset, length);
        using HandleLease lease = Hold();
        PageRange pages = PagesOf(offset, length);
        long resident = 0;
        long systemPages = 0;
        Span<byte> window = stackalloc byte[1024];
        for (long at = pages.Offset; at < pages.End; at += window.Length * (long)Environment.SystemPageSize)
        {
            int count = (int)Math.Min(window.Length, (pages.End - at) / Environment.SystemPageSize);
            AskResidency(at, window[..count]);
            foreach (byte page in window[..count])
                resident += page & 1;
            systemPages += count;
        }

        return systemPages == 0 ? 0 : resident / (_pageSize / Environment.SystemPageSize);
    }

    /// <summary>For each page that the range touches, whether it is in memory: mincore(2). As <see cref="CountResidentPages"/>.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="pages">One place for each page, at least <see cref="CountPages"/>; the first one is that of <paramref name="offset"/>.</param>
    /// <exception cref="ArgumentException"><paramref name="pages"/> is too short.</exception>
    /// <exception cref="OneCopyException">mincore(2) failed.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is beyond the view.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public void GetResidency(long offset, long length, Span<bool> pages)
    {
        Check(offset, length);
        using HandleLease lease = Hold();
        PageRange range = PagesOf(offset, length);
        if (pages.Length < range.Length / _pageSize)
            throw new ArgumentException($"{pages.Length} places for {range.Length / _pageSize} pages.", nameof(pages));
        Span<byte> one = stackalloc byte[1];
        Span<byte> window = stackalloc byte[1024];
        for (int i = 0; i * _pageSize < range.Length;)
        {
            int count = _pageSize == Environment.SystemPageSize ? (int)Math.Min(window.Length, (range.Length / _pageSize) - i) : 1;
            AskResidency(range.Offset + (i * _pageSize), count == 1 ? one : window[..count]);
            for (int k = 0; k < count; k++, i++)
                pages[i] = ((count == 1 ? one : window)[k] & 1) != 0;
        }
    }

    private void AskResidency(long at, Span<byte> pages)
    {
        fixed (byte* p = pages)
        {
            while (true)
            {
                SysResult r = Mman.mincore((nint)_map.Address + (nint)at, (nuint)(pages.Length * (long)Environment.SystemPageSize), p);
                if (r.Errno == Errno.EAGAIN)
                    continue;
                r.OrThrow("mincore", _name);
                return;
            }
        }
    }

    private SysResult PopulatePages(PageRange pages, Madv advice)
    {
        while (true)
        {
            SysResult r = Mman.madvise((nint)_map.Address + (nint)pages.Offset, (nuint)pages.Length, advice);
            if (r.Errno != Errno.EINTR)
                return r;
        }
    }

    // The call does not say how far it came; halving does.
    private long FirstThatCannotBePopulated(PageRange pages, Madv advice)
    {
        long good = 0;
        long bad = pages.Length / _pageSize;
        while (bad - good > 1)
        {
            long middle = good + ((bad - good) / 2);
            if (PopulatePages(new PageRange(pages.Offset, middle * _pageSize), advice).Succeeded)
                good = middle;
            else
                bad = middle;
        }

        return pages.Offset + (good * _pageSize);
    }
}
