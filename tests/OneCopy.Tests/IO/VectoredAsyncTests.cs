using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;
using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>Asynchronous forms: at once when the data is cached, on the pool when it is not, and no thread for what may never come.</summary>
public sealed class VectoredAsyncTests
{
    private const int Size = 1 << 20;
    private static readonly TimeSpan s_bound = TimeSpan.FromSeconds(30);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public void Cached_data_is_there_at_once_and_nothing_is_allocated()
    {
        using TestFile file = new(TestFile.Pattern(Size));
        Requires.NotTmpfs(file.Path);
        byte[] a = new byte[1000];
        byte[] b = new byte[5000];
        Memory<byte>[] list = [a, Memory<byte>.Empty, b];
        Round();
        Assert.Equal(0, Allocations.Of(1000, Round));
        Assert.Equal(TestFile.Pattern(6000, 70_000), (byte[])[.. a, .. b]);

        void Round()
        {
            Take(VectoredIO.ReadAtAsync(file.Handle, a, 123, cancellationToken: Ct), 1000);
            Take(VectoredIO.ReadExactlyAtAsync(file.Handle, list, 70_000, cancellationToken: Ct), 6000);
            Take(VectoredIO.ReadAtAsync(file.Handle, list, Size - 500, cancellationToken: Ct), 500);
            Take(VectoredIO.ReadAtAsync(file.Handle, b, Size, cancellationToken: Ct), 0);
            VectoredIO.ReadExactlyAt(file.Handle, list, 70_000);
        }

        static void Take(ValueTask<long> read, long expected)
        {
            Assert.True(read.IsCompletedSuccessfully);
            if (read.Result != expected)
                Assert.Equal(expected, read.Result);
        }
    }

    /// <summary>Out of the cache: NoWait finds nothing and asks the device; the asynchronous form waits for it elsewhere.</summary>
    [Fact]
    public async Task Data_that_is_not_cached_comes_all_the_same()
    {
        using TestFile file = new(TestFile.Pattern(Size));
        Requires.NotTmpfs(file.Path);
        byte[] back = new byte[Size];
        bool found = true;
        for (int i = 0; i < 20 && found; i++)
        {
            Drop(file.Handle, 0, Size);
            found = VectoredIO.TryReadAt(file.Handle, back, 0, out _);
        }
        Assert.False(found, "Twenty times the data was in the cache, or came from the device within the call.");

        Drop(file.Handle, 0, Size);
        Assert.Equal(Size, await VectoredIO.ReadExactlyAtAsync(file.Handle, back, 0, cancellationToken: Ct));
        Assert.Equal(TestFile.Pattern(Size), back);

        // The first part cached: what NoWait brings is gone on with.
        Array.Clear(back);
        Drop(file.Handle, 0, Size);
        VectoredIO.ReadExactlyAt(file.Handle, new byte[100], 0);
        Drop(file.Handle, Size / 2, Size / 2);
        Assert.Equal(Size, await VectoredIO.ReadAtAsync(file.Handle, [back.AsMemory(0, 9), back.AsMemory(9, Size - 9)], 0, cancellationToken: Ct));
        Assert.Equal(TestFile.Pattern(Size), back);
    }

    [Theory]
    [InlineData("/tmp")]
    [InlineData("/dev/shm")]
    public async Task Reads_and_writes_of_files(string folder)
    {
        using TestFile file = new(folder: folder);
        byte[] bytes = TestFile.Pattern(300_000);
        ReadOnlyMemory<byte>[] list = [.. Enumerable.Range(0, 3000).Select(i => (ReadOnlyMemory<byte>)bytes.AsMemory(i * 100, 100))];
        Assert.Equal(bytes.Length, await VectoredIO.WriteAllAsync(file.Handle, list, cancellationToken: Ct));
        Assert.Equal(102_400, await VectoredIO.WriteAtAsync(file.Handle, list, 0, cancellationToken: Ct));
        Assert.Equal(bytes.Length, await VectoredIO.WriteAllAtAsync(file.Handle, VectoredListTests.Sequence(list), bytes.Length, cancellationToken: Ct));
        Assert.Equal(5, await VectoredIO.WriteAllAtAsync(file.Handle, "xyz.."u8.ToArray(), 600_000, VectoredFlags.DontCache | VectoredFlags.DataSync, VectoredFallback.All, Ct));
        Assert.Equal((byte[])[.. bytes, .. bytes, .. "xyz.."u8], file.Content);

        byte[] back = new byte[300_000];
        Memory<byte>[] targets = [.. Enumerable.Range(0, 3000).Select(i => back.AsMemory(i * 100, 100))];
        Assert.Equal(300_000, await VectoredIO.ReadExactlyAtAsync(file.Handle, targets, 150_000, cancellationToken: Ct));
        Assert.Equal((byte[])[.. bytes[150_000..], .. bytes[..150_000]], back);
        Assert.Equal(102_400, await VectoredIO.ReadAtAsync(file.Handle, targets, 0, cancellationToken: Ct));
        Assert.Equal(300_000, await VectoredIO.ReadAsync(file.Handle, back, cancellationToken: Ct)); // From the position, where the first write ended.
        Assert.Equal(bytes, back);
        ShortReadException e = await Assert.ThrowsAsync<ShortReadException>(async () => await VectoredIO.ReadExactlyAsync(file.Handle, back, cancellationToken: Ct));
        Assert.Equal(5, e.BytesTransferred);
        Assert.Equal(0, await VectoredIO.WriteAllAtAsync(file.Handle, ReadOnlyMemory<byte>.Empty, 0, cancellationToken: Ct));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task More_than_a_pipe_holds_goes_through_it(bool nonBlocking)
    {
        using TestPipe pipe = new(nonBlocking);
        byte[] bytes = TestFile.Pattern(2_000_000);
        byte[] back = new byte[bytes.Length];
        Task<long> reading = VectoredIO.ReadExactlyAsync(pipe.Reader, [back.AsMemory(0, 777_777), back.AsMemory(777_777)], cancellationToken: Ct).AsTask();
        Task<long> writing = VectoredIO.WriteAllAsync(pipe.Writer, bytes, cancellationToken: Ct).AsTask();
        Assert.Equal(bytes.Length, await writing.WaitAsync(s_bound, Ct));
        Assert.Equal(bytes.Length, await reading.WaitAsync(s_bound, Ct));
        Assert.Equal(bytes, back);
        Task<long> end = VectoredIO.ReadAsync(pipe.Reader, back, cancellationToken: Ct).AsTask();
        Assert.False(end.IsCompleted);
        pipe.Writer.Dispose();
        Assert.Equal(0, await end.WaitAsync(s_bound, Ct));
    }

    /// <summary>A hundred reads that nobody answers: the pool's threads are free, and both directions of a socket can wait at once.</summary>
    [Fact]
    public async Task Waiting_takes_no_thread_of_the_pool()
    {
        TestPipe[] pipes = [.. Enumerable.Range(0, 100).Select(i => new TestPipe(nonBlocking: i % 2 == 1))];
        using CancellationTokenSource cancel = new();
        byte[] target = new byte[1];
        int threads = ThreadPool.ThreadCount;
        Task<long>[] reads = [.. pipes.Select(p => VectoredIO.ReadAsync(p.Reader, target, cancellationToken: cancel.Token).AsTask())];
        await Task.Run(() => { }, Ct).WaitAsync(TimeSpan.FromSeconds(5), Ct);
        Assert.All(reads, r => Assert.False(r.IsCompleted));
        Assert.InRange(ThreadPool.ThreadCount, 0, threads + 20);

        VectoredIO.WriteAll(pipes[7].Writer, "x"u8);
        Assert.Equal(1, await reads[7].WaitAsync(s_bound, Ct));
        Assert.Equal((byte)'x', target[0]);
        await cancel.CancelAsync();
        foreach (Task<long> read in reads.Where((_, i) => i != 7))
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read.WaitAsync(s_bound, Ct));

        // Nothing of it is left: the pipes work, and can be waited for again.
        Task<long> again = VectoredIO.ReadAsync(pipes[8].Reader, target, cancellationToken: Ct).AsTask();
        VectoredIO.WriteAll(pipes[8].Writer, "y"u8);
        Assert.Equal(1, await again.WaitAsync(s_bound, Ct));
        Array.ForEach(pipes, p => p.Dispose());
    }

    [Fact]
    public async Task A_socket_waits_in_both_directions()
    {
        using TestSockets sockets = new();
        byte[] much = TestFile.Pattern(30_000_000);
        byte[] little = new byte[3];
        Task<long> writing = VectoredIO.WriteAllAsync(sockets.One, much, cancellationToken: Ct).AsTask();
        Task<long> reading = VectoredIO.ReadExactlyAsync(sockets.One, little, cancellationToken: Ct).AsTask();
        Assert.False(writing.IsCompleted);
        Assert.False(reading.IsCompleted);
        VectoredIO.WriteAll(sockets.Other, "abc"u8);
        Assert.Equal(3, await reading.WaitAsync(s_bound, Ct));
        byte[] back = new byte[much.Length];
        await Task.Run(() => VectoredIO.ReadExactly(sockets.Other, back), Ct).WaitAsync(s_bound, Ct);
        Assert.Equal(much.Length, await writing.WaitAsync(s_bound, Ct));
        Assert.Equal(much, back);
    }

    [Fact]
    public async Task A_cancelled_token_ends_a_request_before_it_starts_and_between_calls()
    {
        using TestFile file = new(folder: "/dev/shm");
        using CancellationTokenSource cancelled = new();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await VectoredIO.WriteAllAtAsync(file.Handle, "a"u8.ToArray(), 0, cancellationToken: cancelled.Token));
        Assert.Empty(file.Content);

        // Chunks of 16 MiB to a device that takes all of them at once, for ever but for the token.
        using SafeFileHandle zero = SafeFd.Open("/dev/zero", OpenFlags.O_RDONLY);
        using CancellationTokenSource soon = new();
        byte[] scratch = new byte[1 << 24];
        Task reading = Task.Run(async () => await VectoredIO.ReadExactlyAsync(zero, new Endless(scratch), cancellationToken: soon.Token), Ct);
        await soon.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.WaitAsync(s_bound, Ct));
    }

    [Fact]
    public async Task An_error_comes_with_the_task()
    {
        using TestPipe pipe = new();
        pipe.Reader.Dispose();
        ValueTask<long> write = VectoredIO.WriteAllAsync(pipe.Writer, "a"u8.ToArray(), cancellationToken: Ct);
        VectoredIOException e = await Assert.ThrowsAsync<VectoredIOException>(async () => await write);
        Assert.Equal("EPIPE", e.ErrnoName);
        using TestFile file = new();
        using SafeFileHandle reader = SafeFd.Open(file.Path, OpenFlags.O_RDONLY);
        e = await Assert.ThrowsAsync<VectoredIOException>(async () => await VectoredIO.WriteAtAsync(reader, "a"u8.ToArray(), 0, cancellationToken: Ct));
        Assert.Equal("EBADF", e.ErrnoName);
    }

    /// <summary>A handle that is closed while a request waits stays open for it: its number cannot become another file's.</summary>
    [Fact]
    public async Task A_handle_closed_meanwhile_is_held()
    {
        using TestPipe pipe = new();
        byte[] target = new byte[1];
        Task<long> read = VectoredIO.ReadAsync(pipe.Reader, target, cancellationToken: Ct).AsTask();
        pipe.Reader.Dispose();
        VectoredIO.WriteAll(pipe.Writer, "x"u8);
        Assert.Equal(1, await read.WaitAsync(s_bound, Ct));
        Eventually.True(
            () =>
            {
                try
                {
                    VectoredIO.WriteAll(pipe.Writer, "x"u8);
                    return false;
                }
                catch (VectoredIOException e) when (e.Errno == Errno.EPIPE)
                {
                    return true;
                }
            },
            "the reading end is closed when the request is over",
            s_bound);
    }

    private static void Drop(SafeFileHandle file, long offset, long length)
    {
        FileCache.fdatasync(file.Fd()).OrThrow("fdatasync");
        FileCache.posix_fadvise(file.Fd(), offset, length, Fadvise.DontNeed).OrThrow("posix_fadvise");
    }

    /// <summary>The same buffer two thousand million times.</summary>
    private sealed class Endless(Memory<byte> buffer) : IReadOnlyList<Memory<byte>>
    {
        public int Count => int.MaxValue;

        public Memory<byte> this[int index] => buffer;

        public IEnumerator<Memory<byte>> GetEnumerator() => Enumerable.Repeat(buffer, Count).GetEnumerator();

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
