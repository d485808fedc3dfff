using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>The source changes while it is copied, by another process, at a known step of the copy.</summary>
public sealed class CopyChangeTests : IDisposable
{
    private const int Length = 20 << 20;
    private readonly CopyFolder _folder = new("/dev/shm");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(CopyEngineTests.Engines), MemberType = typeof(CopyEngineTests))]
    public void A_source_that_is_truncated_ends_the_copy_there(CopyEngine engine)
    {
        // Within the page, and so that the next step begins behind the end.
        foreach (int left in new[] { 18_000_001, 5_000 })
        {
            byte[] content = _folder.Write("source", Length);
            FileCopyResult result = CopyWith(engine, "truncate", "-s", $"{left}", _folder["source"]);
            Assert.Equal(SourceChange.Shrank, result.SourceChange);
            Assert.InRange(result.Length, left, Math.Max(left, 16 << 20));
            Assert.Equal(result.Length, new FileInfo(_folder["copy"]).Length);
            Assert.Equal(result.Length, result.Extents.Sum(e => e.Length));
            byte[] copy = File.ReadAllBytes(_folder["copy"]);
            Assert.True(copy.AsSpan().SequenceEqual(content.AsSpan(0, copy.Length)), "Bytes that were never in the source.");
        }
    }

    [Theory]
    [MemberData(nameof(CopyEngineTests.Engines), MemberType = typeof(CopyEngineTests))]
    public void A_source_that_is_appended_to_is_copied_as_far_as_it_went(CopyEngine engine)
    {
        byte[] content = _folder.Write("source", Length);
        FileCopyResult result = CopyWith(engine, "sh", "-c", $"printf more >> {_folder["source"]}");
        Assert.Equal((SourceChange.Grew, Length + 4L), (result.SourceChange, result.Length));
        Assert.True(File.ReadAllBytes(_folder["copy"]).AsSpan().SequenceEqual([.. content, .. "more"u8]));
    }

    [Fact]
    public void Whoever_appends_for_ever_does_not_keep_the_copy_for_ever()
    {
        _folder.Write("source", 1 << 20);
        FileCopyResult result = FileCopier.Copy(_folder["source"], _folder["copy"], new FileCopyOptions { Engine = CopyEngine.ReadWrite }, new Told(_ => Append()));
        Assert.Equal(SourceChange.Grew, result.SourceChange);
        Assert.InRange(result.Length, (1 << 20) + 1, new FileInfo(_folder["source"]).Length);

        void Append()
        {
            using FileStream file = new(_folder["source"], FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
            file.Write(new byte[300_000]);
        }
    }

    [Fact]
    public void A_sparse_source_that_is_truncated_in_a_hole_ends_there()
    {
        foreach (CopyEngine engine in CopyEngineTests.Engines.Select(row => row.Data))
        {
            _folder.WriteSparse("source", Length, (0, 5000), (15 << 20, 5000));
            FileCopyResult result = CopyWith(engine, "truncate", "-s", "10000001", _folder["source"]);
            Assert.Equal((SourceChange.Shrank, 10_000_001), (result.SourceChange, result.Length));
            _folder.AssertSame("source", "copy");
        }
    }

    [Fact]
    public void A_source_that_is_written_to_is_reported_and_its_comparison_is_no_failure()
    {
        _folder.Write("source", Length);
        FileCopyResult result = CopyWith(CopyEngine.Auto, "sh", "-c", $"printf XXXX | dd of={_folder["source"]} conv=notrunc status=none");
        Assert.Equal((SourceChange.Modified, false), (result.SourceChange, result.Verified));
    }

    /// <summary>The change is made between the first step of the copy and its second.</summary>
    private FileCopyResult CopyWith(CopyEngine engine, string program, params string[] arguments)
    {
        bool changed = false;
        return FileCopier.Copy(_folder["source"], _folder["copy"], new FileCopyOptions { Engine = engine, Verify = true }, new Told(_ => Change()));

        void Change()
        {
            if (!changed)
                CopyFolder.Run(program, arguments);
            changed = true;
        }
    }
}
