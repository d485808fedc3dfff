using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>Holes stay holes, and nothing else becomes one.</summary>
public sealed class CopySparseTests : IDisposable
{
    private readonly CopyFolder _disk = new();
    private readonly CopyFolder _memory = new("/dev/shm");

    public void Dispose()
    {
        _disk.Dispose();
        _memory.Dispose();
    }

    [Theory]
    [MemberData(nameof(CopyEngineTests.Engines), MemberType = typeof(CopyEngineTests))]
    public void Leading_trailing_and_inner_holes_are_kept(CopyEngine engine)
    {
        const int Mib = 1 << 20;
        foreach (CopyFolder folder in new[] { _disk, _memory })
        {
            folder.WriteSparse("source", 12 * Mib + 77, (2 * Mib, 70_000), (5 * Mib + 4096, 1), (7 * Mib, 2 * Mib));
            FileCopyResult result = FileCopier.Copy(folder["source"], folder["copy"], new FileCopyOptions { Engine = engine, Verify = true });
            folder.AssertSame("source", "copy");
            Assert.Equal(folder.AllocatedBytes("source"), folder.AllocatedBytes("copy"));
            Assert.Equal(7, result.Extents.Count);
            Assert.Equal(12 * Mib + 77, result.BytesCopied + result.HoleBytes);
            Assert.InRange(result.BytesCopied, 2 * Mib + 70_001, 2 * Mib + 200_000);

            folder.WriteSparse("hole", 3 * Mib + 1);
            FileCopier.Copy(folder["hole"], folder["hole2"], new FileCopyOptions { Engine = engine });
            folder.AssertSame("hole", "hole2");
            Assert.Equal(0, folder.AllocatedBytes("hole2"));
        }
    }

    [Fact]
    public void A_file_far_longer_than_one_call_moves_is_copied_in_no_time()
    {
        const long Length = (5L << 30) + 3;
        _memory.WriteSparse("source", Length, (0, 1), (0x7ffff000, 8192), (Length - 1, 1));
        FileCopyResult result = FileCopier.Copy(_memory["source"], _memory["copy"]);
        Assert.Equal(Length, result.Length);
        Assert.Equal(_memory.AllocatedBytes("source"), _memory.AllocatedBytes("copy"));
        Assert.Equal(3, result.Extents.Count(e => e.Kind == CopyExtentKind.Data));
    }

    [Fact]
    public void What_an_old_destination_had_does_not_shine_through_the_holes()
    {
        foreach (CopyEngine engine in CopyEngineTests.Engines.Select(row => row.Data))
        {
            _disk.Write("copy", 3 << 20);
            _disk.WriteSparse("source", 2 << 20, (1 << 20, 5));
            FileCopier.Copy(_disk["source"], _disk["copy"], new FileCopyOptions { Engine = engine });
            _disk.AssertSame("source", "copy");
            Assert.Equal(_disk.AllocatedBytes("source"), _disk.AllocatedBytes("copy"));
        }
    }

    [Fact]
    public void Zeros_become_holes_where_that_is_asked_for_and_holes_zeros()
    {
        byte[] content = new byte[1_000_000];
        content[5] = 1;
        content[500_000] = 1;
        File.WriteAllBytes(_memory["source"], content);
        foreach (CopyEngine engine in new[] { CopyEngine.Auto, CopyEngine.ReadWrite })
        {
            FileCopyResult dense = FileCopier.Copy(_memory["source"], _memory["sparse"], new FileCopyOptions { Sparse = SparseMode.Always, Engine = engine, BufferLength = 10_000 });
            Assert.Equal(content, File.ReadAllBytes(_memory["sparse"]));
            Assert.Equal(2 * Environment.SystemPageSize, _memory.AllocatedBytes("sparse"));
            Assert.Equal(2 * Environment.SystemPageSize, dense.BytesCopied);
            Assert.Equal(content.Length - dense.BytesCopied, dense.HoleBytes);
        }
        foreach (CopyEngine engine in CopyEngineTests.Engines.Select(row => row.Data))
        {
            FileCopier.Copy(_memory["sparse"], _memory["dense"], new FileCopyOptions { Sparse = SparseMode.Never, Engine = engine });
            Assert.Equal(content, File.ReadAllBytes(_memory["dense"]));
            Assert.InRange(_memory.AllocatedBytes("dense"), content.Length, content.Length + Environment.SystemPageSize);
        }
    }

    /// <summary>Any layout, by any engine, with any window: the same bytes, the same holes, and extents that cover the file without a gap.</summary>
    [Fact]
    public void Any_layout_is_copied_by_any_engine()
    {
        Gen<(long Offset, int Length)> piece = from page in Gen.Choose(0, 200) from skew in Gen.Choose(0, 4095) from length in Gen.Choose(1, 60_000) select ((page * 4096L) + skew, length);
        Gen<(int Tail, (long, int)[] Pieces, CopyEngine Engine, int Window, int Buffer, int Count, bool Sparse)> layout =
            from tail in Gen.Choose(0, 100_000)
            from pieces in Gen.ArrayOf(piece, 6)
            from engine in Gen.Elements(CopyEngine.Auto, CopyEngine.CopyRange, CopyEngine.Mapped, CopyEngine.Vectored, CopyEngine.ReadWrite, CopyEngine.Parallel)
            from window in Gen.Choose(1, 400_000)
            from buffer in Gen.Choose(1, 50_000)
            from count in Gen.Choose(1, 1200)
            from sparse in Gen.Elements(true, false)
            select (tail, pieces, engine, window, buffer, count, sparse);
        Prop.ForAll(layout.ToArbitrary(), l =>
        {
            long end = l.Pieces.Select(p => p.Item1 + p.Item2).DefaultIfEmpty(0).Max();
            _memory.WriteSparse("source", end + l.Tail, l.Pieces);
            FileCopyOptions options = new()
            {
                Engine = l.Engine, WindowLength = l.Window, BufferLength = l.Buffer, BufferCount = l.Count, Verify = true, Sparse = l.Sparse ? SparseMode.Auto : SparseMode.Never,
            };
            FileCopyResult result = FileCopier.Copy(_memory["source"], _memory["copy"], options);
            long at = 0;
            foreach (CopyExtent extent in result.Extents)
            {
                Assert.Equal(at, extent.Offset);
                Assert.True(extent.Length > 0);
                at += extent.Length;
            }
            Assert.Equal(result.Length, at);
            Assert.Equal(end + l.Tail, result.Length);
            Assert.True(File.ReadAllBytes(_memory["source"]).AsSpan().SequenceEqual(File.ReadAllBytes(_memory["copy"])));
            if (l.Sparse)
                Assert.Equal(_memory.AllocatedBytes("source"), _memory.AllocatedBytes("copy"));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(150));
    }
}
