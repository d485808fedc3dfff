using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>Every engine copies every shape of file.</summary>
public sealed class CopyEngineTests : IDisposable
{
    private readonly CopyFolder _disk = new();
    private readonly CopyFolder _memory = new("/dev/shm");

    public static TheoryData<CopyEngine> Engines => [CopyEngine.Auto, CopyEngine.CopyRange, CopyEngine.Mapped, CopyEngine.Vectored, CopyEngine.ReadWrite, CopyEngine.Parallel];

    public void Dispose()
    {
        _disk.Dispose();
        _memory.Dispose();
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void Contents_are_equal_at_every_length(CopyEngine engine)
    {
        int page = Environment.SystemPageSize;
        foreach (CopyFolder folder in new[] { _disk, _memory })
        {
            foreach (int length in new[] { 0, 1, page - 1, page, page + 1, (256 << 10) - 1, 256 << 10, (256 << 10) + 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5_000_001 })
            {
                byte[] content = folder.Write("source", length);
                FileCopyResult result = FileCopier.Copy(folder["source"], folder["copy"], new FileCopyOptions { Engine = engine, WindowLength = 1 << 20, Verify = true });
                Assert.Equal(content, File.ReadAllBytes(folder["copy"]));
                Assert.Equal((length, length, 0), (result.Length, result.BytesCopied, result.HoleBytes));
                Assert.Equal(SourceChange.None, result.SourceChange);
                Assert.True(result.Verified);
                Assert.Equal(length, result.Extents.Sum(e => e.Length));
                if (engine != CopyEngine.Auto && length > 0)
                    Assert.Equal([engine], result.Engines);
            }
        }
    }

    [Theory]
    [InlineData(CopyEngine.Mapped, 1, 1, 1)]
    [InlineData(CopyEngine.Mapped, 12_288, 1, 1)]
    [InlineData(CopyEngine.Mapped, 1 << 30, 1, 1)]
    [InlineData(CopyEngine.Vectored, 1, 1, 3)]
    [InlineData(CopyEngine.Vectored, 1, 1, 1500)]
    [InlineData(CopyEngine.Vectored, 1, 70_000, 2)]
    [InlineData(CopyEngine.ReadWrite, 1, 1, 1)]
    [InlineData(CopyEngine.ReadWrite, 1, 5_000, 1)]
    public void Windows_and_buffers_may_have_any_length_and_number(CopyEngine engine, long window, long buffer, int buffers)
    {
        byte[] content = _memory.Write("source", 7_000_003);
        FileCopier.Copy(_memory["source"], _memory["copy"], new FileCopyOptions { Engine = engine, WindowLength = window, BufferLength = buffer, BufferCount = buffers });
        Assert.Equal(content, File.ReadAllBytes(_memory["copy"]));
    }

    [Fact]
    public void Auto_says_which_engine_and_why_not_the_one_before()
    {
        _disk.Write("small", 1000);
        _disk.Write("large", 1_000_000);
        CopyExtent small = Assert.Single(FileCopier.Copy(_disk["small"], _disk["a"]).Extents);
        CopyExtent large = Assert.Single(FileCopier.Copy(_disk["large"], _disk["b"]).Extents);
        if (large.Engine == CopyEngine.Clone)
            Assert.Skip("The temporary directory's file system shares extents.");
        Assert.Equal((CopyEngine.ReadWrite, CopyEngine.CopyRange), (small.Engine, large.Engine));
        Assert.Equal("clone: EOPNOTSUPP", large.Reason);
        OneCopyException e = Assert.Throws<OneCopyException>(() => FileCopier.Copy(_disk["large"], _disk["c"], new FileCopyOptions { Engine = CopyEngine.Clone }));
        Assert.Equal("EOPNOTSUPP", e.ErrnoName);
        Assert.False(File.Exists(_disk["c"]));
    }

    [Fact]
    public void Auto_takes_a_second_thread_where_it_may()
    {
        if (Environment.ProcessorCount < 2)
            Assert.Skip("Needs two processors.");
        byte[] content = _memory.Write("source", 3_000_000);
        FileCopyOptions alone = new() { Parallelism = 1 };
        Assert.Equal(CopyEngine.Parallel, FileCopier.Plan(_memory["source"], _memory["a"]).Engine);
        Assert.Equal(CopyEngine.CopyRange, FileCopier.Plan(_memory["source"], _memory["a"], alone).Engine);
        Assert.Equal(CopyEngine.Parallel, FileCopier.Copy(_memory["source"], _memory["a"]).Extents[0].Engine);
        Assert.Equal([CopyEngine.CopyRange], FileCopier.Copy(_memory["source"], _memory["b"], alone).Engines);
        Assert.Equal(content, File.ReadAllBytes(_memory["a"]));

        // Short pieces of data go the same way as those between which they are; a file that has little data does not.
        _memory.WriteSparse("sparse", 40 << 20, (0, 2 << 20), (10 << 20, 100_000), (20 << 20, 2 << 20));
        FileCopyResult result = FileCopier.Copy(_memory["sparse"], _memory["c"]);
        Assert.Equal([CopyEngine.Parallel], result.Engines);
        Assert.Equal(3, result.Extents.Count(e => e.Kind == CopyExtentKind.Data));
        _memory.AssertSame("sparse", "c");
        _memory.WriteSparse("little", 40 << 20, (0, 200_000), (10 << 20, 100_000));
        Assert.Equal([CopyEngine.CopyRange], FileCopier.Copy(_memory["little"], _memory["d"]).Engines);
    }

    [Fact]
    public void Between_two_file_systems_too()
    {
        byte[] content = _memory.Write("source", 3_000_000);
        foreach (CopyEngine engine in Engines.Select(row => row.Data).Where(engine => engine != CopyEngine.CopyRange))
        {
            FileCopyResult result = FileCopier.Copy(_memory["source"], _disk["copy"], new FileCopyOptions { Engine = engine, Parallelism = 1 });
            Assert.Equal(content, File.ReadAllBytes(_disk["copy"]));
            if (engine == CopyEngine.Auto && _disk.StatusOf(".").stx_dev_minor != _memory.StatusOf(".").stx_dev_minor)
                Assert.Equal((CopyEngine.ReadWrite, "copy-range: EXDEV"), (result.Extents[0].Engine, result.Extents[0].Reason));
        }
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void A_file_of_proc_that_says_it_has_no_bytes_is_copied_to_its_end(CopyEngine engine)
    {
        FileCopyResult result = FileCopier.Copy("/proc/self/maps", _disk["maps"], new FileCopyOptions { Engine = engine });
        Assert.InRange(result.Length, 5_000, 100_000_000);
        Assert.Contains("[stack]", File.ReadAllText(_disk["maps"]), StringComparison.Ordinal);
        FileCopier.Copy("/proc/cpuinfo", _disk["cpuinfo"], new FileCopyOptions { Engine = engine, BufferLength = 4096 });
        Assert.Contains("processor", File.ReadAllText(_disk["cpuinfo"]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_sys_is_as_long_as_what_is_in_it_and_not_as_it_says()
    {
        const string Source = "/sys/kernel/mm/transparent_hugepage/enabled";
        if (!File.Exists(Source))
            Assert.Skip($"{Source} is not there.");
        FileCopyResult result = FileCopier.Copy(Source, _disk["copy"]);
        Assert.Equal((File.ReadAllText(Source), SourceChange.None), (File.ReadAllText(_disk["copy"]), result.SourceChange));
    }

    [Fact]
    public async Task Asynchronous_copies_do_the_same()
    {
        byte[] content = _memory.Write("source", 3_000_000);
        long last = 0;
        FileCopyResult result = await FileCopier.CopyAsync(_memory["source"], _memory["copy"], progress: new Told(p => last = p.Bytes));
        Assert.Equal(content, File.ReadAllBytes(_memory["copy"]));
        Assert.Equal((content.Length, content.Length), (result.Length, last));
    }

    [Fact]
    public void What_cannot_be_meant_is_refused_before_any_call()
    {
        foreach (FileCopyOptions options in new FileCopyOptions[]
        {
            new() { WindowLength = 0 }, new() { BufferLength = 0 }, new() { BufferCount = 0 }, new() { Parallelism = -1 }, new() { Engine = (CopyEngine)9 },
            new() { Preserve = (FileMetadata)64 }, new() { Sparse = SparseMode.Always, Engine = CopyEngine.CopyRange }, new() { Sparse = SparseMode.Never, Engine = CopyEngine.Clone },
        })
        {
            Assert.ThrowsAny<ArgumentException>(() => FileCopier.Copy("/nonexistent", "/nonexistent2", options));
        }
        Assert.ThrowsAny<ArgumentException>(() => FileCopier.Copy("", "a"));
        Assert.ThrowsAny<ArgumentException>(() => FileCopier.Copy("a", "b\0c"));
    }

    [Fact]
    public void Without_use_for_the_page_cache_and_with_every_durability()
    {
        byte[] content = _disk.Write("source", 600_000);
        foreach (CopyDurability durability in Enum.GetValues<CopyDurability>())
        {
            foreach (bool atomic in new[] { false, true })
            {
                FileCopyResult result = FileCopier.Copy(
                    _disk["source"], _disk["copy"], new FileCopyOptions { Durability = durability, Atomic = atomic, DontCache = true, Verify = true });
                Assert.Equal(content, File.ReadAllBytes(_disk["copy"]));
                Assert.True(result.Verified);
            }
        }
        Assert.Equal(["copy", "source"], _disk.Names());
    }
}
