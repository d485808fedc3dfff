using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Every message can become a dead letter, and every dead letter can be received.</summary>
public sealed class DeadLetterTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_message_with_properties_as_long_as_is_allowed_becomes_a_dead_letter_with_all_of_them(bool byHand)
    {
        using MessageQueue queue = _root.Open(options: new QueueOptions { MaxDeliveryAttempts = 1 });
        MessageProperties properties = new();
        properties.Headers["long"] = new string('x', MessageProperties.MaxEncodedLength - 16);
        Assert.Equal(MessageProperties.MaxEncodedLength, properties.EncodedLength());
        queue.Send([42], new SendOptions { Properties = properties }, Ct);
        using (ReceivedMessage message = queue.Receive(s_soon, Ct))
        {
            if (byHand)
                message.DeadLetter(new string('r', 10_000), Ct);
            else
                message.Abandon();
        }

        Assert.False(queue.TryReceive(out _));
        Assert.Equal((0, 0), (queue.Statistics.Queued, queue.Statistics.Leased));
        using MessageQueue deadLetters = _root.Open(queue.DeadLetterQueueName);
        using ReceivedMessage letter = deadLetters.Receive(s_soon, Ct);
        Assert.Equal([42], letter.ToArray());
        Assert.Equal(properties.Headers["long"], letter.Properties.Headers["long"]);
        Assert.Equal("q", letter.Properties.Headers[DeadLetterHeaders.Queue]);
        Assert.StartsWith(byHand ? "rrr" : "handed out", letter.Properties.Headers[DeadLetterHeaders.Reason], StringComparison.Ordinal);
        letter.Complete();
    }

    [Theory]
    [InlineData(195)]
    [InlineData(196)]
    [InlineData(200)]
    public void A_queue_with_a_name_as_long_as_is_allowed_has_dead_letters_that_can_be_received(int length)
    {
        using MessageQueue queue = _root.Open(new string('n', length), new QueueOptions { MaxDeliveryAttempts = 1 });
        queue.Send([42], cancellationToken: Ct);
        queue.Receive(s_soon, Ct).Abandon();
        Assert.False(queue.TryReceive(out _));
        Assert.Equal((0, 0, 1), (queue.Statistics.Queued, queue.Statistics.Leased, queue.Statistics.DeadLettered));
        Assert.Contains(queue.DeadLetterQueueName, MessageQueue.List(_root.Path), StringComparer.Ordinal);
        using MessageQueue deadLetters = _root.Open(queue.DeadLetterQueueName);
        using ReceivedMessage letter = deadLetters.Receive(s_soon, Ct);
        Assert.Equal([42], letter.ToArray());
        letter.Complete();
    }

    [Fact]
    public async Task A_dead_letter_may_be_longer_than_2_GiB()
    {
        if (new DriveInfo("/dev/shm").AvailableFreeSpace < 8L << 30 || GC.GetGCMemoryInfo().TotalAvailableMemoryBytes < 8L << 30)
            Assert.Skip("Needs 8 GiB of memory.");
        await using MessageQueue sender = _root.Open();
        await using MessageQueue receiver = _root.Open(options: new QueueOptions { ArenaLimit = 4L << 30 });
        byte[] piece = GC.AllocateUninitializedArray<byte>(750_000_001);
        TestProcess.QueueModes.Fill(piece.AsSpan(^1000..), 1);
        Task send = sender.SendAsync(QueueTests.Sequence([piece, piece, piece]), cancellationToken: Ct).AsTask();
        using (ReceivedMessage message = receiver.Receive(s_soon, Ct))
            message.DeadLetter("too much", Ct);
        await send.WaitAsync(s_soon, Ct);
        await using MessageQueue deadLetters = _root.Open(receiver.DeadLetterQueueName);
        using ReceivedMessage letter = deadLetters.Receive(s_soon, Ct);
        Assert.Equal(3L * piece.Length, letter.Length);
        byte[] end = new byte[1000];
        for (long i = 1; i <= 3; i++)
        {
            letter.CopyTo((i * piece.Length) - end.Length, end, Ct);
            Assert.Equal(piece[^1000..], end);
        }

        letter.Complete();
    }
}
