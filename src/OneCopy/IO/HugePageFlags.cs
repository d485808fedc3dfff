using OneCopy.Interop;

namespace OneCopy.IO;

/// <summary>MAP_HUGETLB and its size, and what to do when there are no such pages.</summary>
internal static class HugePageFlags
{
    public const string Advice =
        "The pool of huge pages has no such room: the administrator sets it with vm.nr_hugepages, or for each size in /sys/kernel/mm/hugepages; 1 GiB pages are best reserved at boot.";

    /// <summary>The logarithm of the size; 0 for the system's default.</summary>
    public static int SizeBits(HugePages pages) => pages switch
    {
        HugePages.Reserved2MiB => 21,
        HugePages.Reserved1GiB => 30,
        _ => 0,
    };

    public static Map For(HugePages pages) =>
        pages > HugePages.Transparent ? Map.HugeTlb | (Map)(SizeBits(pages) << Mman.MAP_HUGE_SHIFT) : Map.None;

    /// <summary>The page size of an anonymous mapping.</summary>
    public static long PageSize(HugePages pages) => pages switch
    {
        HugePages.Reserved => DefaultSize(),
        HugePages.Reserved2MiB or HugePages.Reserved1GiB => 1L << SizeBits(pages),
        _ => Environment.SystemPageSize,
    };

    // "Hugepagesize:    2048 kB" of /proc/meminfo.
    private static long DefaultSize()
    {
        foreach (string line in File.ReadLines("/proc/meminfo"))
        {
            if (line.StartsWith("Hugepagesize:", StringComparison.Ordinal))
                return long.Parse(line.AsSpan(13).TrimEnd("kB").Trim()) << 10;
        }

        throw new OneCopyException("This kernel has no huge pages: /proc/meminfo does not say their size.");
    }
}
