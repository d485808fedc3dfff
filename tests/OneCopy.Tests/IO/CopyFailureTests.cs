using OneCopy.Interop;
using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>A copy that fails, is cancelled or is killed leaves nothing that could be taken for one.</summary>
public sealed class CopyFailureTests : IDisposable
{
    private readonly CopyFolder _folder = new("/dev/shm");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_full_file_system_is_an_exception_and_no_partial_file()
    {
        using CopyFolder small = CopyFolder.Small(2 << 20);
        _folder.Write("source", 5 << 20);
        foreach (CopyEngine engine in CopyEngineTests.Engines.Select(row => row.Data).Where(engine => engine != CopyEngine.CopyRange))
        {
            foreach (bool atomic in new[] { false, true })
            {
                OneCopyException e = Assert.Throws<OneCopyException>(() => FileCopier.Copy(_folder["source"], small["copy"], new FileCopyOptions { Engine = engine, Atomic = atomic }));
                Assert.Equal("ENOSPC", e.ErrnoName);
                Assert.Contains(small["copy"], e.Message, StringComparison.Ordinal);
                Assert.Empty(small.Names());
            }
        }
    }

    [Fact]
    public void Copy_range_does_not_fall_back_where_there_is_no_room()
    {
        using CopyFolder small = CopyFolder.Small(4 << 20);
        small.Write("source", 3 << 20);
        foreach (CopyEngine engine in new[] { CopyEngine.CopyRange, CopyEngine.Auto })
        {
            OneCopyException e = Assert.Throws<OneCopyException>(() => FileCopier.Copy(small["source"], small["copy"], new FileCopyOptions { Engine = engine, Parallelism = 1 }));
            Assert.Equal(("copy_file_range", "ENOSPC"), (e.Call, e.ErrnoName));
            Assert.Equal(["source"], small.Names());
        }
    }

    /// <summary>A file system that is full in the middle of a long copy: whichever of two threads meets it, by a write or by a map.</summary>
    [Fact]
    public void Two_threads_that_find_no_room_leave_no_partial_file()
    {
        using CopyFolder small = CopyFolder.Small(30 << 20);
        _folder.Write("source", 60 << 20);
        for (int round = 0; round < 5; round++)
        {
            OneCopyException e = Assert.Throws<OneCopyException>(() => FileCopier.Copy(_folder["source"], small["copy"], new FileCopyOptions { Engine = CopyEngine.Parallel }));
            Assert.Equal(("pwrite", "ENOSPC"), (e.Call, e.ErrnoName));
            Assert.Empty(small.Names());
        }
    }

    [Theory]
    [MemberData(nameof(CopyEngineTests.Engines), MemberType = typeof(CopyEngineTests))]
    public void A_cancelled_copy_leaves_nothing(CopyEngine engine)
    {
        _folder.Write("source", 20 << 20);
        foreach (bool atomic in new[] { false, true })
        {
            using CancellationTokenSource cancel = new();
            long last = 0;
            Told canceller = new(p =>
            {
                last = p.Bytes;
                cancel.Cancel();
            });
            Assert.ThrowsAny<OperationCanceledException>(() => FileCopier.Copy(_folder["source"], _folder["copy"], new FileCopyOptions { Engine = engine, Atomic = atomic }, canceller, cancel.Token));
            Assert.InRange(last, 1, 16 << 20);
            Assert.Equal(["source"], _folder.Names());
            Assert.Equal(0, _folder.OpenDescriptors());
        }
    }

    [Fact]
    public void A_destination_reached_by_a_link_is_left_empty_and_not_half()
    {
        _folder.Write("source", 20 << 20);
        _folder.Write("target", 1000);
        File.CreateSymbolicLink(_folder["copy"], "target");
        using CancellationTokenSource cancel = new();
        Assert.ThrowsAny<OperationCanceledException>(() => FileCopier.Copy(_folder["source"], _folder["copy"], null, new Told(_ => cancel.Cancel()), cancel.Token));
        Assert.Equal(0, new FileInfo(_folder["target"]).Length);
    }

    [Fact]
    public void An_atomic_copy_that_fails_leaves_the_old_file()
    {
        _folder.Write("source", 5 << 20);
        byte[] old = _folder.Write("copy", 1000);
        using CancellationTokenSource cancel = new();
        Assert.ThrowsAny<OperationCanceledException>(
            () => FileCopier.Copy(_folder["source"], _folder["copy"], new FileCopyOptions { Atomic = true }, new Told(_ => cancel.Cancel()), cancel.Token));
        Assert.Equal(old, File.ReadAllBytes(_folder["copy"]));
        Assert.Equal(["copy", "source"], _folder.Names());
    }

    [Fact]
    public async Task A_reader_sees_the_old_file_or_the_new_one_and_never_a_part()
    {
        File.WriteAllBytes(_folder["a"], [.. Enumerable.Repeat((byte)'a', 1_000_000)]);
        File.WriteAllBytes(_folder["b"], [.. Enumerable.Repeat((byte)'b', 2_000_000)]);
        File.Copy(_folder["a"], _folder["copy"]);
        using CancellationTokenSource end = new();
        int reads = 0;
        Task reader = Task.Run(() =>
        {
            while (!end.IsCancellationRequested)
            {
                byte[] seen = File.ReadAllBytes(_folder["copy"]);
                Assert.True(seen.Length == (seen[0] == 'a' ? 1_000_000 : 2_000_000), $"{seen.Length} bytes of {(char)seen[0]}");
                Assert.Equal(-1, seen.AsSpan().IndexOfAnyExcept(seen[0]));
                Interlocked.Increment(ref reads);
            }
        });
        Eventually.True(() => Volatile.Read(ref reads) > 0 || reader.IsCompleted, "the reader reads");
        for (int i = 0; i < 60; i++)
            FileCopier.Copy(_folder[i % 2 == 0 ? "b" : "a"], _folder["copy"], new FileCopyOptions { Atomic = true });
        end.Cancel();
        await reader;
    }

    [Fact]
    public async Task A_process_killed_in_an_atomic_copy_leaves_the_old_file_alone()
    {
        _folder.Write("source", 5 << 20);
        byte[] old = _folder.Write("copy", 1000);
        using ChildProcess child = ChildProcess.Start("copy-and-wait", _folder["source"], _folder["copy"], "atomic");
        Assert.Equal("copying", await child.ReadLineAsync());
        child.Kill();
        Assert.Equal(old, File.ReadAllBytes(_folder["copy"]));
        Assert.Equal(["copy", "source"], _folder.Names());
    }

    [Fact]
    public async Task Until_it_is_ready_nobody_else_may_read_a_copy()
    {
        _folder.Write("source", 5 << 20);
        using ChildProcess child = ChildProcess.Start("copy-and-wait", _folder["source"], _folder["copy"], "plain");
        Assert.Equal("copying", await child.ReadLineAsync());
        Assert.Equal(0x180u, _folder.StatusOf("copy").stx_mode & 0xFFFu);
        child.WriteLine("");
        Assert.Equal("copied", await child.ReadLineAsync());
        Assert.Equal(_folder.StatusOf("source").stx_mode, _folder.StatusOf("copy").stx_mode);
        child.Finish();
    }

    /// <summary>The copy is damaged behind the copier's back: the comparison says where.</summary>
    [Fact]
    public void Verification_finds_a_wrong_byte_and_takes_the_copy_away()
    {
        _folder.Write("source", 20 << 20);
        Told vandal = new(p =>
        {
            if (p.Bytes != 20 << 20 || p.Files != 0)
                return;
            using FileStream file = new(_folder["copy"], FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            RandomAccess.Write(file.SafeFileHandle, [(byte)~ByteAt(12_345_678)], 12_345_678);
        });
        OneCopyException e = Assert.Throws<OneCopyException>(() => FileCopier.Copy(_folder["source"], _folder["copy"], new FileCopyOptions { Verify = true }, vandal));
        Assert.Contains("offset 12345678", e.Message, StringComparison.Ordinal);
        Assert.Equal(["source"], _folder.Names());

        byte ByteAt(long offset)
        {
            using FileStream file = File.OpenRead(_folder["source"]);
            byte[] one = new byte[1];
            RandomAccess.Read(file.SafeFileHandle, one, offset);
            return one[0];
        }
    }
}
