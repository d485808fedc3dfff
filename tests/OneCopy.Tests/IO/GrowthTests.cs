using OneCopy.Interop;
using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>Growth: stable addresses, real blocks, and file systems that have none left or cannot allocate.</summary>
public sealed class GrowthTests
{
    private static readonly int s_page = Environment.SystemPageSize;

    [Fact]
    public void A_view_grows_at_the_same_addresses()
    {
        using TestFolder folder = new();
        using MappedFile file = MappedFile.Create(folder.File(), 0);
        using MappedView view = file.MapGrowable(100, 0, 1L << 40, new MapOptions { Grow = true });
        nuint address = view.Address;
        Assert.Equal((0L, 1L << 40, 100L), (view.Length, view.MaxLength, view.FileOffset!.Value));
        Assert.Throws<ArgumentOutOfRangeException>(() => view.Read<byte>(0));
        view.Grow(10);
        view.Write(2, 5L);
        MappedSpan early = view.Pin(0, 10);
        Memory<byte> memory = view.GetMemory(0, 10);
        foreach (int length in (int[])[s_page - 100, s_page - 99, s_page, 3 * s_page, 1 << 20, (1 << 20) + 1, 64 << 20])
        {
            view.Grow(length);
            Assert.Equal((address, length, length + 100), (view.Address, (int)view.Length, (int)file.Length));
            view.Write(length - 1, (byte)1);
            Assert.Equal(1, view.GetSpan(0, length)[^1]);
        }

        Assert.True(view.IsGuarded);
        Assert.Equal(5, early.Span[2]);
        Assert.Equal(5, memory.Span[2]);
        early.Dispose();
        Stat.Of(file.Name, out statx status);
        Assert.True(status.stx_blocks * 512 >= 64 << 20);
        Assert.Throws<ArgumentOutOfRangeException>(() => view.Grow(100));
        Assert.Throws<ArgumentOutOfRangeException>(() => view.Grow((1L << 40) + 1));
        using MappedView fixedView = file.Map();
        Assert.Throws<NotSupportedException>(() => fixedView.Grow(1));
        Assert.Throws<ArgumentException>(() => file.MapGrowable(0, 0, 100, new MapOptions { Sharing = MapSharing.Private }));
    }

    [Fact]
    public void A_reader_grows_over_what_others_append()
    {
        using TestFolder folder = new();
        using MappedFile file = MappedFile.Open(folder.Pattern(100));
        using MappedView view = file.MapGrowable(0, 100, 1 << 20);
        Assert.Throws<ArgumentOutOfRangeException>(() => view.Grow(101));
        File.AppendAllText(file.Name, new string('x', 2 * s_page));
        view.Grow(file.Length);
        Assert.Equal((byte)'x', view.Read<byte>(file.Length - 1));
        using ChildProcess other = ChildProcess.StartProgram("truncate", "-s", "100", file.Name);
        other.Finish();
        Assert.Equal(0, view.GetReadOnlySpan(0, (int)view.Length)[^1]); // The guard is as long as the view.
        Assert.True(view.IsDamaged);
        Assert.Throws<MappedFileFaultException>(() => view.Grow(view.Length + 1));
        Assert.Equal(TestFolder.At(5), view.Read<byte>(5));
    }

    [Fact]
    public void Growth_does_not_hide_that_the_file_was_cut()
    {
        using TestFolder folder = new();
        using MappedFile file = MappedFile.Open(folder.Pattern(3 * s_page), MapAccess.ReadWrite);
        using MappedView view = file.MapGrowable(100, (3 * s_page) - 100, 1 << 20);
        using ChildProcess other = ChildProcess.StartProgram("truncate", "-s", "5000", file.Name);
        other.Finish();
        MappedFileFaultException e = Assert.Throws<MappedFileFaultException>(() => view.Grow(5 * s_page));
        Assert.Equal((4900L, 5000L, 5000L, (3L * s_page) - 100), (e.ViewOffset, e.FileOffset, file.Length, view.Length));
    }

    [Fact]
    public void New_pages_allow_what_the_view_was_mapped_for_whatever_was_changed_since()
    {
        using TestFolder folder = new();
        using MappedFile file = MappedFile.Open(folder.Pattern(s_page), MapAccess.ReadWrite);
        using MappedView view = file.MapGrowable(0, s_page, 1 << 20, new MapOptions { Access = MapAccess.Read });
        view.Protect(MapAccess.ReadWrite);
        view.Write(0, 5L);
        view.Grow(2 * s_page);
        Assert.Throws<MappedFileFaultException>(() => view.Write(s_page, 5L));
        view.Write(0, 6L);
        view.Protect(MapAccess.ReadWrite);
        view.Write(s_page, 5L);
    }

    [Theory]
    [InlineData("tmpfs")]
    [InlineData("ext4")]
    public void A_full_file_system_is_an_exception_and_nothing_has_changed(string type)
    {
        using SmallFileSystem small = new(type, 16 << 20);
        using MappedFile file = MappedFile.Create(Path.Combine(small.Path, "file"), 1 << 20);
        using MappedView view = file.MapGrowable(0, 1 << 20, 1L << 40);
        view.Write((1 << 20) - 8, 7L);
        OneCopyException e = Assert.Throws<OneCopyException>(() => view.Grow(100 << 20));
        Assert.Equal((Errno.ENOSPC, "fallocate"), (e.Errno, e.Call));
        Assert.Equal((1L << 20, 1L << 20), (view.Length, file.Length));
        Assert.Equal(Errno.ENOSPC, Assert.Throws<OneCopyException>(() => file.SetLength(100 << 20)).Errno);
        Assert.Equal(Errno.ENOSPC, Assert.Throws<OneCopyException>(() => file.Map(0, 100 << 20, new MapOptions { Grow = true })).Errno);
        Assert.Equal(Errno.ENOSPC, Assert.Throws<OneCopyException>(() => MappedFile.Create(Path.Combine(small.Path, "other"), 100 << 20)).Errno);
        Assert.Equal("file", Path.GetFileName(Assert.Single(Directory.GetFiles(small.Path))));

        // All that there was is there still: blocks that were had on the way were given back, so that another file can have them.
        string second = Path.Combine(small.Path, "second");
        MappedFile.Create(second, 10 << 20).Dispose();
        File.Delete(second);
        view.Grow(8 << 20);
        for (int i = 0; i < 8 << 20; i += s_page)
            view.Write(i, (byte)1);
        Assert.Equal((7L, false), (view.Read<long>((1 << 20) - 8), view.IsDamaged));
    }

    [Fact]
    public void A_hole_on_a_full_file_system_is_found_by_populating_and_by_the_guard()
    {
        using SmallFileSystem small = new("tmpfs", 1 << 20);
        using MappedFile file = MappedFile.Create(Path.Combine(small.Path, "file"), 8 << 20, allocate: false);
        using MappedView view = file.Map();
        MappedFileFaultException e = Assert.Throws<MappedFileFaultException>(() => view.Populate(0, view.Length, forWriting: true));
        Assert.InRange(e.ViewOffset, 512 << 10, 1 << 20);
        Assert.Throws<MappedFileFaultException>(() => view.WriteSafely(4 << 20, [1]));
        Assert.False(view.IsDamaged);
        view.GetSpan(0, 8 << 20)[4 << 20] = 1;
        Assert.True(view.IsDamaged);
    }

    [Fact]
    public void A_file_system_that_cannot_allocate_gets_zeros_written()
    {
        using SmallFileSystem small = new("ramfs", 1 << 20);
        using MappedFile file = MappedFile.Create(Path.Combine(small.Path, "file"), 100);
        using MappedView view = file.MapGrowable(0, 100, 1 << 30);
        view.GetSpan(0, 100).Fill(7);
        view.Grow(3 << 20);
        Assert.Equal((7, 0, 3L << 20), (view.Read<byte>(99), view.Read<byte>(100), file.Length));
        view.Write((3 << 20) - 1, (byte)1);
    }

    [Fact]
    public async Task Two_processes_grow_one_file_on_a_file_system_that_fills_up_and_lose_nothing()
    {
        using SmallFileSystem small = new("ext4", 16 << 20);
        string path = Path.Combine(small.Path, "file");
        MappedFile.Create(path, 0).Dispose();
        ChildProcess[] growers = [ChildProcess.Start("map-grow", path, "1500", "4096"), ChildProcess.Start("map-grow", path, "300", $"{1 << 30}")];
        try
        {
            foreach (ChildProcess grower in growers)
                Assert.Equal("ready", await grower.ReadLineAsync());
            foreach (ChildProcess grower in growers)
                grower.WriteLine("");
            int[] failed = new int[2];
            for (int i = 0; i < 2; i++)
            {
                string[] said = (await growers[i].ReadLineAsync()).Split(' ');
                failed[i] = int.Parse(said[1]);
                Assert.Equal(("True", "False"), (said[2], said[3]));
            }

            Assert.Equal(300, failed[1]);
            Assert.Equal(1500 * 4096, new FileInfo(path).Length);
        }
        finally
        {
            foreach (ChildProcess grower in growers)
                grower.Dispose();
        }
    }
}
