namespace OneCopy.IO;

/// <summary>Whole pages, as the calls of sys/mman.h want them, for a range of bytes. Offsets are those of a mapping that begins at a page.</summary>
internal readonly record struct PageRange(long Offset, long Length)
{
    public long End => Offset + Length;

    /// <summary>All pages that the bytes touch.</summary>
    public static PageRange Covering(long offset, long length, long pageSize)
    {
        if (length == 0)
            return new PageRange(Down(offset, pageSize), 0);
        long start = Down(offset, pageSize);
        return new PageRange(start, Up(offset + length, pageSize) - start);
    }

    /// <summary>Pages of which every byte is in the range: what may be destroyed without touching a neighbour.</summary>
    public static PageRange Inside(long offset, long length, long pageSize)
    {
        long start = Up(offset, pageSize);
        return new PageRange(start, Math.Max(0, Down(offset + length, pageSize) - start));
    }

    public static long Up(long value, long pageSize) => checked(value + pageSize - 1) & -pageSize;

    public static long Down(long value, long pageSize) => value & -pageSize;
}
