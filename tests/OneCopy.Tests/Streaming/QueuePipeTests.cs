using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using OneCopy.Tests.Messaging;
using Xunit;

namespace OneCopy.Tests.Streaming;

/// <summary>The contract of pipes, both ends in this process.</summary>
public sealed class QueuePipeTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(30);
    private readonly TestRoot _root = new();
    private readonly MessageQueue _ours;
    private readonly MessageQueue _theirs;
    private readonly PipeWriter _writer;
    private readonly PipeReader _reader;

    public QueuePipeTests()
    {
        _ours = _root.Open();
        _theirs = _root.Open();
        _writer = QueuePipe.CreateWriter(_ours, new QueueStreamOptions { ChunkSize = 4096, MaxBytesInFlight = 16 * 1024 });
        _reader = QueuePipe.CreateReader(_theirs);
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _ours.Dispose();
        _theirs.Dispose();
        _root.Dispose();
    }

    [Fact]
    public async Task What_is_written_and_flushed_is_read_in_place()
    {
        "hello"u8.CopyTo(_writer.GetSpan(5));
        _writer.Advance(5);
        Assert.Equal(5, _writer.UnflushedBytes);
        Assert.False(_reader.TryRead(out _));
        Assert.False((await _writer.FlushAsync(Ct)).IsCompleted);
        Assert.Equal(0, _writer.UnflushedBytes);
        ReadResult result = await ReadAsync();
        Assert.Equal("hello", Text(result));
        Assert.Equal(2, _theirs.Statistics.Leased); // The one that opened it, and this one: nothing was copied.
        _reader.AdvanceTo(result.Buffer.End);
        Assert.Equal(1, _theirs.Statistics.Leased);
    }

    [Fact]
    public async Task Memory_of_a_read_is_nothing_any_more_after_AdvanceTo_and_Complete()
    {
        await WriteAsync("one");
        ReadResult result = await ReadAsync();
        ReadOnlyMemory<byte> memory = result.Buffer.First;
        _reader.AdvanceTo(result.Buffer.End);
        Assert.Throws<ObjectDisposedException>(() => memory.Span[0]);
        await WriteAsync("two");
        memory = (await ReadAsync()).Buffer.First;
        await _reader.CompleteAsync();
        Assert.Throws<ObjectDisposedException>(() => memory.Span[0]);
        Assert.Throws<InvalidOperationException>(() => _reader.TryRead(out _));
    }

    [Fact]
    public async Task What_was_examined_and_not_consumed_comes_again_with_more()
    {
        await WriteAsync("half a ");
        ReadResult result = await ReadAsync();
        _reader.AdvanceTo(result.Buffer.GetPosition(5), result.Buffer.End);
        Assert.False(_reader.TryRead(out _));
        Task<ReadResult> waiting = _reader.ReadAsync(Ct).AsTask();
        Assert.False(waiting.IsCompleted);
        Eventually.True(() => _theirs.Statistics.Leased == 1, "what waits is copied out, and its message completed");
        await WriteAsync("line");
        result = await waiting.WaitAsync(s_soon, Ct);
        Assert.Equal("a line", Text(result));
        Assert.False(result.Buffer.IsSingleSegment);

        // Not examined: it comes again at once.
        _reader.AdvanceTo(result.Buffer.GetPosition(2), result.Buffer.GetPosition(3));
        Assert.True(_reader.TryRead(out result));
        Assert.Equal("line", Text(result));
        _reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        await _writer.CompleteAsync();
        result = await ReadAsync();
        Assert.Equal(("line", true), (Text(result), result.IsCompleted));
    }

    [Fact]
    public async Task A_message_longer_than_all_that_may_be_under_way_gets_through()
    {
        byte[] all = new byte[200_000];
        Random.Shared.NextBytes(all);
        Task writing = Task.Run(async () => await _writer.WriteAsync(all, Ct), Ct);
        ReadResult result = await _reader.ReadAtLeastAsync(all.Length, Ct).AsTask().WaitAsync(s_soon, Ct);
        Assert.Equal(all, result.Buffer.ToArray());
        _reader.AdvanceTo(result.Buffer.End);
        await writing.WaitAsync(s_soon, Ct);
    }

    [Fact]
    public async Task A_flush_waits_while_as_much_is_under_way_as_may_be()
    {
        Task<FlushResult> flushing = Task.FromResult(default(FlushResult));
        int flushes = 0;
        for (; flushing.IsCompleted; flushes++)
        {
            Assert.InRange(flushes, 0, 10);
            _writer.Write(new byte[4096 - 32]);
            flushing = _writer.FlushAsync(Ct).AsTask();
        }

        Assert.InRange(_ours.Statistics.BytesPending, 8 * 1024, 24 * 1024);
        ReadResult result = await ReadAsync();
        _reader.AdvanceTo(result.Buffer.End);
        Assert.False((await flushing.WaitAsync(s_soon, Ct)).IsCompleted);
    }

    [Fact]
    public async Task Pending_calls_can_be_cancelled_and_the_next_ones_if_none_is()
    {
        Task<ReadResult> reading = _reader.ReadAsync(Ct).AsTask();
        _reader.CancelPendingRead();
        ReadResult read = await reading.WaitAsync(s_soon, Ct);
        Assert.True(read.IsCanceled);
        _reader.AdvanceTo(read.Buffer.Start);
        _reader.CancelPendingRead();
        read = await ReadAsync();
        Assert.True(read.IsCanceled);
        _reader.AdvanceTo(read.Buffer.Start);
        using CancellationTokenSource cancel = new();
        reading = _reader.ReadAsync(cancel.Token).AsTask();
        cancel.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.WaitAsync(s_soon, Ct));

        _writer.CancelPendingFlush();
        Assert.True((await _writer.FlushAsync(Ct)).IsCanceled);
        _writer.Write(new byte[64 * 1024]);
        Task<FlushResult> flushing = _writer.FlushAsync(Ct).AsTask();
        Assert.False(flushing.IsCompleted);
        _writer.CancelPendingFlush();
        Assert.True((await flushing.WaitAsync(s_soon, Ct)).IsCanceled);
        using CancellationTokenSource cancelFlush = new(20);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await _writer.FlushAsync(cancelFlush.Token));
        read = await _reader.ReadAtLeastAsync(64 * 1024, Ct).AsTask().WaitAsync(s_soon, Ct);
        Assert.Equal(64 * 1024, read.Buffer.Length);
    }

    [Fact]
    public async Task The_writers_failure_is_the_readers_after_the_bytes_before_it()
    {
        await WriteAsync("good");
        _writer.Write("not flushed"u8);
        await _writer.CompleteAsync(new InvalidDataException("the disk is on fire"));
        Assert.Throws<InvalidOperationException>(() => _writer.GetMemory());
        ReadResult result = await ReadAsync();
        Assert.Equal("good", Text(result));
        _reader.AdvanceTo(result.Buffer.End);
        IOException e = await Assert.ThrowsAsync<IOException>(ReadAsync);
        Assert.Contains("failed after 4 bytes: the disk is on fire", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_readers_end_is_the_writers_completion_and_its_failure_an_error()
    {
        await WriteAsync("x");
        await ReadAsync();
        await _reader.CompleteAsync();
        Assert.True((await _writer.FlushAsync(Ct)).IsCompleted);
        _writer.Write(new byte[100_000]); // Thrown away.
        Assert.True((await _writer.FlushAsync(Ct)).IsCompleted);
        await _writer.CompleteAsync();

        PipeWriter writer = QueuePipe.CreateWriter(_ours);
        PipeReader reader = QueuePipe.CreateReader(_theirs);
        writer.Write(new byte[10_000]);
        await writer.FlushAsync(Ct);
        await reader.ReadAsync(Ct);
        await reader.CompleteAsync(new InvalidDataException("unreadable"));
        await Assert.ThrowsAsync<IOException>(async () => await writer.FlushAsync(Ct));
        await writer.CompleteAsync();
        Assert.Equal((0, 0), (_ours.Statistics.Queued, _ours.Statistics.Leased));
    }

    [Fact]
    public async Task A_reader_that_closes_its_handle_is_gone_and_what_it_held_is_taken_back()
    {
        MessageQueue mine = _root.Open();
        PipeReader reader = QueuePipe.CreateReader(mine);
        await WriteAsync("read");
        await WriteAsync("unread");
        await reader.ReadAsync(Ct).AsTask().WaitAsync(s_soon, Ct);
        await mine.DisposeAsync();
        await Assert.ThrowsAsync<IOException>(async () => await _writer.FlushAsync(Ct));
        await _writer.CompleteAsync();
        Assert.Equal((0, 0), (_ours.Statistics.Queued, _ours.Statistics.Leased));
        await reader.CompleteAsync();
    }

    [Fact]
    public async Task Misuse_is_said()
    {
        Assert.Throws<InvalidOperationException>(() => _reader.AdvanceTo(default));
        await WriteAsync("abc");
        ReadResult result = await ReadAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await _reader.ReadAsync(Ct));
        Assert.Throws<ArgumentOutOfRangeException>(() => _reader.AdvanceTo(result.Buffer.End, result.Buffer.Start));
        Assert.Throws<ArgumentOutOfRangeException>(() => _reader.AdvanceTo(new ReadOnlySequence<byte>(new byte[1]).Start));
        Assert.Throws<ArgumentOutOfRangeException>(() => _writer.GetMemory(-1));
        _writer.GetMemory(10);
        Assert.Throws<ArgumentOutOfRangeException>(() => _writer.Advance(1 << 20));
    }

    [Fact]
    public async Task Lines_through_their_streams()
    {
        Task writing = Task.Run(async () =>
        {
            await using StreamWriter lines = new(_writer.AsStream());
            for (int i = 0; i < 5_000; i++)
                await lines.WriteLineAsync($"line {i}");
        }, Ct);
        using StreamReader read = new(_reader.AsStream());
        for (int i = 0; i < 5_000; i++)
            Assert.Equal($"line {i}", await read.ReadLineAsync(Ct));
        Assert.Null(await read.ReadLineAsync(Ct));
        await writing;
    }

    private static string Text(ReadResult result) => Encoding.UTF8.GetString(result.Buffer.ToArray());

    private async Task WriteAsync(string text) => await _writer.WriteAsync(Encoding.UTF8.GetBytes(text), Ct);

    private async Task<ReadResult> ReadAsync() => await _reader.ReadAsync(Ct).AsTask().WaitAsync(s_soon, Ct);
}
