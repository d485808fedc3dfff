using System.IO.MemoryMappedFiles;
using FsCheck;
using FsCheck.Fluent;
using OneCopy.IO;
using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>For all ranges: page arithmetic, and the same outcome as MemoryMappedFile.</summary>
public sealed class MappedViewProperties
{
    private static readonly long[] s_pageSizes = [4096, 16384, 65536, 2 << 20, 1 << 30];

    [Fact]
    public void Covering_pages_are_the_fewest_that_hold_every_byte() => Prop.ForAll(Ranges().ToArbitrary(), range =>
    {
        (long offset, long length, long page) = range;
        PageRange pages = PageRange.Covering(offset, length, page);
        bool aligned = pages.Offset % page == 0 && pages.Length % page == 0;
        if (length == 0)
            return aligned && pages.Length == 0;
        return aligned && pages.Offset <= offset && offset - pages.Offset < page && pages.End >= offset + length && pages.End - (offset + length) < page;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Inner_pages_are_the_most_that_hold_no_other_byte() => Prop.ForAll(Ranges().ToArbitrary(), range =>
    {
        (long offset, long length, long page) = range;
        PageRange pages = PageRange.Inside(offset, length, page);
        if (pages.Length == 0)
            return PageRange.Up(offset, page) + page > offset + length;
        return pages.Offset % page == 0 && pages.Length % page == 0 && pages.Offset >= offset && pages.Offset - offset < page
            && pages.End <= offset + length && offset + length - pages.End < page;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Writes_at_any_offset_give_the_same_file_as_through_MemoryMappedFile()
    {
        using TestFolder folder = new("/dev/shm");
        Gen<(int, int, int, byte, int)> writes =
            from offset in Gen.Choose(0, 40_000)
            from length in Gen.Choose(0, 20_000)
            from at in Gen.Choose(0, 20_000)
            from value in Gen.Choose(0, 255)
            from way in Gen.Choose(0, 4)
            select (offset, length, at, (byte)value, way);
        Prop.ForAll(writes.ListOf(6).ToArbitrary(), list =>
        {
            string ours = folder.Pattern(50_000, "ours");
            string theirs = folder.Pattern(50_000, "theirs");
            using (MappedFile file = MappedFile.Open(ours, MapAccess.ReadWrite))
            using (MemoryMappedFile other = MemoryMappedFile.CreateFromFile(theirs, FileMode.Open))
            {
                foreach ((int offset, int wanted, int at, byte value, int way) in list)
                {
                    int length = Math.Min(wanted, 50_000 - offset);
                    bool own = value % 5 == 0;
                    using MappedView view = file.Map(offset, length, new MapOptions { Sharing = own ? MapSharing.Private : MapSharing.Shared });
                    if (length == 0)
                        continue; // There, 0 means all the rest.
                    using MemoryMappedViewAccessor accessor = other.CreateViewAccessor(offset, length, own ? MemoryMappedFileAccess.CopyOnWrite : MemoryMappedFileAccess.ReadWrite);
                    byte[] bytes = [.. Enumerable.Range(0, Math.Max(0, length - at)).Select(i => (byte)(value + i))];
                    int start = length - bytes.Length;
                    Write(view, start, bytes, way);
                    if (bytes.Length != 0)
                        accessor.WriteArray(start, bytes, 0, bytes.Length);
                    byte[] read = new byte[length];
                    accessor.ReadArray(0, read, 0, length);
                    if (!view.GetReadOnlySpan(0, length).SequenceEqual(read) || (length >= 8 && view.Read<long>(length - 8) != accessor.ReadInt64(length - 8)))
                        return false;
                }
            }

            return File.ReadAllBytes(ours).AsSpan().SequenceEqual(File.ReadAllBytes(theirs));
        }).QuickCheckThrowOnFailure();
    }

    private static void Write(MappedView view, int at, byte[] bytes, int way)
    {
        switch (way)
        {
            case 0:
                bytes.CopyTo(view.GetSpan(at, bytes.Length));
                break;
            case 1:
                bytes.CopyTo(view.GetMemory(at, bytes.Length));
                break;
            case 2:
                view.WriteSafely(at, bytes);
                break;
            case 3:
                view.CopyFrom(at, bytes);
                break;
            default:
                for (int i = 0; i < bytes.Length; i++)
                    view.Write(at + i, bytes[i]);
                break;
        }
    }

    private static Gen<(long Offset, long Length, long Page)> Ranges() =>
        from page in Gen.Elements(s_pageSizes)
        from offset in Numbers()
        from length in Numbers()
        select (offset, length, page);

    // Near the borders of pages, and anywhere up to 2^44.
    private static Gen<long> Numbers() =>
        from page in Gen.Elements(s_pageSizes)
        from pages in Gen.Choose(0, 16_000)
        from near in Gen.Choose(-2, 2)
        from any in Gen.Choose(0, int.MaxValue)
        from pick in Gen.Choose(0, 2)
        select pick == 0 ? any : Math.Max(0, (page * pages) + near);
}
