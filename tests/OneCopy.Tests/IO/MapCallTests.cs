using OneCopy.Interop;
using OneCopy.Memory;
using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>Each call behind a view, against its manual page.</summary>
public sealed class MapCallTests : IDisposable
{
    private static readonly int s_page = Environment.SystemPageSize;
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Munmap_takes_exactly_the_view()
    {
        using MappedFile file = MappedFile.Open(_folder.Pattern(5 * s_page));
        MappedView view = file.Map(s_page + 100, 2 * s_page);
        nuint address = view.Address;
        Assert.Equal(_folder.File(), RegionAt(address)!.Path!);
        Assert.Equal((nuint)100, address % (nuint)s_page);
        view.Dispose();
        Assert.False(string.Equals(_folder.File(), RegionAt(address)?.Path, StringComparison.Ordinal));
    }

    [Fact]
    public void A_wished_address_is_had_or_refused_and_replaces_nothing()
    {
        using MappedFile file = MappedFile.Open(_folder.Pattern(5 * s_page));
        nuint free;
        using (MappedView view = file.Map(10, 2 * s_page))
        {
            free = view.Address;
            OneCopyException e = Assert.Throws<OneCopyException>(() => file.Map(10, 100, new MapOptions { Address = free }));
            Assert.Equal(("mmap", Errno.EEXIST), (e.Call, e.Errno));
            Assert.Equal(TestFolder.At(10), view.Read<byte>(0));
        }

        using MappedView again = file.Map(10, 100, new MapOptions { Address = free });
        Assert.Equal(free, again.Address);
        Assert.Throws<ArgumentException>(() => file.Map(11, 100, new MapOptions { Address = free }));
    }

    [Theory]
    [InlineData(MapAccess.Read)]
    [InlineData(MapAccess.None)]
    public async Task Mprotect_makes_a_span_fault_in_a_real_process(MapAccess access)
    {
        using ChildProcess child = ChildProcess.Start("map-write-protected", _folder.Pattern(3 * s_page), $"{access}");
        Assert.Equal("writing", await child.ReadLineAsync());
        Assert.Equal(128 + 6, child.WaitForExit()); // SIGSEGV, which the runtime turns into its own end.
        Eventually.True(() => child.Error.Contains("AccessViolationException", StringComparison.Ordinal), "the runtime says why");
        Assert.Equal(TestFolder.At(s_page), File.ReadAllBytes(_folder.File())[s_page]);
        Assert.Equal(1, File.ReadAllBytes(_folder.File())[0]);
    }

    [Fact]
    public void Mprotect_makes_the_methods_throw_and_works_on_the_pages_of_the_range()
    {
        using MappedFile file = MappedFile.Open(_folder.Pattern(4 * s_page), MapAccess.ReadWrite);
        using MappedView view = file.Map(100, 3 * s_page);
        view.Protect(s_page, 1, MapAccess.Read); // Of the file's second page.
        MappedFileFaultException e = Assert.Throws<MappedFileFaultException>(() => view.Write(s_page - 100, 1));
        Assert.Equal((s_page - 100L, s_page, 0L, Errno.EFAULT), (e.ViewOffset, e.FileOffset, e.BytesTransferred, e.Errno));
        Assert.False(view.TryWriteSafely(s_page - 104, new byte[8], out int written));
        Assert.Equal(4, written);
        Assert.Throws<MappedFileFaultException>(() => view.CopyFrom(0, new byte[2 * s_page]));
        view.Write(2 * s_page - 100, 1);
        Assert.Equal(TestFolder.At(s_page), view.Read<byte>(s_page - 100));
        view.Protect(s_page, 1, MapAccess.None);
        Assert.Throws<MappedFileFaultException>(() => view.Read<byte>(s_page - 100));
        Assert.Throws<MappedFileFaultException>(() => view.CopyTo(0, new byte[2 * s_page]));
        view.Protect(MapAccess.Read);
        Assert.Equal(TestFolder.At(s_page), view.Read<byte>(s_page - 100));
        Assert.Throws<MappedFileFaultException>(() => view.Write(0, 1));
        Assert.Throws<NotSupportedException>(() => view.GetSpan(0, 1).Length);
        view.Protect(MapAccess.ReadWrite);
        view.Write(0, 1);
        Assert.False(view.IsDamaged);
        Assert.Throws<ArgumentException>(() => view.Protect((MapAccess)8));

        using MappedFile readOnly = MappedFile.Open(file.Name);
        using MappedView reading = readOnly.Map();
        Assert.Equal(("mprotect", Errno.EACCES), CallOf(() => reading.Protect(MapAccess.ReadWrite)));
    }

    [Fact]
    public void Execution_is_permitted_where_it_is_asked_for()
    {
        using MappedView code = MappedView.CreateAnonymous(s_page);
        code.CopyFrom(0, [0xb8, 42, 0, 0, 0, 0xc3]); // mov eax, 42; ret
        code.Protect(MapAccess.Read | MapAccess.Execute);
        Assert.Equal(MemoryProtection.Read | MemoryProtection.Execute, RegionAt(code.Address)!.Protection);
        if (System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64)
            Assert.Equal(42, Call(code.Address));
        using MappedFile file = MappedFile.Open(_folder.Pattern(100), MapAccess.Read | MapAccess.Execute);
        using MappedView view = file.Map();
        Assert.False(view.IsGuarded);
        Assert.Equal(TestFolder.At(3), view.Read<byte>(3));
        static unsafe int Call(nuint address) => ((delegate* unmanaged<int>)address)();
    }

    [Fact]
    public void Msync_with_invalidate_is_refused_for_locked_pages_and_a_plain_one_is_not()
    {
        using MappedFile file = MappedFile.Open(_folder.Pattern(2 * s_page), MapAccess.ReadWrite);
        using MappedView view = file.Map(100, s_page);
        view.Lock(0, 1);
        view.Flush();
        Assert.Equal(("msync", Errno.EBUSY), CallOf(() => view.Flush(FlushMode.Sync | FlushMode.Invalidate)));
        view.Unlock(0, 1);
        view.Flush(FlushMode.Sync | FlushMode.Invalidate);
        view.Flush(0, 0);
        Assert.Throws<ArgumentException>(() => view.Flush(FlushMode.Sync | FlushMode.Async));
        Assert.Throws<ArgumentException>(() => view.Flush(default));
        Assert.Throws<ArgumentOutOfRangeException>(() => view.Flush(1, s_page));
    }

    [Fact]
    public void Mlock_brings_pages_in_and_keeps_them()
    {
        using MappedView view = MappedView.CreateAnonymous(4 * s_page);
        Assert.Equal(0, view.CountResidentPages(0, 4 * s_page));
        view.Lock(s_page + 5, 1);
        Assert.Equal($"{s_page / 1024} kB", MemfdTests.SmapsOf(view.Address + (nuint)s_page)["Locked"]);
        Assert.Equal(("madvise", Errno.EINVAL), CallOf(() => view.Discard(0, 4 * s_page, DestructiveAdvice.DontNeed)));
        view.Unlock(0, 4 * s_page);
        view.Discard(0, 4 * s_page, DestructiveAdvice.DontNeed);
        using MappedView locked = MappedView.CreateAnonymous(4 * s_page, new MapOptions { Lock = true });
        Assert.Equal(4, locked.CountResidentPages(0, 4 * s_page));
    }

    [Fact]
    public void Mincore_says_which_pages_are_in_memory()
    {
        using MappedView view = MappedView.CreateAnonymous(3000L * s_page);
        view.Write(1500 * s_page, 1);
        view.Write(7, (byte)1);
        view.Write((2999 * s_page) + 9, (byte)1);
        Assert.Equal(3, view.CountResidentPages(0, view.Length));
        bool[] pages = new bool[3000];
        view.GetResidency(0, view.Length, pages);
        Assert.Equal([0, 1500, 2999], pages.Index().Where(p => p.Item).Select(p => p.Index));
        view.GetResidency(1500 * s_page - 1, 2, pages);
        Assert.Equal([false, true], pages[..2]);
        Assert.Equal((2, 1), (view.CountPages(1500 * s_page - 1, 2), view.CountResidentPages(1500 * s_page - 1, 2)));
        Assert.Throws<ArgumentException>(() => view.GetResidency(0, s_page + 1, new bool[1]));
    }

    [Fact]
    public void Advice_changes_no_byte()
    {
        using MappedFile file = MappedFile.Open(_folder.Pattern(64 * s_page), MapAccess.ReadWrite);
        using MappedView view = file.Map(10, 60 * s_page);
        byte[] before = view.GetSpan(0, (int)view.Length).ToArray();
        List<MapAdvice> unknown = [];
        foreach (MapAdvice advice in Enum.GetValues<MapAdvice>())
        {
            try
            {
                view.Advise(advice);
                view.Advise(5, 1, advice);
            }
            catch (OneCopyException e) when (e.Errno is Errno.EINVAL or Errno.ENOMEM or Errno.EAGAIN && advice is MapAdvice.Mergeable or MapAdvice.Unmergeable or MapAdvice.HugePage or MapAdvice.NoHugePage or MapAdvice.Collapse)
            {
                unknown.Add(advice); // What this kernel was built without, or has no such pages for.
            }
        }

        Assert.Equal(before, view.GetSpan(0, (int)view.Length).ToArray());
        Assert.Throws<ArgumentException>(() => view.Advise((MapAdvice)DestructiveAdvice.DontNeed));
        Assert.Throws<ArgumentException>(() => view.Advise((MapAdvice)22));
    }

    [Fact]
    public void The_advice_that_is_known_is_what_has_a_name()
    {
        for (int i = -2; i < 300; i++)
        {
            Assert.Equal(Enum.IsDefined((MapAdvice)i), ((MapAdvice)i).IsKnown());
            Assert.Equal(Enum.IsDefined((DestructiveAdvice)i), ((DestructiveAdvice)i).IsKnown());
        }
    }

    [Fact]
    public void Discarding_destroys_whole_pages_of_the_range_and_no_neighbour()
    {
        using MappedFile file = MappedFile.Open(_folder.Pattern(6 * s_page), MapAccess.ReadWrite);
        using MappedView own = file.Map(100, 5 * s_page, new MapOptions { Sharing = MapSharing.Private });
        own.GetSpan(0, (int)own.Length).Fill(9);
        Assert.Equal(2 * s_page, own.Discard(s_page - 101, 2 * s_page + 2, DestructiveAdvice.DontNeed));
        Assert.Equal((9, TestFolder.At(s_page), TestFolder.At((3 * s_page) - 1), 9), (own.Read<byte>(s_page - 101), own.Read<byte>(s_page - 100), own.Read<byte>((3 * s_page) - 101), own.Read<byte>((3 * s_page) - 100)));
        Assert.Equal(0, own.Discard(1, s_page - 2, DestructiveAdvice.DontNeed));
        Assert.Throws<ArgumentException>(() => own.Discard(0, 1, (DestructiveAdvice)MapAdvice.Normal));
        Assert.Equal(("madvise", Errno.EINVAL), CallOf(() => own.Discard(0, 5 * s_page, DestructiveAdvice.Free)));

        using MappedView shared = file.Map();
        Assert.Equal(s_page, shared.Discard(s_page, s_page, DestructiveAdvice.Remove));
        Assert.Equal((TestFolder.At(s_page - 1), 0, TestFolder.At(2 * s_page)), (shared.Read<byte>(s_page - 1), shared.Read<byte>(s_page), shared.Read<byte>(2 * s_page)));
        Assert.Equal(6 * s_page, file.Length);
    }

    [Fact]
    public void Populating_validates_in_advance()
    {
        using MappedFile file = MappedFile.Open(_folder.Pattern(10 * s_page), MapAccess.ReadWrite);
        using MappedView view = file.Map(100, (10 * s_page) - 100);
        view.Populate(0, view.Length);
        view.Populate(0, view.Length, forWriting: true);
        Assert.Equal(TestFolder.At(100), view.Read<byte>(0));
        RandomAccess.SetLength(file.Handle, (7 * s_page) + 1);
        MappedFileFaultException e = Assert.Throws<MappedFileFaultException>(() => view.Populate(5, view.Length - 5));
        Assert.Equal(((8L * s_page) - 100, 8L * s_page, "madvise"), (e.ViewOffset, e.FileOffset, e.Call));
        e = Assert.Throws<MappedFileFaultException>(() => view.Populate((9 * s_page) + 7, 1, forWriting: true));
        Assert.Equal((9L * s_page) + 7, e.ViewOffset);
        view.Populate(0, (8 * s_page) - 100);
        Assert.False(view.IsDamaged);
        using MappedView populated = file.Map(0, file.Length, new MapOptions { Populate = true });
        Assert.Equal(8, populated.CountResidentPages(0, populated.Length));
    }

    private static MemoryRegion? RegionAt(nuint address) =>
        RegionMap.TryRead(Environment.ProcessId, out RegionMap map).Succeeded ? map.Regions.FirstOrDefault(r => r.Contains(address)) : null;

    private static (string?, int) CallOf(Action action)
    {
        OneCopyException e = Assert.Throws<OneCopyException>(action);
        return (e.Call, e.Errno);
    }
}
