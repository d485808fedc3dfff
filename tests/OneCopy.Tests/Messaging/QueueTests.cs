using System.Buffers;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>One process, one or two handles: what a message is and what can be done with it.</summary>
public sealed class QueueTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(448)]
    [InlineData(449)]
    [InlineData(65_536)]
    [InlineData(5_000_000)]
    public void A_copied_payload_arrives(int length)
    {
        using MessageQueue queue = _root.Open();
        byte[] payload = Pattern(length, 1);
        queue.Send(payload, cancellationToken: Ct);
        using ReceivedMessage message = queue.Receive(s_soon, Ct);
        Assert.Equal(length, message.Length);
        Assert.Equal(length <= 448 ? Lane.Inline : Lane.Arena, message.Lane);
        Assert.Equal(payload, message.ToArray());
        Assert.True(message.TryGetSpan(out ReadOnlySpan<byte> inPlace));
        Assert.True(inPlace.SequenceEqual(payload));
        message.Complete();
        Assert.False(queue.TryReceive(out _));
    }

    [Theory]
    [InlineData(100_000)]
    [InlineData(20_000_001)]
    public async Task An_attached_payload_arrives_and_its_send_completes_with_it(int length)
    {
        await using MessageQueue sender = _root.Open();
        await using MessageQueue receiver = _root.Open();
        byte[] payload = Pattern(length, 2);
        Task send = sender.SendAsync(payload, cancellationToken: Ct).AsTask();
        using ReceivedMessage message = await receiver.ReceiveAsync(Ct);
        Assert.Equal(Lane.Attached, message.Lane);
        Assert.False(message.TryGetSpan(out _));
        byte[] part = new byte[1000];
        message.CopyTo(length - 1000, part, Ct);
        Assert.Equal(payload[^1000..], part);
        Assert.Equal(payload, message.ToArray());
        Assert.False(send.IsCompleted);
        message.Complete();
        await send.WaitAsync(s_soon, Ct);
    }

    [Fact]
    public async Task A_sequence_is_gathered()
    {
        await using MessageQueue sender = _root.Open();
        await using MessageQueue receiver = _root.Open();
        byte[][] pieces = [.. Enumerable.Range(0, 200).Select(i => Pattern(i * 37, i))];
        Task send = sender.SendAsync(Sequence(pieces), cancellationToken: Ct).AsTask();
        using ReceivedMessage message = await receiver.ReceiveAsync(Ct);
        Assert.Equal(Lane.Attached, message.Lane);
        byte[] whole = [.. pieces.SelectMany(p => p)];
        Memory<byte>[] scattered = [new byte[10], new byte[whole.Length - 12], Memory<byte>.Empty, new byte[2]];
        message.CopyTo(0, scattered, Ct);
        Assert.Equal(whole, scattered.SelectMany(m => m.ToArray()));
        message.Complete();
        await send.WaitAsync(s_soon, Ct);
    }

    [Fact]
    public void A_rented_buffer_is_sent_in_place()
    {
        using MessageQueue queue = _root.Open();
        foreach (int length in new[] { 0, 10, 100_000 })
        {
            using SendBuffer buffer = queue.Rent(length, cancellationToken: Ct);
            Pattern(length, 3).CopyTo(buffer.Span);
            queue.Send(buffer, new SendOptions { Properties = new MessageProperties { ContentType = "x/y" } }, Ct);
            using ReceivedMessage message = queue.Receive(s_soon, Ct);
            Assert.Equal("x/y", message.Properties.ContentType);
            Assert.Equal(Pattern(length, 3), message.ToArray());
            message.Complete();
        }
    }

    [Fact]
    public void Properties_travel()
    {
        using MessageQueue queue = _root.Open();
        foreach (int filler in new[] { 0, 5000 })
        {
            MessageProperties properties = new() { MessageId = "m", CorrelationId = "c", ContentType = "text/plain" };
            properties.Headers["name"] = "välue";
            properties.Headers["filler"] = new string('x', filler);
            queue.Send([1, 2, 3], new SendOptions { Properties = properties }, Ct);
            using ReceivedMessage message = queue.Receive(s_soon, Ct);
            Assert.Equal(("m", "c", "text/plain"), (message.Properties.MessageId, message.Properties.CorrelationId, message.Properties.ContentType));
            Assert.Equal("välue", message.Properties.Headers["name"]);
            Assert.Equal(filler, message.Properties.Headers["filler"].Length);
            Assert.Equal(Environment.ProcessId, message.SenderPid);
            Assert.InRange(message.TimeSent, DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow.AddMinutes(1));
            message.Complete();
        }

        MessageProperties tooLong = new() { MessageId = new string('x', MessageProperties.MaxEncodedLength) };
        Assert.Throws<ArgumentException>(() => queue.Send([1], new SendOptions { Properties = tooLong }, Ct));
        MessageProperties withoutValue = new();
        withoutValue.Headers["name"] = null!;
        Assert.Throws<ArgumentException>(() => queue.Send([1], new SendOptions { Properties = withoutValue }, Ct));
        Assert.Throws<ArgumentException>(() => queue.Send([1], new SendOptions { UntilCompleted = true }, Ct));
        Assert.False(queue.TryReceive(out _));
    }

    [Fact]
    public void An_abandoned_message_comes_again_and_at_last_is_a_dead_letter()
    {
        using MessageQueue queue = _root.Open(options: new QueueOptions { MaxDeliveryAttempts = 3 });
        queue.Send([42], cancellationToken: Ct);
        for (int attempt = 1; attempt <= 3; attempt++)
        {
            using ReceivedMessage message = queue.Receive(s_soon, Ct);
            Assert.Equal(attempt, message.DeliveryAttempt);
            message.Abandon();
        }

        // At once, and not when the next message is asked for: its sender may be waiting.
        Assert.Equal(1, queue.Statistics.DeadLettered);
        Assert.False(queue.TryReceive(out _));
        using MessageQueue dead = _root.Open(queue.DeadLetterQueueName);
        using ReceivedMessage letter = dead.Receive(s_soon, Ct);
        Assert.Equal([42], letter.ToArray());
        Assert.Contains("3 times", letter.Properties.Headers[DeadLetterHeaders.Reason], StringComparison.Ordinal);
        letter.Complete();
        Assert.Equal((2, 0), (queue.Statistics.Redelivered, queue.Statistics.Completed.Total.Messages));
    }

    [Fact]
    public void Messages_of_one_sender_arrive_in_order()
    {
        using MessageQueue sender = _root.Open();
        using MessageQueue receiver = _root.Open();
        int sent = 0;
        for (int i = 0; i < 50_000; i++)
        {
            while (sent < 50_000 && sender.TrySend(BitConverter.GetBytes(sent)))
                sent++;
            using ReceivedMessage message = receiver.Receive(s_soon, Ct);
            Assert.Equal(i, BitConverter.ToInt32(message.ToArray()));
            message.Complete();
        }
    }

    [Fact]
    public async Task A_full_queue_pushes_back_and_goes_on_when_there_is_room()
    {
        await using MessageQueue queue = _root.Open(options: new QueueOptions { Blocks = 4 });
        for (byte i = 0; i < 4; i++)
            Assert.True(queue.TrySend([i]));
        Assert.False(queue.TrySend([4]));
        Assert.Throws<TimeoutException>(() => queue.Send([4], new SendOptions { Timeout = TimeSpan.FromMilliseconds(20) }, Ct));
        Task late = Task.Run(() => queue.Send([4], cancellationToken: Ct), Ct);
        ValueTask later = queue.SendAsync(new byte[] { 5 }, cancellationToken: Ct);
        List<byte> got = [];
        while (got.Count < 6)
        {
            using ReceivedMessage message = queue.Receive(s_soon, Ct);
            got.Add(message.ToArray()[0]);
            message.Complete();
        }

        await late.WaitAsync(s_soon, Ct);
        await later.AsTask().WaitAsync(s_soon, Ct);
        Assert.Equal([0, 1, 2, 3], got.Take(4));
        Assert.Equal([4, 5], got.Skip(4).Order().ToArray());
    }

    [Fact]
    public void A_full_ring_pushes_back_too()
    {
        using MessageQueue queue = _root.Open(options: new QueueOptions { RingCapacity = 64, Blocks = 100 });
        for (byte i = 0; i < 64; i++)
            Assert.True(queue.TrySend([i]));
        Assert.False(queue.TrySend([64]));
        Assert.Throws<TimeoutException>(() => queue.Send([64], new SendOptions { Timeout = TimeSpan.FromMilliseconds(20) }, Ct));
        for (byte i = 0; i < 64; i++)
        {
            using ReceivedMessage message = queue.Receive(s_soon, Ct);
            Assert.Equal(i, message.ToArray()[0]);
            message.Complete();
        }

        Assert.False(queue.TryReceive(out _));
        Assert.True(queue.TrySend([1]));
    }

    [Fact]
    public async Task A_cancelled_attached_send_is_withdrawn_even_from_its_receiver()
    {
        await using MessageQueue sender = _root.Open();
        await using MessageQueue receiver = _root.Open();
        using CancellationTokenSource cancel = new();
        Task first = sender.SendAsync(new byte[100_000], cancellationToken: cancel.Token).AsTask();
        Task second = sender.SendAsync(new byte[100_000], cancellationToken: cancel.Token).AsTask();
        using ReceivedMessage held = await receiver.ReceiveAsync(Ct);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        Assert.Throws<MessageWithdrawnException>(() => held.ToArray());
        Assert.Throws<MessageWithdrawnException>(held.Complete);
        Assert.False(receiver.TryReceive(out _));
        Assert.Equal(2, receiver.Statistics.Withdrawn);
        sender.Send([7], cancellationToken: Ct);
        using ReceivedMessage next = receiver.Receive(s_soon, Ct);
        Assert.Equal([7], next.ToArray());
        next.Complete();
    }

    [Fact]
    public async Task Waiting_ends_by_message_time_or_cancellation()
    {
        await using MessageQueue queue = _root.Open();
        Assert.False(queue.TryReceive(TimeSpan.FromMilliseconds(30), out _, Ct));
        using CancellationTokenSource cancel = new();
        Task<ReceivedMessage> asynchronous = queue.ReceiveAsync(cancel.Token).AsTask();
        Task<ReceivedMessage> synchronous = Task.Run(() => queue.Receive(null, cancel.Token), Ct);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asynchronous.WaitAsync(s_soon, Ct));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => synchronous.WaitAsync(s_soon, Ct));
        Task<ReceivedMessage>[] waiting = [.. Enumerable.Range(0, 5).Select(_ => queue.ReceiveAsync(Ct).AsTask())];
        for (byte i = 0; i < 5; i++)
            queue.Send([i], cancellationToken: Ct);
        ReceivedMessage[] messages = await Task.WhenAll(waiting).WaitAsync(s_soon, Ct);
        Assert.Equal([0, 1, 2, 3, 4], messages.Select(m => m.ToArray()[0]).Order().ToArray());
        foreach (ReceivedMessage message in messages)
            message.Complete();
    }

    [Fact]
    public async Task Closing_gives_back_what_is_held_and_keeps_what_was_sent()
    {
        MessageQueue sender = _root.Open();
        MessageQueue holder = _root.Open();
        await using MessageQueue last = _root.Open();
        sender.Send(Pattern(100_000, 9), cancellationToken: Ct);
        ReceivedMessage held = holder.Receive(s_soon, Ct);
        Task attached = sender.SendAsync(new byte[100_000], cancellationToken: Ct).AsTask();
        Task<ReceivedMessage> waiting = Task.Run(() => holder.Receive(null, Ct), Ct);
        using ReceivedMessage second = await waiting.WaitAsync(s_soon, Ct);
        Task<ReceivedMessage> waitingInVain = Task.Run(() => holder.Receive(null, Ct), Ct);
        await sender.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => attached.WaitAsync(s_soon, Ct));
        await holder.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waitingInVain.WaitAsync(s_soon, Ct));
        Assert.Throws<ObjectDisposedException>(held.Complete);
        using ReceivedMessage again = last.Receive(s_soon, Ct);
        Assert.Equal(Pattern(100_000, 9), again.ToArray());
        Assert.Equal(1, again.DeliveryAttempt);
        again.Complete();
        Assert.Single(last.Statistics.Participants);
        Assert.Equal(2, Directory.GetFiles(last.Path).Length);
    }

    [Fact]
    public void Delete_refuses_while_somebody_is_there()
    {
        using (MessageQueue queue = _root.Open("doomed"))
        {
            queue.Send([1], cancellationToken: Ct);
            OneCopyException refused = Assert.Throws<OneCopyException>(() => MessageQueue.Delete("doomed", _root.Path));
            Assert.Contains(Environment.ProcessId.ToString(), refused.Message, StringComparison.Ordinal);
            Assert.Equal(["doomed"], MessageQueue.List(_root.Path));
        }

        Assert.True(MessageQueue.Delete("doomed", _root.Path));
        Assert.False(MessageQueue.Delete("doomed", _root.Path));
        Assert.False(MessageQueue.TryOpen("doomed", out _, _root.Options));
        Assert.Empty(MessageQueue.List(_root.Path));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".hidden")]
    [InlineData("a/b")]
    [InlineData("../a")]
    [InlineData("ä")]
    public void A_bad_name_is_refused(string name) => Assert.ThrowsAny<ArgumentException>(() => MessageQueue.Open(name, _root.Options));

    private static byte[] Pattern(int length, int seed)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    internal static ReadOnlySequence<byte> Sequence(byte[][] pieces)
    {
        Piece first = new(pieces[0], 0);
        Piece last = first;
        foreach (byte[] piece in pieces.Skip(1))
            last = last.Append(piece);
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(byte[] bytes, long index)
        {
            Memory = bytes;
            RunningIndex = index;
        }

        public Piece Append(byte[] bytes)
        {
            Piece next = new(bytes, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
