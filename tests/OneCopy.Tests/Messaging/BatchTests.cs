using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Many messages at once: the same messages in the same order, whatever there is room for, and nothing allocated.</summary>
public sealed class BatchTests : IDisposable
{
    private readonly TestRoot _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public async Task More_than_there_are_blocks_come_in_order_whatever_their_size()
    {
        using MessageQueue sender = Open(blocks: 16);
        using MessageQueue receiver = Open(blocks: 16);
        ReadOnlyMemory<byte>[] payloads = [.. Enumerable.Range(0, 500).Select(i => (ReadOnlyMemory<byte>)Numbered(i, i % 7 == 3 ? 3_000 : 4 + (i % 300)))];
        Task sending = Task.Run(() => sender.SendMany(payloads), TestContext.Current.CancellationToken);
        ReceivedMessage[] room = new ReceivedMessage[50];
        for (int next = 0; next < payloads.Length;)
        {
            int taken = receiver.TryReceiveMany(room);
            if (taken == 0)
            {
                taken = 1;
                room[0] = receiver.Receive(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
            }

            for (int i = 0; i < taken; i++)
                Assert.True(room[i].ToArray().AsSpan().SequenceEqual(payloads[next++].Span), $"message {next - 1}");
            receiver.CompleteMany(room.AsSpan(0, taken));
        }

        await sending.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.False(receiver.TryReceive(out _));
    }

    [Fact]
    public void As_many_as_the_blocks_the_ring_or_the_arena_have_room_for_are_sent_and_the_rest_leaves_nothing()
    {
        using MessageQueue few = Open(blocks: 5);
        Assert.Equal(5, few.TrySendMany(Small(9)));
        Assert.Equal(0, few.TrySendMany(Small(9)));
        Drain(few, 5);

        using MessageQueue many = Open(blocks: 256);
        Assert.Equal(64, many.TrySendMany(Small(100))); // The ring's.
        Assert.Equal(0, many.TrySendMany(Small(1)));
        Drain(many, 64);
        Assert.Equal(64, many.TrySendMany(Small(64)));
        Drain(many, 64);

        ReadOnlyMemory<byte>[] large = [.. Enumerable.Range(0, 5).Select(i => (ReadOnlyMemory<byte>)Numbered(i, 300_000))];
        int sent = many.TrySendMany(large); // The arena's: 1 MiB.
        Assert.Equal(3, sent);
        Drain(many, 3);
        Assert.Equal(0, many.Statistics.Queued + many.Statistics.Leased);
        Assert.Equal(3, many.TrySendMany(large));
        Drain(many, 3);
        Assert.Throws<OneCopyException>(() => many.TrySendMany([Numbered(0, 2 << 20)]));
        Assert.Equal(1, many.TrySendMany([Numbered(0, 10), Numbered(1, 2 << 20)]));
        Drain(many, 1);
        Assert.Equal(0, many.TrySendMany([]));
    }

    /// <summary>A batch that has run out of blocks waits for several, some way on: a message that is held just there keeps nobody from the others.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(40)]
    public async Task A_held_message_keeps_no_batch_from_the_blocks_around_it(int held)
    {
        const int Blocks = 64;
        using MessageQueue sender = Open(Blocks);
        using MessageQueue receiver = Open(Blocks);
        CancellationToken ct = TestContext.Current.CancellationToken;
        ReceivedMessage kept = default;
        Task sending = Task.Run(() => sender.SendMany(Small(1000)), ct);
        for (int i = 0; i < 1000; i++)
        {
            ReceivedMessage message = receiver.Receive(TimeSpan.FromSeconds(20), ct);
            if (i == held)
                kept = message;
            else
                message.Complete();
        }

        await sending.WaitAsync(TimeSpan.FromSeconds(20), ct);
        kept.Complete();
        Assert.Equal(0, sender.Statistics.Queued + sender.Statistics.Leased);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(100_000)]
    public void A_payload_whose_memory_is_gone_is_said_when_those_before_it_are_sent_and_leaves_the_blocks_free(int length)
    {
        using MessageQueue queue = Open(blocks: 4);
        using ForeignMemory gone = new(() => throw new ObjectDisposedException(nameof(ForeignMemory)));
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(2, queue.TrySendMany([Numbered(0, length), Numbered(1, length), gone.Memory, Numbered(3, length)]));
            Drain(queue, 2);
            Assert.Throws<ObjectDisposedException>(() => queue.TrySendMany([gone.Memory, Numbered(3, length)]));
            Assert.Throws<ObjectDisposedException>(() => queue.SendMany([Numbered(0, length), gone.Memory]));
            Drain(queue, 1);
        }

        Assert.Equal(4, queue.TrySendMany(Small(9)));
        Drain(queue, 4);
    }

    /// <summary>Somebody else's code is asked for an array first, and may throw there as well.</summary>
    [Fact]
    public async Task What_was_put_before_a_payload_that_throws_when_it_is_asked_for_its_array_is_received_by_who_sleeps()
    {
        using MessageQueue sender = Open(blocks: 16);
        using MessageQueue receiver = Open(blocks: 16);
        using ForeignMemory gone = new(() => new byte[10], () => throw new ObjectDisposedException(nameof(ForeignMemory)));
        sender.Send(new byte[10]);
        receiver.Receive().Complete();
        ValueTask<ReceivedMessage> receiving = receiver.ReceiveAsync(TestContext.Current.CancellationToken);
        Assert.False(receiving.IsCompleted);
        Assert.Equal(2, sender.TrySendMany([Numbered(5, 10), Numbered(6, 10), gone.Memory, Numbered(7, 10)]));
        using ReceivedMessage message = await receiving.AsTask().WaitAsync(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken); // Not after two, when it would look by itself.
        Assert.Equal(5, BitConverter.ToInt32(message.ToArray()));
        Assert.Throws<ObjectDisposedException>(() => sender.TrySendMany([gone.Memory]));
        Assert.Equal(3, sender.Statistics.Sent.Inline.Messages);
        Assert.Equal(6, BitConverter.ToInt32(receiver.Receive().ToArray()));
    }

    /// <summary>A head that is further behind than one batch would be followed by nobody but step by step.</summary>
    [Fact]
    public async Task A_batch_takes_no_more_places_of_the_ring_than_the_head_follows()
    {
        await using MessageQueue queue = MessageQueue.Open("q", new QueueOptions { Root = _root.Path, RingCapacity = 256, Blocks = 256, ArenaLimit = 1 << 20, AttachThreshold = 1 });
        using Ring ring = queue.OpenRing();
        ReceivedMessage[] messages = new ReceivedMessage[64];

        // So many leases are there then.
        queue.SendMany(Small(64));
        Assert.Equal(64, queue.TryReceiveMany(messages));
        queue.CompleteMany(messages);
        ulong begin = ring.Head;
        for (int i = 0; i < 40; i++)
        {
            // Taken back, and its reference stays.
            using CancellationTokenSource stop = new();
            ValueTask send = queue.SendAsync(new byte[10], cancellationToken: stop.Token);
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => send.AsTask());
        }

        Assert.Equal(40, ring.References().Count);
        queue.SendMany(Small(64));
        Assert.Equal(64, queue.TryReceiveMany(messages));
        queue.CompleteMany(messages);
        Assert.Equal((begin + 104, begin + 104), (ring.Head, ring.Tail));
        Assert.Empty(ring.References());
    }

    /// <summary>Whoever sleeps is rung before somebody else's code has its time.</summary>
    [Fact]
    public async Task What_was_put_before_a_payload_that_takes_its_time_is_received_meanwhile()
    {
        using MessageQueue sender = Open(blocks: 16);
        using MessageQueue receiver = Open(blocks: 16);
        using ManualResetEventSlim received = new();
        using ForeignMemory slow = new(() => received.Wait(TimeSpan.FromSeconds(20)) ? new byte[10] : throw new TimeoutException());
        sender.Send(new byte[10]);
        receiver.Receive().Complete();
        ValueTask<ReceivedMessage> receiving = receiver.ReceiveAsync(TestContext.Current.CancellationToken);
        Assert.False(receiving.IsCompleted);
        Task<int> sending = Task.Run(() => sender.TrySendMany([Numbered(7, 10), slow.Memory]), TestContext.Current.CancellationToken);
        using ReceivedMessage message = await receiving;
        Assert.False(sending.IsCompleted);
        received.Set();
        Assert.Equal(2, await sending);
        Assert.Equal(7, BitConverter.ToInt32(message.ToArray()));
    }

    [Fact]
    public void A_message_of_another_handle_is_refused_before_any_is_completed_and_one_answered_before_after_all_are()
    {
        using MessageQueue queue = Open(blocks: 16);
        using MessageQueue other = Open(blocks: 16);
        queue.SendMany(Small(4));
        ReceivedMessage[] mine = new ReceivedMessage[3];
        Assert.Equal(3, queue.TryReceiveMany(mine));
        Assert.True(other.TryReceive(out ReceivedMessage foreign));
        Assert.Throws<ArgumentException>(() => queue.CompleteMany([mine[0], foreign, mine[1]]));
        Assert.Equal(4, queue.Statistics.Leased);

        mine[1].Complete();
        Assert.Throws<InvalidOperationException>(() => queue.CompleteMany(mine));
        Assert.Equal(1, queue.Statistics.Leased);
        foreign.Complete();
        Assert.Equal(0, queue.Statistics.Leased + queue.Statistics.Queued);
    }

    [Fact]
    public void Nothing_is_allocated_for_a_message_sent_received_and_completed()
    {
        using MessageQueue queue = Open(blocks: 128);
        ReadOnlyMemory<byte>[] payloads = Small(32);
        ReceivedMessage[] room = new ReceivedMessage[32];
        byte[] payload = new byte[100];
        for (int i = 0; i < 200; i++)
            Round(queue, payloads, room, payload);
        Assert.Equal(0, Allocations.Of(200, () => Round(queue, payloads, room, payload)));
    }

    private static void Round(MessageQueue queue, ReadOnlyMemory<byte>[] payloads, ReceivedMessage[] room, byte[] payload)
    {
        queue.SendMany(payloads);
        int taken = queue.TryReceiveMany(room);
        if (taken != room.Length)
            throw new InvalidOperationException($"{taken} of {room.Length} were taken.");
        queue.CompleteMany(room);
        queue.Send(payload);
        queue.Receive().Complete();
        using SendBuffer rented = queue.Rent(100);
        rented.GetSpan()[0] = 1;
        rented.Advance(1);
        queue.Send(rented);
        queue.Receive().Complete();
    }

    private static void Drain(MessageQueue queue, int count)
    {
        ReceivedMessage[] room = new ReceivedMessage[count + 1];
        int taken = queue.TryReceiveMany(room);
        Assert.Equal(count, taken);
        for (int i = 0; i < taken; i++)
            Assert.Equal(i, BitConverter.ToInt32(room[i].ToArray()));
        queue.CompleteMany(room.AsSpan(0, taken));
    }

    private static ReadOnlyMemory<byte>[] Small(int count) => [.. Enumerable.Range(0, count).Select(i => (ReadOnlyMemory<byte>)Numbered(i, 40))];

    private static byte[] Numbered(int number, int length)
    {
        byte[] payload = new byte[length];
        BitConverter.TryWriteBytes(payload, number);
        return payload;
    }

    private MessageQueue Open(int blocks) => MessageQueue.Open(
        "q", new QueueOptions { Root = _root.Path, RingCapacity = 64, Blocks = blocks, ArenaLimit = 1 << 20 });

    private sealed class ForeignMemory(Func<byte[]> bytes, Func<bool>? hasArray = null) : System.Buffers.MemoryManager<byte>
    {
        protected override bool TryGetArray(out ArraySegment<byte> segment)
        {
            segment = default;
            return hasArray?.Invoke() ?? false;
        }

        public override Memory<byte> Memory => CreateMemory(10);

        public override Span<byte> GetSpan() => bytes();

        public override System.Buffers.MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
