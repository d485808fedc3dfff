using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>A message whose time has passed is handed to nobody, and is not lost.</summary>
public sealed class ExpiryTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);
    private static readonly SendOptions s_short = new() { TimeToLive = TimeSpan.FromMilliseconds(1) };
    private static readonly QueueOptions s_small = new() { RingCapacity = 64 };
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Theory]
    [InlineData(3)]
    [InlineData(100_000)]
    public void An_expired_message_becomes_a_dead_letter_and_the_one_behind_it_is_handed_out(int length)
    {
        using MessageQueue queue = _root.Open();
        byte[] payload = new byte[length];
        TestProcess.QueueModes.Fill(payload, 7);
        queue.Send(payload, s_short with { Properties = new MessageProperties { MessageId = "late" } }, Ct);
        queue.Send([2], cancellationToken: Ct);
        PassTime();
        using (ReceivedMessage next = queue.Receive(s_soon, Ct))
        {
            Assert.Equal([2], next.ToArray());
            Assert.Null(next.Expires);
            next.Complete();
        }

        Assert.False(queue.TryReceive(out _));
        Assert.Equal((0, 0, 1, 1), (queue.Statistics.Queued, queue.Statistics.Leased, queue.Statistics.Expired, queue.Statistics.DeadLettered));
        using MessageQueue deadLetters = _root.Open(queue.DeadLetterQueueName);
        using ReceivedMessage letter = deadLetters.Receive(s_soon, Ct);
        Assert.Equal(payload, letter.ToArray());
        Assert.Equal("late", letter.Properties.MessageId);
        Assert.StartsWith("expired ", letter.Properties.Headers[DeadLetterHeaders.Reason], StringComparison.Ordinal);
        Assert.Equal("0", letter.Properties.Headers[DeadLetterHeaders.Attempts]);
        Assert.Null(letter.Expires);
        letter.Complete();
    }

    [Fact]
    public void A_message_that_was_handed_out_in_time_is_completed_whenever_its_receiver_is_done()
    {
        using MessageQueue queue = _root.Open();
        DateTimeOffset before = DateTimeOffset.UtcNow;
        queue.Send([1], new SendOptions { TimeToLive = TimeSpan.FromMilliseconds(500) }, Ct);
        using ReceivedMessage message = queue.Receive(s_soon, Ct);
        DateTimeOffset expires = Assert.NotNull(message.Expires);
        Assert.InRange(expires - before, TimeSpan.FromMilliseconds(499), TimeSpan.FromMilliseconds(500) + (DateTimeOffset.UtcNow - before));
        Eventually.True(() => DateTimeOffset.UtcNow > expires, "its time has passed");
        message.Complete();
        Assert.Equal((0, 1), (queue.Statistics.Expired, queue.Statistics.Completed.Inline.Messages));
    }

    [Fact]
    public void A_message_that_expires_while_it_is_held_and_is_given_back_becomes_a_dead_letter()
    {
        using MessageQueue queue = _root.Open();
        queue.Send([1], new SendOptions { TimeToLive = TimeSpan.FromMilliseconds(500) }, Ct);
        using (ReceivedMessage message = queue.Receive(s_soon, Ct))
        {
            Eventually.True(() => DateTimeOffset.UtcNow > message.Expires, "its time has passed");
            message.Abandon();
        }

        Assert.False(queue.TryReceive(out _));
        Assert.Equal((1, 0), (queue.Statistics.Expired, queue.Statistics.Redelivered));
        using MessageQueue deadLetters = _root.Open(queue.DeadLetterQueueName);
        using ReceivedMessage letter = deadLetters.Receive(s_soon, Ct);
        Assert.Equal("1", letter.Properties.Headers[DeadLetterHeaders.Attempts]);
        letter.Complete();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_send_of_an_attached_message_that_expired_completes_as_for_a_dead_letter(bool pulled)
    {
        await using MessageQueue sender = _root.Open();
        await using MessageQueue receiver = _root.Open(options: new QueueOptions { Attach = pulled ? AttachMode.Allowed : AttachMode.Never });
        byte[] payload = new byte[1_000_000];
        TestProcess.QueueModes.Fill(payload, 3);
        Task send = sender.SendAsync(payload, s_short, Ct).AsTask();
        PassTime();
        Assert.False(receiver.TryReceive(out _));
        await send.WaitAsync(s_soon, Ct);
        Assert.Equal(1, sender.Statistics.Expired);
        await using MessageQueue deadLetters = _root.Open(sender.DeadLetterQueueName);
        using ReceivedMessage letter = deadLetters.Receive(s_soon, Ct);
        Assert.Equal(payload, letter.ToArray());
        letter.Complete();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Without_room_for_its_dead_letter_it_is_neither_handed_out_nor_lost(bool closed)
    {
        MessageQueue queue = _root.Open();
        await using MessageQueue deadLetters = _root.Open(queue.DeadLetterQueueName, s_small);
        deadLetters.FillRing();
        queue.Send([1], s_short, Ct);
        queue.Send([2], cancellationToken: Ct);
        PassTime();
        using (ReceivedMessage next = queue.Receive(s_soon, Ct))
        {
            Assert.Equal([2], next.ToArray());
            next.Complete();
        }

        Assert.False(queue.TryReceive(out _));
        Assert.Equal((0, 1, 0), (queue.Statistics.Queued, queue.Statistics.Leased, queue.Statistics.Expired));
        if (closed)
        {
            // Given back, and met by the next receiver.
            await queue.DisposeAsync();
            queue = _root.Open();
            Assert.Equal((1, 0), (queue.Statistics.Queued, queue.Statistics.Leased));
            Assert.False(queue.TryReceive(out _));
        }

        deadLetters.Receive(s_soon, Ct).Complete();
        Eventually.True(() => queue.Statistics is { Leased: 0, Expired: 1 }, "it is a dead letter as soon as there is room");
        Assert.Equal(64, deadLetters.Statistics.Queued);
        await queue.DisposeAsync();
        for (int i = 0; i < 63; i++)
            deadLetters.Receive(s_soon, Ct).Complete();
        using ReceivedMessage letter = deadLetters.Receive(s_soon, Ct);
        Assert.Equal("0", letter.Properties.Headers[DeadLetterHeaders.Attempts]);
        Assert.Equal([1], letter.ToArray());
        letter.Complete();
    }

    [Fact]
    public void A_queue_has_a_time_to_live_of_its_own_which_its_dead_letters_have_not()
    {
        using (_root.Open(options: new QueueOptions { TimeToLive = TimeSpan.FromMilliseconds(1) }))
        {
        }

        using MessageQueue queue = _root.Open();
        queue.Send([1], cancellationToken: Ct);
        queue.Send([2], new SendOptions { TimeToLive = Timeout.InfiniteTimeSpan }, Ct);
        queue.Send([3], new SendOptions { TimeToLive = TimeSpan.FromHours(1) }, Ct);
        using (SendBuffer buffer = queue.Rent(1))
        {
            buffer.Span[0] = 4;
            queue.Send(buffer, new SendOptions { TimeToLive = TimeSpan.MaxValue }, Ct);
        }

        PassTime();
        for (byte i = 2; i <= 4; i++)
        {
            using ReceivedMessage message = queue.Receive(s_soon, Ct);
            Assert.Equal([i], message.ToArray());
            Assert.Equal(i > 2, message.Expires is not null);
            message.Complete();
        }

        Assert.False(queue.TryReceive(out _));
        Assert.Equal(1, queue.Statistics.Expired);
        using MessageQueue deadLetters = _root.Open(queue.DeadLetterQueueName);
        PassTime();
        using ReceivedMessage letter = deadLetters.Receive(s_soon, Ct);
        Assert.Equal([1], letter.ToArray());
        Assert.Null(letter.Expires);
        letter.Complete();
    }

    [Fact]
    public async Task A_time_to_live_is_more_than_nothing()
    {
        await using MessageQueue queue = _root.Open();
        foreach (TimeSpan bad in new[] { TimeSpan.Zero, TimeSpan.FromSeconds(-1) })
        {
            SendOptions options = new() { TimeToLive = bad };
            Assert.Throws<ArgumentOutOfRangeException>(() => queue.Send([1], options));
            Assert.Throws<ArgumentOutOfRangeException>(() => queue.TrySend([1], options));
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => queue.SendAsync(new byte[1], options, Ct).AsTask());
            using SendBuffer buffer = queue.Rent(1);
            Assert.Throws<ArgumentOutOfRangeException>(() => queue.Send(buffer, options));
            Assert.Throws<ArgumentOutOfRangeException>(() => _root.Open("other", new QueueOptions { TimeToLive = bad }));
        }

        Assert.False(queue.TryReceive(out _));
    }

    [Theory]
    [InlineData(Step.DeadSend, 1)]
    [InlineData(Step.DeadState, 2)]
    public void A_receiver_that_is_killed_while_it_puts_an_expired_message_away_leaves_it_to_the_next(string step, int letters)
    {
        using MessageQueue queue = _root.Open("q");
        queue.Send([1], s_short, Ct);
        PassTime();
        using (ChildProcess child = ChildProcess.Start("queue-die-at", _root.Path, "q", step, "receive"))
            Assert.Equal(128 + 9, child.WaitForExit());
        Eventually.True(() => queue.Statistics is { Leased: 0, Queued: 1 }, "it is given back");

        // Recovery changes the state first and puts the reference into the ring then.
        Eventually.True(() => !queue.TryReceive(out _) && queue.Statistics is { Queued: 0, Leased: 0 }, "it is put away");
        using MessageQueue deadLetters = _root.Open(queue.DeadLetterQueueName);
        for (int i = 0; i < letters; i++)
        {
            using ReceivedMessage letter = deadLetters.Receive(s_soon, Ct);
            Assert.Equal([1], letter.ToArray());
            letter.Complete();
        }

        Assert.False(deadLetters.TryReceive(out _));
    }

    /// <summary>Until what lives for a millisecond has expired.</summary>
    private static void PassTime()
    {
        long sent = MessageRecord.Now;
        Eventually.True(() => MessageRecord.Now > sent + 1000, "a millisecond has passed");
    }
}
