using OneCopy.Interop;
using OneCopy.IO;
using OneCopy.Memory;

namespace OneCopy;

/// <summary>What became of the view when its file lost pages.</summary>
public sealed unsafe partial class MappedView
{
    /// <summary>
    /// Whether touching what the file has lost reads zeros and marks the view, in place of SIGBUS. False where it was not asked for
    /// (<see cref="MapOptions.Guard"/>), for memory without a file, executable views and huge pages, and where the process permits no handler or has used up its 32,768 places.
    /// </summary>
    public bool IsGuarded => _map.IsGuarded;

    /// <summary>
    /// Whether pages of the file were found missing by an access, and zeros put in their place, up to the view's end. It stays so; what is written to those
    /// pages is in no file. One volatile read: the thread that met the fault sees it at once, another one after its next full fence.
    /// </summary>
    public bool IsDamaged => !_map.IsClosed && _map.IsDamaged;

    /// <summary>To be called after bytes of a span were used: they were the file's if it returns.</summary>
    /// <exception cref="MappedFileFaultException">The view is damaged; it says from where on.</exception>
    public void ThrowIfDamaged()
    {
        if (!IsDamaged)
            return;
        using HandleLease lease = Hold();
        long from = Math.Min(FirstDamaged(), Length);
        throw new MappedFileFaultException("An access", Errno.EFAULT, _name, from, FileOffset + from, 0, FaultAdvice);
    }

    /// <summary>
    /// The first byte whose page the handler has replaced. The map of the process knows: those pages are no file's. Looked up each time, for
    /// there may be an earlier one since; only views that are damaged come here.
    /// </summary>
    private long FirstDamaged()
    {
        if (!RegionMap.TryRead(Environment.ProcessId, out RegionMap map).Succeeded)
            return 0;
        nuint start = (nuint)_map.Address;
        nuint end = start + (nuint)PageRange.Up(_delta + Length, _pageSize);
        foreach (MemoryRegion region in map.Regions)
        {
            if (region.Inode == 0 && region.End > start && region.Start < end)
                return Math.Max(0, (long)(nuint.Max(region.Start, start) - start) - _delta);
        }

        return long.MaxValue;
    }
}
