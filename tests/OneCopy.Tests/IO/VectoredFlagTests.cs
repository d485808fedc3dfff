using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;
using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>preadv2(2) and pwritev2(2): flags, which files know them, and what happens where they are not known.</summary>
public sealed class VectoredFlagTests
{
    private const VectoredFlags OfEveryFile = VectoredFlags.HighPriority | VectoredFlags.DataSync | VectoredFlags.Sync | VectoredFlags.Append;

    public static TheoryData<string> Kinds => ["/tmp", "/tmp appending", "/tmp write-only", "/dev/shm", "pipe", "socket", "datagram socket", "/dev/null", "/dev/zero"];

    /// <summary>The probe asks with calls that cannot do anything; here each flag is tried with one that does.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void The_probe_says_what_a_call_says(string kind)
    {
        using Subject subject = new(kind);
        if (subject.Reader is not null)
            Assert.Equal(Tried(flag => Accepted(() => subject.Read(flag))), VectoredIO.SupportedReadFlags(subject.Reader));
        Assert.Equal(Tried(flag => Accepted(() => subject.Write(flag))), VectoredIO.SupportedWriteFlags(subject.Writer));
    }

    [Fact]
    public void The_probe_moves_and_changes_nothing()
    {
        using TestFile file = new(TestFile.Pattern(10));
        DateTime before = new(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc);
        File.SetLastWriteTimeUtc(file.Path, before);
        VectoredFlags read = VectoredIO.SupportedReadFlags(file.Handle);
        VectoredFlags write = VectoredIO.SupportedWriteFlags(file.Handle);
        Assert.Equal(OfEveryFile, read & write & OfEveryFile);
        Assert.Equal(before, File.GetLastWriteTimeUtc(file.Path));
        Assert.Equal(TestFile.Pattern(10), file.Content);
        Assert.Equal(10, VectoredIO.Read(file.Handle, new byte[20])); // The position is where it was.

        using Subject datagrams = new("datagram socket");
        datagrams.Write(VectoredFlags.None);
        _ = VectoredIO.SupportedReadFlags(datagrams.Reader!);
        _ = VectoredIO.SupportedWriteFlags(datagrams.Writer);
        Assert.Equal(1, datagrams.Read(VectoredFlags.NoWait)); // The datagram is still there: one was sent by Read as well.
        Assert.Equal(1, VectoredIO.Read(datagrams.Reader!, new byte[9], VectoredFlags.NoWait));
        Assert.False(VectoredIO.TryRead(datagrams.Reader!, new byte[9], out _));

        using TestPipe pipe = new();
        VectoredIO.WriteAll(pipe.Writer, "x"u8);
        _ = VectoredIO.SupportedReadFlags(pipe.Reader);
        _ = VectoredIO.SupportedWriteFlags(pipe.Writer);
        Assert.Equal(1, VectoredIO.Read(pipe.Reader, new byte[9]));
        _ = VectoredIO.SupportedWriteFlags(pipe.Writer);
        Assert.False(IsReadable(pipe.Reader));
    }

    /// <summary>tmpfs makes a file as long as a write began that failed for want of memory to read from; so the probe does not write.</summary>
    [Theory]
    [InlineData("/tmp")]
    [InlineData("/dev/shm")]
    public void The_probe_leaves_the_file_as_long_as_it_is(string folder)
    {
        using TestFile file = new(TestFile.Pattern(10), folder);
        _ = VectoredIO.SupportedWriteFlags(file.Handle);
        using SafeFileHandle writer = SafeFd.Open(file.Path, OpenFlags.O_WRONLY);
        Assert.Equal(VectoredIO.SupportedWriteFlags(file.Handle), VectoredIO.SupportedWriteFlags(writer));
        Assert.Equal(10, RandomAccess.GetLength(file.Handle));
    }

    [Fact]
    public void Append_writes_at_the_end_and_NoAppend_at_the_offset()
    {
        using TestFile file = new("0123"u8.ToArray());
        Assert.Equal(2, VectoredIO.WriteAt(file.Handle, "ab"u8, 0, VectoredFlags.Append));
        Assert.Equal("0123ab"u8, file.Content);
        Assert.Equal(2, VectoredIO.Read(file.Handle, new byte[2])); // The position has not moved.
        VectoredIO.WriteAll(file.Handle, "c"u8, VectoredFlags.Append);
        Assert.Equal(0, VectoredIO.Read(file.Handle, new byte[2])); // Now it has.
        using SafeFileHandle appending = SafeFd.Open(file.Path, OpenFlags.O_WRONLY | 0x400);
        VectoredIO.WriteAllAt(appending, "d"u8, 0); // pwrite(2), BUGS: at the end all the same.
        Assert.Equal("0123abcd"u8, file.Content);
        if ((VectoredIO.SupportedWriteFlags(appending) & VectoredFlags.NoAppend) == VectoredFlags.None)
            Assert.Skip("This kernel has no RWF_NOAPPEND (Linux 6.9).");
        VectoredIO.WriteAllAt(appending, ["x"u8, "y"u8], 0, VectoredFlags.NoAppend);
        Assert.Equal("xy23abcd"u8, file.Content);
    }

    [Fact]
    public void A_flag_that_the_file_does_not_know_is_an_error_with_everything_in_it()
    {
        using TestFile file = new(TestFile.Pattern(10), "/dev/shm");
        VectoredIOException e = Assert.Throws<VectoredIOException>(
            () => VectoredIO.ReadAt(file.Handle, new byte[4], 0, VectoredFlags.NoWait | VectoredFlags.DontCache | VectoredFlags.HighPriority));
        Assert.Equal(("preadv2", Errno.EOPNOTSUPP, 0L, 0L), (e.Call, e.Errno, e.BytesTransferred, e.Offset));
        Assert.All(
            (string[])["NoWait, DontCache", "tmpfs", "for reading", file.Path, "VectoredFallback.Wait, DropFromCache"],
            part => Assert.Contains(part, e.Message, StringComparison.Ordinal));
        Assert.DoesNotContain("HighPriority", e.Message, StringComparison.Ordinal);

        e = Assert.Throws<VectoredIOException>(() => VectoredIO.WriteAllAt(file.Handle, "xx"u8, 0, VectoredFlags.Atomic, VectoredFallback.All));
        Assert.Contains("nothing else does the same", e.Message, StringComparison.Ordinal);
        Assert.Throws<VectoredIOException>(() => VectoredIO.ReadAt(file.Handle, new byte[4], 0, VectoredFlags.DontCache, VectoredFallback.Wait));
        Assert.Equal(TestFile.Pattern(10), file.Content);
    }

    [Fact]
    public void A_permitted_fallback_does_the_work()
    {
        using TestFile file = new(TestFile.Pattern(10), "/dev/shm");
        byte[] back = new byte[10];
        VectoredFlags all = VectoredFlags.NoWait | VectoredFlags.DontCache | VectoredFlags.HighPriority;
        VectoredIO.ReadExactlyAt(file.Handle, back, 0, all, VectoredFallback.All);
        Assert.Equal(TestFile.Pattern(10), back);
        Assert.True(VectoredIO.TryReadAt(file.Handle, back, 5, out long count, fallback: VectoredFallback.Wait));
        Assert.Equal(5, count);
        VectoredIO.WriteAllAt(file.Handle, ["a"u8, "b"u8], 0, VectoredFlags.DontCache, VectoredFallback.DropFromCache);
        VectoredIO.WriteAll(file.Handle, "c"u8, VectoredFlags.DontCache | VectoredFlags.DataSync, VectoredFallback.All);
        Assert.Equal("cb"u8, file.Content[..2]);
    }

    /// <summary>Files without an iterator of their own take none of these flags: writing zeros to the scores of the own process, for one.</summary>
    [Fact]
    public void What_syncs_nothing_is_not_synced()
    {
        using SafeFileHandle score = SafeFd.Open("/proc/self/oom_score_adj", OpenFlags.O_RDWR);
        byte[] value = new byte[20];
        int length = (int)VectoredIO.ReadAt(score, value, 0);
        Assert.Equal(VectoredFlags.None, VectoredIO.SupportedWriteFlags(score) & VectoredFlags.DataSync);
        Assert.Equal(Errno.EOPNOTSUPP, Assert.Throws<VectoredIOException>(() => VectoredIO.Write(score, value.AsSpan(0, length), VectoredFlags.DataSync)).Errno);
        Assert.Equal(length, VectoredIO.Write(score, value.AsSpan(0, length), VectoredFlags.DataSync, VectoredFallback.SyncAfterwards));
    }

    [Fact]
    public void Sync_flags_cost_a_wait_for_the_device()
    {
        using TestFile file = new(new byte[4096]);
        Requires.NotTmpfs(file.Path);
        TimeSpan plain = Median(VectoredFlags.None);
        TimeSpan synced = Median(VectoredFlags.DataSync);
        Assert.True(synced > plain * 2, $"A plain write takes {plain.TotalMicroseconds} µs, one with DataSync {synced.TotalMicroseconds} µs.");

        TimeSpan Median(VectoredFlags flags)
        {
            byte[] page = new byte[4096];
            TimeSpan[] rounds = new TimeSpan[9];
            foreach (ref TimeSpan round in rounds.AsSpan())
            {
                long start = Stopwatch.GetTimestamp();
                VectoredIO.WriteAllAt(file.Handle, page, 0, flags);
                round = Stopwatch.GetElapsedTime(start);
            }
            Array.Sort(rounds);
            return rounds[4];
        }
    }

    [Fact]
    public void Wrong_flags_are_refused_before_any_call()
    {
        using TestFile file = new();
        Assert.Throws<ArgumentOutOfRangeException>(() => VectoredIO.WriteAt(file.Handle, "a"u8, 0, (VectoredFlags)0x100));
        Assert.Throws<ArgumentOutOfRangeException>(() => VectoredIO.WriteAt(file.Handle, "a"u8, 0, VectoredFlags.Sync, (VectoredFallback)0x10));
        Assert.Throws<ArgumentException>(() => VectoredIO.WriteAt(file.Handle, "a"u8, 0, VectoredFlags.Append | VectoredFlags.NoAppend));
        Assert.Throws<ArgumentException>(() => { _ = VectoredIO.ReadAtAsync(file.Handle, new byte[1], 0, VectoredFlags.NoWait); });
        byte[] page = new byte[1];
        List<ReadOnlyMemory<byte>> many = [.. Enumerable.Repeat((ReadOnlyMemory<byte>)page, 1025)];
        Assert.Throws<ArgumentException>(() => VectoredIO.WriteAllAt(file.Handle, many, 0, VectoredFlags.Atomic));
        Assert.Throws<ArgumentException>(() => { _ = VectoredIO.WriteAllAtAsync(file.Handle, many, 0, VectoredFlags.Atomic); });
        Assert.Empty(file.Content);
    }

    private static bool IsReadable(SafeHandle handle) => Poll.poll((int)handle.DangerousGetHandle(), Poll.POLLIN, 0).Value > 0;

    private static VectoredFlags Tried(Func<VectoredFlags, bool> accepted) =>
        Enum.GetValues<VectoredFlags>().Where(flag => flag != VectoredFlags.None && accepted(flag)).Aggregate(VectoredFlags.None, (all, flag) => all | flag);

    private static bool Accepted(Func<long> call)
    {
        try
        {
            call();
            return true;
        }
        catch (VectoredIOException e) when (e.Errno is Errno.EOPNOTSUPP)
        {
            return false;
        }
    }

    /// <summary>Something to read from and write to, with a call that works for each kind.</summary>
    private sealed class Subject : IDisposable
    {
        private readonly bool _hasOffsets;
        private readonly bool _isFed;
        private readonly List<IDisposable> _owned = [];

        public Subject(string kind)
        {
            switch (kind.Split(' '))
            {
                case ["pipe"]:
                    TestPipe pipe = Own(new TestPipe());
                    (Reader, Writer, _isFed) = (pipe.Reader, pipe.Writer, true);
                    break;
                case [.., "socket"]:
                    TestSockets sockets = Own(new TestSockets(datagrams: kind[0] == 'd'));
                    (Reader, Writer, _isFed) = (sockets.One, sockets.Other, true);
                    break;
                case ["/dev/null" or "/dev/zero"]:
                    Reader = Writer = Own(SafeFd.Open(kind, OpenFlags.O_RDWR));
                    _hasOffsets = true;
                    break;
                case [string folder, ..]:
                    TestFile file = Own(new TestFile(TestFile.Pattern(100), folder, kind.EndsWith("appending", StringComparison.Ordinal) ? 0x400 : 0));
                    Reader = Writer = file.Handle;
                    if (kind.EndsWith("only", StringComparison.Ordinal))
                        (Reader, Writer) = (null, Own(SafeFd.Open(file.Path, OpenFlags.O_WRONLY)));
                    _hasOffsets = true;
                    break;
            }
        }

        public SafeHandle? Reader { get; }

        public SafeHandle Writer { get; } = null!;

        public long Read(VectoredFlags flags)
        {
            if (_isFed)
                Write(VectoredFlags.None);
            return _hasOffsets ? VectoredIO.ReadAt(Reader!, new byte[1], 0, flags) : VectoredIO.Read(Reader!, new byte[1], flags);
        }

        public long Write(VectoredFlags flags) =>
            _hasOffsets ? VectoredIO.WriteAt(Writer, "x"u8, 0, flags) : VectoredIO.Write(Writer, "x"u8, flags);

        public void Dispose() => _owned.ForEach(o => o.Dispose());

        private T Own<T>(T owned)
            where T : IDisposable
        {
            _owned.Add(owned);
            return owned;
        }
    }
}
