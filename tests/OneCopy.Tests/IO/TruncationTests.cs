using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>Another process truncates a file under a view.</summary>
public sealed class TruncationTests
{
    private static readonly int s_page = Environment.SystemPageSize;

    public static TheoryData<string> Folders => [Path.GetTempPath(), "/dev/shm"];

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_safe_copy_says_where_the_file_ends_and_a_guarded_view_reads_zeros(string below)
    {
        using TestFolder folder = new(below);
        using MappedFile file = MappedFile.Open(folder.Pattern(8 * s_page), MapAccess.ReadWrite);
        using MappedView view = file.Map(s_page + 100, (6 * s_page) - 100);
        byte[] bytes = new byte[view.Length];
        view.ReadSafely(0, bytes);
        Truncate(file, (3 * s_page) + 10);

        // The page of the file's end is there, zeros behind the end; the next one is not.
        long first = (4 * s_page) - s_page - 100;
        MappedFileFaultException e = Assert.Throws<MappedFileFaultException>(() => view.ReadSafely(50, bytes.AsSpan(50)));
        Assert.Equal((first, 4L * s_page, first - 50), (e.ViewOffset, e.FileOffset, e.BytesTransferred));
        Assert.False(view.TryReadSafely(0, bytes, out int read));
        Assert.Equal(first, read);
        Assert.Equal((TestFolder.At((3 * s_page) + 9), 0), (bytes[(2 * s_page) - 100 + 9], bytes[(2 * s_page) - 100 + 10]));
        Assert.False(view.TryWriteSafely(first - 8, new byte[16], out int written));
        Assert.Equal(8, written);
        e = Assert.Throws<MappedFileFaultException>(() => view.WriteSafely(view.Length - 1, [1]));
        Assert.Equal(view.Length - 1, e.ViewOffset);
        Assert.False(view.IsDamaged); // Nobody touched it.

        Assert.Equal(0, view.GetReadOnlySpan(0, (int)view.Length)[^1]);
        Assert.True(view.IsDamaged);
        long damaged = (7 * s_page) - 1 - ((7 * s_page) - 1) % s_page - s_page - 100;
        Assert.Equal(damaged, Assert.Throws<MappedFileFaultException>(view.ThrowIfDamaged).ViewOffset);
        Assert.Equal(TestFolder.At(s_page + 100), view.Read<byte>(0));
        Assert.Throws<MappedFileFaultException>(() => view.Read<byte>(damaged));
        Assert.Throws<MappedFileFaultException>(() => view.ReadSafely(damaged, new byte[1]));
        Assert.Throws<MappedFileFaultException>(() => view.Write(damaged, (byte)1));
        Assert.Throws<MappedFileFaultException>(() => view.Populate(0, view.Length));
        Assert.Throws<MappedFileFaultException>(() => view.CopyTo(first, new byte[1])); // Lost, and not touched before.
        Assert.Equal(first, Assert.Throws<MappedFileFaultException>(view.ThrowIfDamaged).ViewOffset);
        Assert.False(view.TryReadSafely(first - 8, new byte[16], out read));
        Assert.Equal(8, read);
        view.Write(0, 7);
        Assert.Equal(7, view.Read<int>(0));

        using MappedView again = file.Map();
        Assert.False(again.IsDamaged);
    }

    [Theory]
    [InlineData("span", "0 True")]
    [InlineData("value", "fault 4096 True")]
    [InlineData("copy", "fault 4096 True")]
    [InlineData("safe", "fault 4096 False")]
    public async Task A_guarded_view_lives_through_every_access(string access, string said) => Assert.Equal((said, 0), await Lose(access, "guarded"));

    [Theory]
    [InlineData("value", "fault 4096 False")]
    [InlineData("copy", "fault 4096 False")]
    [InlineData("safe", "fault 4096 False")]
    public async Task Without_a_guard_the_methods_do(string access, string said) => Assert.Equal((said, 0), await Lose(access, "unguarded"));

    [Fact]
    public async Task With_all_places_of_the_guard_used_up_the_methods_are_safe_still()
    {
        using TestFolder folder = new("/dev/shm");
        if (int.Parse(File.ReadAllText("/proc/sys/vm/max_map_count")) < 60_000)
            Assert.Skip("vm.max_map_count is too small for so many views.");
        using ChildProcess child = ChildProcess.Start("map-many", folder.Pattern(10), "33000");
        Assert.Equal("32768 a fault at 5 0 True False", await child.ReadLineAsync());
        child.Finish();
    }

    [Fact]
    public async Task Without_a_guard_a_span_is_the_end_of_the_process() => Assert.Equal(128 + 6, (await Lose("span", "unguarded")).Code);

    [Fact]
    public async Task Where_process_vm_calls_are_forbidden_the_copies_are_as_safe()
    {
        using TestFolder folder = new();
        using ChildProcess child = ChildProcess.Start("map-without-process-vm", folder.Pattern(3 * s_page));
        Assert.Equal($"False 2 {TestFolder.At(0)} {TestFolder.At(s_page)} 8 0", await child.ReadLineAsync());
        child.Finish();
    }

    [Fact]
    public void A_buffer_that_is_lost_itself_is_not_the_view_s_fault()
    {
        using TestFolder folder = new();
        using MappedFile file = MappedFile.Open(folder.Pattern(2 * s_page), MapAccess.ReadWrite);
        using MappedFile lost = MappedFile.Create(folder.File("lost"), 2 * s_page);
        using MappedView view = file.Map();
        using MappedView buffer = lost.Map();
        Truncate(lost, 0);
        Assert.IsType<OneCopyException>(Record.Exception(() => view.ReadSafely(0, buffer.GetSpan(0, s_page))));
        Assert.IsType<OneCopyException>(Record.Exception(() => view.WriteSafely(0, buffer.GetSpan(0, s_page))));
        Assert.False(buffer.IsDamaged);
    }

    [Fact]
    public void The_zeros_permit_what_the_lost_pages_did()
    {
        using TestFolder folder = new();
        using MappedFile file = MappedFile.Open(folder.Pattern(3 * s_page), MapAccess.ReadWrite);
        using MappedView view = file.Map(0, 3 * s_page, new MapOptions { Access = MapAccess.Read });
        view.Protect(2 * s_page, s_page, MapAccess.ReadWrite);
        Truncate(file, s_page);
        view.GetSpan(0, 3 * s_page)[2 * s_page] = 1;
        Assert.True(view.IsDamaged);
    }

    [Fact]
    public void A_private_view_loses_what_it_had_behind_the_new_end()
    {
        using TestFolder folder = new();
        using MappedFile file = MappedFile.Open(folder.Pattern(3 * s_page));
        using MappedView view = file.Map(0, 3 * s_page, new MapOptions { Sharing = MapSharing.Private, Access = MapAccess.ReadWrite });
        view.Write(0, 7L);
        view.Write(2 * s_page, 7L);
        Truncate(file, s_page);
        Assert.Throws<MappedFileFaultException>(() => view.Read<long>(2 * s_page));
        Assert.Equal(7L, view.Read<long>(0));
        Assert.True(view.IsDamaged);
    }

    private static async Task<(string Said, int Code)> Lose(string access, string guard)
    {
        using TestFolder folder = new("/dev/shm");
        using ChildProcess child = ChildProcess.Start("map-read-lost", folder.Pattern(3 * s_page), access, guard);
        Assert.Equal("mapped", await child.ReadLineAsync());
        using (MappedFile file = MappedFile.Open(folder.File(), MapAccess.ReadWrite))
            file.SetLength(s_page);
        child.WriteLine("");
        int code = child.WaitForExit();
        return (code == 0 ? await child.ReadLineAsync() : "", code);
    }

    private static void Truncate(MappedFile file, long length)
    {
        using ChildProcess other = ChildProcess.StartProgram("truncate", "-s", $"{length}", file.Name);
        other.Finish();
    }
}
