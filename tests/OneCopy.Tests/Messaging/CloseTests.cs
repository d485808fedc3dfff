using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Closing a handle at a bad moment: it ends, and nothing is lost by it.</summary>
public sealed class CloseTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);
    private static readonly QueueOptions s_small = new() { RingCapacity = 64 };
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Fact]
    public async Task A_message_that_a_closing_handle_could_not_give_back_to_a_full_ring_comes_again_when_there_is_room()
    {
        await using MessageQueue stays = _root.Open(options: s_small);
        MessageQueue closes = _root.Open();
        for (byte i = 0; i < 64; i++)
            stays.Send([i], cancellationToken: Ct);
        ReceivedMessage held = closes.Receive(s_soon, Ct);
        stays.Send([64], cancellationToken: Ct);
        await closes.DisposeAsync();
        Assert.Throws<ObjectDisposedException>(held.Complete);
        HashSet<byte> got = [];
        for (int i = 0; i < 65; i++)
        {
            using ReceivedMessage message = stays.Receive(s_soon, Ct);
            Assert.True(got.Add(message.ToArray()[0]));
            message.Complete();
        }

        Assert.Equal(65, got.Count);
        Assert.False(stays.TryReceive(out _));
        Eventually.True(() => stays.Statistics is { Queued: 0, Leased: 0, Participants.Count: 1 }, "the closed handle is gone");
        Assert.Equal(["p1-1", "ring"], Inside.FilesOf(stays.Path));
    }

    [Fact]
    public async Task Closing_ends_a_dead_letter_that_waits_for_room()
    {
        MessageQueue queue = _root.Open(options: s_small);
        await using MessageQueue deadLetters = _root.Open(queue.DeadLetterQueueName, s_small);
        deadLetters.FillRing();
        queue.Send([1], cancellationToken: Ct);
        ReceivedMessage message = queue.Receive(s_soon, Ct);
        using Ring ring = deadLetters.OpenRing();
        Task answer = Task.Run(() => message.DeadLetter("no good"), Ct);
        Eventually.True(() => ring.Sleepers(WaitKind.Space).Any, "the answer waits for room");
        await queue.DisposeAsync().AsTask().WaitAsync(s_soon, Ct);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => answer.WaitAsync(s_soon, Ct));

        // Given back, as all that a handle holds when it is closed.
        await using MessageQueue next = _root.Open();
        using ReceivedMessage again = next.Receive(s_soon, Ct);
        Assert.Equal([1], again.ToArray());
        again.Complete();
    }
}
