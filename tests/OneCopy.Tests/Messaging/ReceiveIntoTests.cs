using FsCheck;
using FsCheck.Fluent;
using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Receiving into one's own memory: copied and completed in one call, on every lane, and whoever else is at it.</summary>
public sealed class ReceiveIntoTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(20);

    private readonly TestRoot _root = new();

    public void Dispose() => _root.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(448)]
    [InlineData(449)]
    [InlineData(10_000)]
    [InlineData(3_000_000)]
    public async Task What_was_sent_is_copied_and_done(int length)
    {
        using MessageQueue sender = _root.Open();
        using MessageQueue receiver = _root.Open();
        byte[] payload = Numbered(7, length);
        Task sending = sender.SendAsync(payload, cancellationToken: TestContext.Current.CancellationToken).AsTask();
        byte[] room = new byte[length + 10];
        Assert.Equal(length, receiver.Receive(room, s_soon, TestContext.Current.CancellationToken));
        Assert.True(room.AsSpan(0, length).SequenceEqual(payload));
        await sending.WaitAsync(s_soon, TestContext.Current.CancellationToken);
        QueueStatistics all = receiver.Statistics;
        Assert.Equal((0, 0, 1), (all.Queued, all.Leased, all.Completed.Total.Messages));
        Assert.False(receiver.TryReceive(room, out int none));
        Assert.Equal(0, none);
    }

    /// <summary>A receiver may leave the reference of what it took in the ring until it comes again, and it may never come.</summary>
    [Fact]
    public void The_room_of_what_was_taken_is_there_though_its_receiver_does_not_come_again()
    {
        using MessageQueue sender = _root.Open(options: Small());
        using MessageQueue receiver = _root.Open(options: Small());
        sender.FillRing();
        Assert.True(receiver.TryReceive(new byte[1], out _));
        Assert.True(sender.TrySend([2]));
        Assert.False(sender.TrySend([3]));
        Assert.Equal((64, 0), (sender.Statistics.Queued, sender.Statistics.Leased));
    }

    [Fact]
    public async Task A_sender_that_sleeps_for_room_is_woken_by_a_receiver_that_takes_one_and_does_not_come_again()
    {
        using MessageQueue sender = _root.Open(options: Small());
        using MessageQueue receiver = _root.Open(options: Small());
        sender.FillRing();
        using Ring ring = sender.OpenRing();
        Task sending = Task.Run(() => sender.Send([2], cancellationToken: TestContext.Current.CancellationToken), TestContext.Current.CancellationToken);
        Eventually.True(() => ring.IsAsleep(WaitKind.Space, sender.ParticipantIndex), "the sender sleeps for room");
        uint bell = BellOf(sender);
        Assert.True(receiver.TryReceive(new byte[1], out _));

        // Rung, and not only awake by itself a while later.
        Assert.NotEqual(bell, BellOf(sender));
        await sending.WaitAsync(s_soon, TestContext.Current.CancellationToken);

        static unsafe uint BellOf(MessageQueue queue) => Volatile.Read(ref *queue.Self().Doorbell(WaitKind.Space));
    }

    /// <summary>Each of two meets what the other one has left.</summary>
    [Fact]
    public void Receivers_that_take_in_turn_get_all_in_order()
    {
        using MessageQueue sender = _root.Open(options: Small());
        using MessageQueue one = _root.Open(options: Small());
        using MessageQueue two = _root.Open(options: Small());
        byte[] room = new byte[4];
        for (int i = 0; i < 5000; i++)
        {
            sender.Send(Numbered(i, 4));
            if (i < 3)
                continue;
            Assert.True((i % 2 == 0 ? one : two).TryReceive(room, out _));
            Assert.Equal(i - 3, NumberOf(room));
        }
    }

    [Theory]
    [InlineData(100)]
    [InlineData(5_000)]
    [InlineData(300_000)]
    public async Task One_that_is_too_long_stays_the_first(int length)
    {
        using MessageQueue sender = _root.Open();
        using MessageQueue receiver = _root.Open();
        Task sending = sender.SendAsync(Numbered(1, length), cancellationToken: TestContext.Current.CancellationToken).AsTask();
        sender.Send(Numbered(2, 4));
        byte[] room = new byte[length];
        for (int i = 0; i < 3; i++)
        {
            Assert.Contains($"has {length:N0} bytes", Assert.Throws<ArgumentException>(() => receiver.Receive(room.AsSpan(1), s_soon)).Message, StringComparison.Ordinal);
            Assert.Throws<ArgumentException>(() => receiver.TryReceive(room.AsSpan(1), out _));
            Assert.Throws<ArgumentException>(() => receiver.TryReceiveMany(room.AsSpan(1), new int[3]));
        }

        Assert.Equal(2, receiver.Statistics.Queued);
        Assert.Equal(length, receiver.Receive(room, s_soon));
        Assert.Equal(1, NumberOf(room));
        Assert.Equal(4, receiver.Receive(room, s_soon));
        Assert.Equal(2, NumberOf(room));
        await sending.WaitAsync(s_soon, TestContext.Current.CancellationToken);
    }

    [Fact]
    public void One_that_was_given_back_before_comes_as_well_and_in_the_end_becomes_a_dead_letter()
    {
        using MessageQueue queue = _root.Open(options: new QueueOptions { MaxDeliveryAttempts = 2 });
        byte[] room = new byte[10];
        queue.Send([1, 2, 3]);
        queue.Receive(s_soon).Abandon();
        Assert.Throws<ArgumentException>(() => queue.Receive(room.AsSpan(0, 2), s_soon));
        Assert.Equal(3, queue.Receive(room, s_soon));
        Assert.Equal(1, queue.Statistics.Redelivered);

        queue.Send([4]);
        queue.Receive(s_soon).Abandon();
        queue.Receive(s_soon).Abandon();
        Assert.False(queue.TryReceive(room, out _));
        Assert.Equal(1, queue.Statistics.DeadLettered);
    }

    [Fact]
    public void One_whose_time_has_passed_is_not_handed_out_whether_it_fits_or_not()
    {
        using MessageQueue queue = _root.Open();
        byte[] room = new byte[4];
        queue.Send(new byte[100], new SendOptions { TimeToLive = TimeSpan.FromMilliseconds(1) });
        queue.Send([5], new SendOptions { TimeToLive = TimeSpan.FromMilliseconds(1) });
        queue.Send([6], new SendOptions { TimeToLive = TimeSpan.FromHours(1) });
        DateTimeOffset sent = DateTimeOffset.UtcNow;
        Eventually.True(() => DateTimeOffset.UtcNow > sent + TimeSpan.FromMilliseconds(2), "their time has passed");
        Assert.Equal(1, queue.Receive(room, s_soon));
        Assert.Equal(6, room[0]);
        Assert.Equal((2, 2), (queue.Statistics.Expired, queue.Statistics.DeadLettered));
    }

    /// <summary>What cannot be a message is thrown away, and does not stay as one that is too long.</summary>
    [Theory]
    [InlineData(BlockLayout.PayloadLengthOffset, 1L << 40)]
    [InlineData(BlockLayout.PayloadLengthOffset, 449)]
    [InlineData(BlockLayout.PayloadLengthOffset, -1)]
    [InlineData(BlockLayout.PayloadOffsetOffset, 0)]
    [InlineData(BlockLayout.PayloadOffsetOffset, 1L << 40)]
    [InlineData(BlockLayout.PayloadOffsetOffset, long.MinValue)]
    public unsafe void One_with_an_impossible_record_is_said_and_the_next_one_comes(int field, long value)
    {
        using MessageQueue queue = _root.Open();
        byte[] room = new byte[100];
        foreach (bool many in (bool[])[false, true])
        {
            queue.Send([1]);
            queue.Send([2]);
            int block = many ? 2 : 0;
            *(long*)(queue.Self().Block(block) + field) = value;
            Assert.Throws<QueueCorruptException>(() => many ? queue.TryReceiveMany(room, new int[2]) : queue.Receive(room, s_soon));
            Assert.Equal(1, queue.Receive(room, s_soon));
            Assert.Equal(2, room[0]);
            Assert.Equal(0, queue.Statistics.Queued + queue.Statistics.Leased);
        }
    }

    [Fact]
    public async Task One_that_was_taken_back_is_passed_over()
    {
        using MessageQueue sender = _root.Open();
        using MessageQueue receiver = _root.Open();
        using CancellationTokenSource cancel = new();
        Task sending = sender.SendAsync(new byte[300_000], cancellationToken: cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending.WaitAsync(s_soon, TestContext.Current.CancellationToken));
        sender.Send([9]);
        byte[] room = new byte[10];
        Assert.Equal(1, receiver.Receive(room, s_soon));
        Assert.Equal(9, room[0]);
    }

    [Fact]
    public async Task It_waits_with_a_thread_and_without_and_no_longer_than_it_is_told()
    {
        using MessageQueue sender = _root.Open();
        using MessageQueue receiver = _root.Open(options: new QueueOptions { WaitStrategy = WaitStrategy.Sleep });
        using Ring ring = receiver.OpenRing();
        byte[] room = new byte[10];
        Assert.Throws<TimeoutException>(() => receiver.Receive(room, TimeSpan.FromMilliseconds(1)));
        using CancellationTokenSource cancel = new();
        Task<int> cancelled = receiver.ReceiveAsync(room, cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.WaitAsync(s_soon, TestContext.Current.CancellationToken));

        Task<int> asynchronous = receiver.ReceiveAsync(room, TestContext.Current.CancellationToken).AsTask();
        Assert.False(asynchronous.IsCompleted);
        sender.Send([1, 2]);
        Assert.Equal(2, await asynchronous.WaitAsync(s_soon, TestContext.Current.CancellationToken));
        Task<int> blocking = Task.Run(() => receiver.Receive(room, s_soon), TestContext.Current.CancellationToken);
        Eventually.True(() => ring.IsAsleep(WaitKind.Receive, receiver.ParticipantIndex), "it sleeps");
        sender.Send([3]);
        Assert.Equal(1, await blocking.WaitAsync(s_soon, TestContext.Current.CancellationToken));

        sender.Send([4, 5]);
        Assert.Equal(2, await receiver.ReceiveAsync(room, TestContext.Current.CancellationToken));
        receiver.Dispose();
        Assert.Throws<ObjectDisposedException>(() => receiver.Receive(room, s_soon));
        Assert.Throws<ObjectDisposedException>(() => receiver.TryReceive(room, out _));
        Assert.Throws<ObjectDisposedException>(() => receiver.TryReceiveMany(room, new int[1]));
    }

    /// <summary>A sender asleep for a free block, and one asleep for room in the ring, are told.</summary>
    [Theory]
    [InlineData(1, 1024)]
    [InlineData(200, 64)]
    public async Task A_sender_that_sleeps_for_room_goes_on(int blocks, int ring)
    {
        using MessageQueue sender = _root.Open(options: new QueueOptions { Blocks = blocks, RingCapacity = ring, WaitStrategy = WaitStrategy.Sleep });
        using MessageQueue receiver = _root.Open(options: new QueueOptions { Blocks = blocks, RingCapacity = ring });
        Task sending = Task.Run(
            () =>
            {
                for (int i = 0; i < 2_000; i++)
                    sender.Send(Numbered(i, 8));
            },
            TestContext.Current.CancellationToken);
        byte[] room = new byte[8];
        int[] lengths = new int[3];
        for (int next = 0; next < 2_000;)
        {
            if (next % 2 == 0)
            {
                receiver.Receive(room, s_soon, TestContext.Current.CancellationToken);
                Assert.Equal(next++, NumberOf(room));
            }
            else if (receiver.TryReceiveMany(room, lengths) > 0)
            {
                Assert.Equal(next++, NumberOf(room));
            }
        }

        await sending.WaitAsync(s_soon, TestContext.Current.CancellationToken);
    }

    /// <summary>Short and long ones, as they fit: each payload right behind the one before, in their order, and none lost for want of room.</summary>
    [Fact]
    public void Many_come_one_behind_the_other_as_they_fit()
    {
        Gen<int> lengths = Gen.OneOf(Gen.Choose(0, 30), Gen.Choose(400, 500), Gen.Choose(501, 9_000));
        Gen<(int[] Sizes, int Room, int Places)> cases =
            from sizes in lengths.ArrayOf().Resize(40)
            from room in Gen.OneOf(Gen.Choose(0, 1_000), Gen.Choose(1_000, 40_000))
            from places in Gen.Choose(1, 100)
            select (sizes, room, places);
        using MessageQueue sender = _root.Open();
        using MessageQueue receiver = _root.Open();
        Prop.ForAll(cases.ToArbitrary(), c =>
        {
            byte[][] payloads = [.. c.Sizes.Select((s, i) => Numbered(i, s))];
            sender.SendMany([.. payloads.Select(p => (ReadOnlyMemory<byte>)p)]);
            byte[] room = new byte[Math.Max(c.Room, c.Sizes.Append(0).Max())];
            int[] lengths = new int[c.Places];
            int next = 0;
            while (receiver.TryReceiveMany(room, lengths) is var count and > 0)
            {
                int at = 0;
                foreach (int length in lengths.AsSpan(0, count))
                {
                    Assert.True(room.AsSpan(at, length).SequenceEqual(payloads[next++]));
                    at += length;
                }
            }

            Assert.Equal(payloads.Length, next);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));
        Assert.Equal(0, receiver.Statistics.Queued + receiver.Statistics.Leased);
        Assert.Equal(0, receiver.TryReceiveMany(new byte[10], []));
    }

    /// <summary>Blocks are few, so that each is used again while somebody may still be copying what was in it; some receivers hold a lease, and some give it back.</summary>
    [Fact]
    public async Task Whoever_takes_them_every_message_comes_once_and_whole()
    {
        const int Senders = 2;
        const int Receivers = 4;
        const int Each = 40_000;
        int[] seen = new int[Senders * Each];
        int left = seen.Length;
        using CancellationTokenSource all = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        List<Task> tasks = [];
        for (int s = 0; s < Senders; s++)
        {
            int first = s * Each;
            MessageQueue queue = _root.Open(options: new QueueOptions { Blocks = 3, RingCapacity = 64 });
            tasks.Add(Task.Factory.StartNew(
                () =>
                {
                    using (queue)
                    {
                        byte[] payload = new byte[200];
                        for (int i = 0; i < Each; i++)
                        {
                            payload.AsSpan().Fill((byte)(first + i));
                            BitConverter.TryWriteBytes(payload, first + i);
                            queue.Send(payload);
                        }
                    }
                },
                TaskCreationOptions.LongRunning));
        }

        for (int r = 0; r < Receivers; r++)
        {
            int number = r;
            MessageQueue queue = _root.Open(options: new QueueOptions { Blocks = 3, RingCapacity = 64 });
            tasks.Add(Task.Factory.StartNew(
                () =>
                {
                    using (queue)
                        Take(queue, number);
                },
                TaskCreationOptions.LongRunning));
        }

        await Task.WhenAll(tasks).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.All(seen, times => Assert.Equal(1, times));

        void Take(MessageQueue queue, int number)
        {
            byte[] room = new byte[600];
            int[] lengths = new int[3];
            int turns = 0;
            while (Volatile.Read(ref left) > 0)
            {
                int count = 1;
                lengths[0] = 200;
                try
                {
                    if (number == 0)
                    {
                        using ReceivedMessage message = queue.Receive(null, all.Token);
                        message.CopyTo(room);
                        if (++turns % 16 == 0)
                            continue; // Given back.
                        message.Complete();
                    }
                    else if (number == 1)
                    {
                        count = queue.TryReceiveMany(room, lengths);
                    }
                    else
                    {
                        lengths[0] = queue.Receive(room, null, all.Token);
                    }
                }
                catch (OperationCanceledException) when (Volatile.Read(ref left) == 0)
                {
                    return;
                }

                for (int i = 0; i < count; i++)
                {
                    Span<byte> payload = room.AsSpan(i * 200, 200);
                    int message = NumberOf(payload);
                    if (lengths[i] != 200 || payload[4..].ContainsAnyExcept((byte)message))
                        throw new InvalidOperationException($"Message {message} is not whole.");
                    Interlocked.Increment(ref seen[message]);
                    if (Interlocked.Decrement(ref left) == 0)
                        all.Cancel();
                }
            }
        }
    }

    [Fact]
    public void Nothing_is_allocated()
    {
        using MessageQueue queue = _root.Open();
        byte[] payload = new byte[100];
        byte[] room = new byte[800];
        int[] lengths = new int[8];
        for (int i = 0; i < 200; i++)
            Round();
        Assert.Equal(0, Allocations.Of(200, Round));

        void Round()
        {
            for (int i = 0; i < 12; i++)
                queue.Send(payload);
            for (int i = 0; i < 4; i++)
                queue.Receive(room);
            if (queue.TryReceiveMany(room, lengths) != 8)
                throw new InvalidOperationException("Not all were taken.");
        }
    }

    private static int NumberOf(ReadOnlySpan<byte> payload) => BitConverter.ToInt32(payload);

    private static QueueOptions Small() => new() { RingCapacity = 64, Blocks = 128 };

    private static byte[] Numbered(int number, int length)
    {
        byte[] payload = new byte[length];
        new Random(number).NextBytes(payload);
        if (length >= 4)
            BitConverter.TryWriteBytes(payload, number);
        return payload;
    }
}
