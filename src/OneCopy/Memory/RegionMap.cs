using OneCopy.Interop;

namespace OneCopy.Memory;

/// <summary>A process's map at one moment, asked for permission by address.</summary>
internal readonly struct RegionMap
{
    public RegionMap(IReadOnlyList<MemoryRegion> regions) => Regions = regions;

    /// <summary>In the order of their addresses, as the kernel lists them.</summary>
    public IReadOnlyList<MemoryRegion> Regions { get; }

    /// <summary>EACCES: no right to see the map. An empty map: the process has no memory (a zombie, a kernel thread).</summary>
    public static SysResult TryRead(int pid, out RegionMap map)
    {
        SysResult r = ProcFile.TryReadText($"/proc/{pid}/maps", out string text);
        map = new RegionMap(r.Succeeded ? MemoryRegion.ParseAll(text) : []);
        return r.Errno == Errno.ENOENT ? SysResult.Failed(Errno.ESRCH) : r;
    }

    /// <summary>How many of <paramref name="length"/> bytes from <paramref name="address"/> on lie in regions that all permit it.</summary>
    public nuint Permitted(nuint address, nuint length, MemoryProtection needed)
    {
        // No file offset reaches the upper half, where the kernel itself lives.
        const ulong Highest = long.MaxValue;
        nuint end = address > Highest ? address : address + (nuint)ulong.Min(length, Highest - address);
        nuint reached = address;
        for (int i = FirstThatEndsAfter(address); i < Regions.Count && reached < end; i++)
        {
            MemoryRegion region = Regions[i];
            if (!region.Contains(reached) || (region.Protection & needed) != needed)
                break;
            reached = region.End;
        }
        return nuint.Min(reached, end) - address;
    }

    private int FirstThatEndsAfter(nuint address)
    {
        int low = 0;
        int high = Regions.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (Regions[middle].End > address)
                high = middle;
            else
                low = middle + 1;
        }
        return low;
    }
}
