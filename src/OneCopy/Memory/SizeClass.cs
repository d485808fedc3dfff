using System.Globalization;
using System.Numerics;

namespace OneCopy.Memory;

/// <summary>
/// The sizes that buffers come in: four for each doubling, in whole pages, so that at most a fifth of a buffer is not asked for; from half a huge page on in whole
/// huge pages, at least one.
/// </summary>
internal readonly struct SizeClass
{
    public const int Count = 64 * 4;

    private static readonly long s_page = Environment.SystemPageSize;

    private SizeClass(int index, long capacity)
    {
        Index = index;
        Capacity = capacity;
    }

    /// <summary>Bytes of a huge page; 2 MiB where the kernel does not say.</summary>
    public static long HugePage { get; } = ReadHugePage();

    public int Index { get; }

    public long Capacity { get; }

    public static SizeClass Of(long length)
    {
        if (length <= s_page)
            return new SizeClass(0, s_page);
        int log = BitOperations.Log2((ulong)(length - 1));
        long step = 1L << (log - 2);
        long capacity = length > long.MaxValue - step ? length : RoundUp(length, step);

        // From half a huge page on a whole one: a copy between processes takes half the time or less out of those, which is worth the rest of the page. It goes by the
        // capacity, not the length: a length that was rounded up to half a huge page would otherwise be in another class than its own capacity.
        long unit = capacity >= HugePage / 2 ? HugePage : s_page;
        if (capacity <= long.MaxValue - unit)
            capacity = RoundUp(capacity, unit);

        // Each quarter holds one capacity at most: the multiple of the step, or less often than that, of the page.
        log = BitOperations.Log2((ulong)(capacity - 1));
        return new SizeClass((log * 4) + (int)(((capacity - 1) >> (log - 2)) & 3), capacity);
    }

    private static long RoundUp(long value, long unit) => (value + unit - 1) & ~(unit - 1);

    private static long ReadHugePage()
    {
        try
        {
            return long.Parse(File.ReadAllText("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size").Trim(), CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            return 2 << 20; // A kernel without them, or a container that hides the file.
        }
    }
}
