using System.Buffers;
using System.Text.Json;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>The rented buffer as a writer: what is sent of it, how it grows, and what its memory is after that.</summary>
public sealed class SendBufferTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(30);
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Theory]
    [InlineData(100, 40, Lane.Inline)]
    [InlineData(100, 0, Lane.Inline)]
    [InlineData(100_000, 99_999, Lane.Arena)]
    [InlineData(100_000, 3, Lane.Arena)]
    [InlineData(100_000, 0, Lane.Arena)]
    public void What_was_written_is_sent(int rented, int written, Lane lane)
    {
        using MessageQueue queue = _root.Open();
        using SendBuffer buffer = queue.Rent(rented, cancellationToken: Ct);
        buffer.Write(Bytes(written));
        Assert.Equal((written, rented), (buffer.WrittenCount, buffer.Length));
        buffer.GetSpan().Fill(0xEE); // Not advanced over: not written.
        queue.Send(buffer, new SendOptions { Properties = new MessageProperties { ContentType = "x/y" } }, Ct);
        using ReceivedMessage message = queue.Receive(s_soon, Ct);
        Assert.Equal((lane, "x/y"), (message.Lane, message.Properties.ContentType));
        Assert.Equal(Bytes(written), message.ToArray());
        message.Complete();
        QueueStatistics s = queue.Statistics;
        LaneTraffic sent = lane == Lane.Inline ? s.Sent.Inline : s.Sent.Arena;
        LaneTraffic completed = lane == Lane.Inline ? s.Completed.Inline : s.Completed.Arena;
        Assert.Equal((1, written), (sent.Messages, sent.Bytes));
        Assert.Equal(sent, completed);
    }

    [Fact]
    public void Without_a_use_as_a_writer_all_of_it_is_sent()
    {
        using MessageQueue queue = _root.Open();
        using SendBuffer buffer = queue.Rent(1000, cancellationToken: Ct);
        Bytes(1000).CopyTo(buffer.Span);
        queue.Send(buffer, cancellationToken: Ct);
        using ReceivedMessage message = queue.Receive(s_soon, Ct);
        Assert.Equal(Bytes(1000), message.ToArray());
        message.Complete();
    }

    [Fact]
    public void A_header_may_be_filled_in_last()
    {
        using MessageQueue queue = _root.Open();
        using SendBuffer buffer = queue.Rent(1000, cancellationToken: Ct);
        buffer.Advance(4);
        buffer.Write("text"u8);
        BitConverter.TryWriteBytes(buffer.Span, buffer.WrittenCount - 4);
        queue.Send(buffer, cancellationToken: Ct);
        using ReceivedMessage message = queue.Receive(s_soon, Ct);
        Assert.Equal([4, 0, 0, 0, .. "text"u8], message.ToArray());
        message.Complete();
    }

    [Fact]
    public async Task A_serializer_writes_into_the_message()
    {
        await using MessageQueue queue = _root.Open();
        using (SendBuffer buffer = await queue.RentAsync(64, cancellationToken: Ct))
        {
            await using (Utf8JsonWriter json = new(buffer))
                JsonSerializer.Serialize(json, Enumerable.Range(0, 50_000));
            await queue.SendAsync(buffer, cancellationToken: Ct);
        }

        using ReceivedMessage message = await queue.ReceiveAsync(Ct);
        Assert.True(message.TryGetSpan(out ReadOnlySpan<byte> payload));
        Assert.Equal(Enumerable.Range(0, 50_000), JsonSerializer.Deserialize<int[]>(payload)!);
        message.Complete();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(5_000)]
    public void It_grows_and_keeps_what_was_written(int rented)
    {
        // Two blocks: the places it had before must be free again.
        using MessageQueue queue = _root.Open(options: new QueueOptions { Blocks = 2 });
        using SendBuffer buffer = queue.Rent(rented, cancellationToken: Ct);
        byte[] all = Bytes(300_000);
        for (int i = 0; i < all.Length; i += 1_000)
        {
            all.AsSpan(i, 1_000).CopyTo(buffer.GetMemory(1_000).Span);
            buffer.Advance(1_000);
        }

        Assert.InRange(buffer.Length, all.Length, 2 * all.Length);
        queue.Send(buffer, cancellationToken: Ct);
        using ReceivedMessage message = queue.Receive(s_soon, Ct);
        Assert.Equal(all, message.ToArray());
        message.Complete();
    }

    [Fact]
    public void What_does_not_fit_in_the_arena_is_said_and_nothing_is_lost()
    {
        using MessageQueue queue = _root.Open(options: new QueueOptions { ArenaLimit = 1 << 20 });
        using SendBuffer buffer = queue.Rent(1000, cancellationToken: Ct);
        buffer.Write(Bytes(900));
        Assert.Throws<OneCopyException>(() => { buffer.GetSpan(2 << 20); });
        Assert.Throws<OneCopyException>(() => { buffer.GetSpan(int.MaxValue); });
        Assert.Throws<ArgumentOutOfRangeException>(() => { buffer.GetSpan(-1); });
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Advance(buffer.Length));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Advance(-1));
        queue.Send(buffer, cancellationToken: Ct);
        using ReceivedMessage message = queue.Receive(s_soon, Ct);
        Assert.Equal(Bytes(900), message.ToArray());
        message.Complete();
    }

    [Fact]
    public void Growth_waits_for_room_no_longer_than_renting_may()
    {
        using MessageQueue queue = _root.Open(options: new QueueOptions { ArenaLimit = 1 << 20 });
        queue.Send(Bytes(700_000), cancellationToken: Ct);
        using SendBuffer buffer = queue.Rent(200_000, TimeSpan.FromMilliseconds(50), Ct);
        buffer.Write(Bytes(200_000));
        Assert.Throws<TimeoutException>(() => { buffer.GetSpan(1); });
        using (ReceivedMessage first = queue.Receive(s_soon, Ct))
            first.Complete();
        buffer.Write("!"u8);
        queue.Send(buffer, cancellationToken: Ct);
        using ReceivedMessage message = queue.Receive(s_soon, Ct);
        Assert.Equal([.. Bytes(200_000), (byte)'!'], message.ToArray());
        message.Complete();
    }

    [Fact]
    public void Its_memory_is_nothing_any_more_after_growth_and_after_sending()
    {
        using MessageQueue queue = _root.Open();
        using SendBuffer buffer = queue.Rent(1000, cancellationToken: Ct);
        Memory<byte> first = buffer.GetMemory();
        first.Span[0] = 1;
        Memory<byte> second = buffer.GetMemory(100_000);
        Assert.Throws<ObjectDisposedException>(() => first.Span[0]);
        Assert.Throws<ObjectDisposedException>(() => first.Pin());
        second.Span[0] = 2;
        second.Pin().Dispose();
        buffer.Advance(1);
        queue.Send(buffer, cancellationToken: Ct);
        Assert.Throws<ObjectDisposedException>(() => second.Span[0]);
        Assert.Throws<ObjectDisposedException>(() => { buffer.GetSpan(); });
        Assert.Throws<ObjectDisposedException>(() => buffer.GetMemory());
        Assert.Throws<ObjectDisposedException>(() => buffer.Advance(0));
        using ReceivedMessage message = queue.Receive(s_soon, Ct);
        Assert.Equal([2], message.ToArray());
        message.Complete();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_is_over_is_refused_whatever_was_rented_since(bool sent)
    {
        using MessageQueue queue = _root.Open(options: new QueueOptions { Blocks = 4 });
        SendBuffer old = queue.Rent(100, cancellationToken: Ct);
        Memory<byte> memory = old.GetMemory();
        if (sent)
            queue.Send(old, cancellationToken: Ct);
        else
            old.Dispose();
        using SendBuffer buffer = queue.Rent(100, cancellationToken: Ct);
        buffer.Write("new"u8);
        Assert.NotEqual(old, buffer);
        Assert.Throws<ObjectDisposedException>(() => queue.Send(old, cancellationToken: Ct));
        Assert.Throws<ObjectDisposedException>(() => { _ = old.Span; });
        Assert.Throws<ObjectDisposedException>(() => { old.GetSpan(); });
        Assert.Throws<ObjectDisposedException>(() => old.Advance(1));
        Assert.Throws<ObjectDisposedException>(() => old.Length);
        Assert.Throws<ObjectDisposedException>(() => old.WrittenCount);
        Assert.Throws<ObjectDisposedException>(() => memory.Span[0]);
        old.Dispose();
        queue.Send(buffer, cancellationToken: Ct);
        Assert.Equal(sent ? 2 : 1, queue.Statistics.Queued);
        if (sent)
            queue.Receive(s_soon, Ct).Complete();
        using ReceivedMessage message = queue.Receive(s_soon, Ct);
        Assert.Equal("new"u8, message.ToArray());
        message.Complete();
    }

    [Fact]
    public void Another_handles_buffer_and_none_at_all_are_refused()
    {
        using MessageQueue queue = _root.Open();
        using MessageQueue other = _root.Open();
        using SendBuffer buffer = queue.Rent(3, cancellationToken: Ct);
        "abc"u8.CopyTo(buffer.Span);
        Assert.Throws<ArgumentException>(() => other.Send(buffer, cancellationToken: Ct));
        Assert.Throws<InvalidOperationException>(() => queue.Send(default(SendBuffer), cancellationToken: Ct));
        default(SendBuffer).Dispose();
        queue.Send(buffer, cancellationToken: Ct);
        using ReceivedMessage message = queue.Receive(s_soon, Ct);
        Assert.Equal("abc"u8, message.ToArray());
        message.Complete();
    }

    [Fact]
    public async Task Renting_without_a_thread_waits_for_room()
    {
        await using MessageQueue queue = _root.Open(options: new QueueOptions { ArenaLimit = 1 << 20 });
        queue.Send(Bytes(700_000), cancellationToken: Ct);
        await Assert.ThrowsAsync<TimeoutException>(async () => await queue.RentAsync(700_000, TimeSpan.FromMilliseconds(20), Ct));
        using CancellationTokenSource cancel = new();
        Task<SendBuffer> cancelled = queue.RentAsync(700_000, cancellationToken: cancel.Token).AsTask();
        Task<SendBuffer> waiting = queue.RentAsync(700_000, cancellationToken: Ct).AsTask();
        cancel.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        Assert.False(waiting.IsCompleted);
        using (ReceivedMessage first = await queue.ReceiveAsync(Ct))
            first.Complete();
        using SendBuffer buffer = await waiting.WaitAsync(s_soon, Ct);
        Assert.Equal(700_000, buffer.Length);
    }

    private static byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }
}
