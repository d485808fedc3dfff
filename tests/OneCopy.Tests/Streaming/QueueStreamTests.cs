using OneCopy.Tests.Messaging;
using Xunit;

namespace OneCopy.Tests.Streaming;

/// <summary>The stream's contract, both ends in this process, each with a handle of its own.</summary>
public sealed class QueueStreamTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(30);
    private readonly TestRoot _root = new();
    private readonly MessageQueue _ours;
    private readonly MessageQueue _theirs;

    public QueueStreamTests()
    {
        _ours = _root.Open();
        _theirs = _root.Open();
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _ours.Dispose();
        _theirs.Dispose();
        _root.Dispose();
    }

    [Fact]
    public void It_says_what_it_can()
    {
        using Stream writer = QueueStream.CreateWriter(_ours);
        using Stream reader = QueueStream.CreateReader(_theirs);
        Assert.Equal((true, false, false, true), (writer.CanWrite, writer.CanRead, writer.CanSeek, writer.CanTimeout));
        Assert.Equal((false, true, false, true), (reader.CanWrite, reader.CanRead, reader.CanSeek, reader.CanTimeout));
        Assert.Throws<NotSupportedException>(() => writer.Length);
        Assert.Throws<NotSupportedException>(() => reader.Position);
        Assert.Throws<NotSupportedException>(() => reader.Seek(0, SeekOrigin.Begin));
        Assert.Throws<NotSupportedException>(() => writer.SetLength(1));
        Assert.Throws<NotSupportedException>(() => reader.WriteByte(1));
        Assert.Throws<NotSupportedException>(() => writer.ReadByte());
        Assert.Throws<ArgumentOutOfRangeException>(() => QueueStream.CreateWriter(_ours, new QueueStreamOptions { ChunkSize = 10 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => QueueStream.CreateWriter(_ours, new QueueStreamOptions { MaxBytesInFlight = 1024 }));
        using MessageQueue small = _root.Open("small", new QueueOptions { Blocks = 3 });
        Assert.Throws<ArgumentException>(() => QueueStream.CreateWriter(small));
    }

    [Fact]
    public async Task Bytes_are_sent_by_a_flush_and_the_end_by_dispose()
    {
        Stream writer = QueueStream.CreateWriter(_ours);
        await using Stream reader = QueueStream.CreateReader(_theirs);
        byte[] buffer = new byte[100];
        writer.Write("first"u8);
        Task<int> reading = reader.ReadAsync(buffer, Ct).AsTask();
        Assert.False(reading.IsCompleted);
        await writer.FlushAsync(Ct);
        Assert.Equal(5, await reading.WaitAsync(s_soon, Ct));
        writer.WriteByte((byte)'!');
        writer.Dispose();
        writer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => writer.WriteByte(1));
        Assert.Equal('!', reader.ReadByte());
        Assert.Equal(-1, reader.ReadByte());
        Assert.Equal(0, await reader.ReadAsync(buffer, Ct));
        Assert.Equal((0, 0), (_ours.Statistics.Queued, _ours.Statistics.Leased));
    }

    [Fact]
    public async Task A_read_of_no_bytes_waits_for_some()
    {
        await using Stream writer = QueueStream.CreateWriter(_ours);
        await using Stream reader = QueueStream.CreateReader(_theirs);
        Task<int> waiting = reader.ReadAsync(Memory<byte>.Empty, Ct).AsTask();
        Assert.False(waiting.IsCompleted);
        await writer.WriteAsync("x"u8.ToArray(), Ct);
        await writer.FlushAsync(Ct);
        Assert.Equal(0, await waiting.WaitAsync(s_soon, Ct));
        Assert.Equal('x', reader.ReadByte());
    }

    [Fact]
    public async Task The_writer_waits_while_as_much_is_under_way_as_may_be()
    {
        QueueStreamOptions options = new() { ChunkSize = 16 * 1024, MaxBytesInFlight = 64 * 1024 };
        await using Stream writer = QueueStream.CreateWriter(_ours, options);
        await using Stream reader = QueueStream.CreateReader(_theirs);
        Task writing = writer.WriteAsync(new byte[1_000_000], Ct).AsTask();
        Eventually.True(() => _ours.Statistics.BytesPending > 32 * 1024, "it has begun");
        Assert.False(writing.IsCompleted);
        long most = 0;
        byte[] buffer = new byte[10_000];
        int total = 0;
        while (total < 980_000)
        {
            most = Math.Max(most, _ours.Statistics.BytesPending);
            total += await reader.ReadAsync(buffer, Ct);
        }

        Assert.InRange(most, 1, (64 * 1024) + 32); // The message that opened the stream is pending too.
        await writing.WaitAsync(s_soon, Ct);
    }

    [Fact]
    public async Task A_wait_can_be_cancelled_or_limited_and_loses_nothing()
    {
        QueueStreamOptions options = new() { ChunkSize = 4096, MaxBytesInFlight = 4096 };
        await using Stream writer = QueueStream.CreateWriter(_ours, options);
        await using Stream reader = QueueStream.CreateReader(_theirs);
        reader.ReadTimeout = 20;
        Assert.Throws<TimeoutException>(() => reader.ReadByte());
        using CancellationTokenSource cancel = new();
        Task<int> reading = reader.ReadAsync(new byte[1], cancel.Token).AsTask();
        cancel.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.WaitAsync(s_soon, Ct));
        writer.Write(new byte[4096 - 32]);
        writer.Flush();
        writer.WriteTimeout = 20;
        Assert.Throws<TimeoutException>(() => writer.Write("more"u8));
        using CancellationTokenSource cancelWrite = new(20);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await writer.WriteAsync("more"u8.ToArray(), cancelWrite.Token));
        await reader.ReadExactlyAsync(new byte[4096 - 32], Ct);
        writer.Write("then"u8);
        writer.Flush();
        byte[] then = new byte[4];
        await reader.ReadExactlyAsync(then, Ct);
        Assert.Equal("then"u8, then);
    }

    [Fact]
    public async Task A_copy_takes_all()
    {
        byte[] all = new byte[700_000];
        Random.Shared.NextBytes(all);
        Task writing = Task.Run(async () =>
        {
            await using Stream writer = QueueStream.CreateWriter(_ours);
            await new MemoryStream(all).CopyToAsync(writer, Ct);
        }, Ct);
        await using Stream reader = QueueStream.CreateReader(_theirs);
        MemoryStream copy = new();
        reader.ReadByte();
        await reader.CopyToAsync(copy, Ct);
        await writing;
        Assert.Equal(all[1..], copy.ToArray());
    }

    [Fact]
    public async Task A_writer_that_closes_its_handle_without_completing_is_an_error_for_the_reader()
    {
        MessageQueue mine = _root.Open();
        Stream writer = QueueStream.CreateWriter(mine);
        await using Stream reader = QueueStream.CreateReader(_theirs);
        writer.Write("some"u8);
        writer.Flush();
        await reader.ReadExactlyAsync(new byte[4], Ct);
        Task<int> reading = reader.ReadAsync(new byte[1], Ct).AsTask();
        writer.Write("lost"u8);
        mine.Dispose();
        IOException e = await Assert.ThrowsAsync<IOException>(() => reading.WaitAsync(s_soon, Ct));
        Assert.Contains("without completing", e.Message, StringComparison.Ordinal);
        Assert.Throws<ObjectDisposedException>(() => writer.Dispose());
    }

    [Fact]
    public async Task A_writer_learns_that_its_reader_is_gone()
    {
        Stream writer = QueueStream.CreateWriter(_ours);
        await using (Stream reader = QueueStream.CreateReader(_theirs))
        {
            writer.WriteByte(1);
            writer.Flush();
            Assert.Equal(1, reader.ReadByte());
        }

        IOException e = Assert.Throws<IOException>(() =>
        {
            writer.WriteByte(2);
            writer.Flush();
            writer.WriteByte(3);
        });
        Assert.Contains("has closed its end", e.Message, StringComparison.Ordinal);
        writer.Dispose();
        Assert.Equal((0, 0), (_ours.Statistics.Queued, _ours.Statistics.Leased));
    }

    [Fact]
    public async Task A_stray_message_is_said_and_kept_and_the_stream_goes_on()
    {
        await using Stream writer = QueueStream.CreateWriter(_ours);
        writer.Write("before"u8);
        writer.Flush();
        _ours.Send("stray"u8, cancellationToken: Ct);
        writer.Write("after"u8);
        writer.Flush();
        await using Stream reader = QueueStream.CreateReader(_theirs);
        byte[] buffer = new byte[100];
        Assert.Equal(6, await reader.ReadAsync(buffer, Ct));
        OneCopyException e = await Assert.ThrowsAsync<OneCopyException>(async () => await reader.ReadExactlyAsync(buffer, Ct));
        Assert.Contains("is no part of a stream", e.Message, StringComparison.Ordinal);
        Assert.Equal(5, await reader.ReadAsync(buffer, Ct));
        Assert.Equal("after"u8, buffer.AsSpan(0, 5));
        using MessageQueue dead = _root.Open(_ours.DeadLetterQueueName);
        using ReceivedMessage kept = dead.Receive(s_soon, Ct);
        Assert.Equal("stray"u8, kept.ToArray());
        kept.Complete();
    }

    [Fact]
    public async Task Bytes_that_another_has_taken_are_missed()
    {
        await using Stream writer = QueueStream.CreateWriter(_ours);
        await using Stream reader = QueueStream.CreateReader(_theirs);
        writer.WriteByte(1);
        writer.Flush();
        Assert.Equal(1, reader.ReadByte());
        writer.WriteByte(2);
        writer.Flush();
        using (ReceivedMessage taken = _ours.Receive(s_soon, Ct))
            taken.Complete();
        writer.WriteByte(3);
        writer.Flush();
        OneCopyException e = Assert.Throws<OneCopyException>(() => reader.ReadByte());
        Assert.Contains("begins at byte 2 of the stream, where byte 1 was awaited", e.Message, StringComparison.Ordinal);
        Assert.Throws<OneCopyException>(() => reader.ReadByte());
    }
}
