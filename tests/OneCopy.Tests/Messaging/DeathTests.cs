using System.Diagnostics;
using System.Globalization;
using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>SIGKILL of senders and receivers: what was promised arrives, at once, and what was not is counted.</summary>
public sealed class DeathTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_atOnce = TimeSpan.FromMilliseconds(250);
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Theory]
    [InlineData(100)]
    [InlineData(100_000)]
    public async Task A_message_held_by_a_killed_receiver_is_handed_to_another_within_250_ms(int length)
    {
        await using MessageQueue queue = _root.Open("q");
        using ChildProcess holder = ChildProcess.Start("queue-hold", _root.Path, "q");
        Assert.Equal("ready", await holder.ReadLineAsync());
        byte[] payload = new byte[length];
        new Random(1).NextBytes(payload);
        Task send = queue.SendAsync(payload, cancellationToken: Ct).AsTask();
        Assert.Equal($"holding {length}", await holder.ReadLineAsync());

        // Waiting already when it dies, as a second receiver would be.
        Task<(ReceivedMessage, long)> next = Task.Run(() => (queue.Receive(s_soon, Ct), Stopwatch.GetTimestamp()), Ct);
        Eventually.True(() => queue.Statistics.Leased == 1, "the message is leased");
        long killed = Stopwatch.GetTimestamp();
        holder.Kill();
        (ReceivedMessage message, long got) = await next;
        using (message)
        {
            Assert.Equal(2, message.DeliveryAttempt);
            Assert.Equal(payload, message.ToArray());
            message.Complete();
        }

        await send.WaitAsync(s_soon, Ct);
        Assert.InRange(Stopwatch.GetElapsedTime(killed, got), TimeSpan.Zero, s_atOnce);
        Assert.Equal(1, queue.Statistics.Redelivered);

        // The message comes first, the dead one's place after it.
        Eventually.True(() => queue.Statistics.Participants.Count == 1, "the dead receiver is gone from the queue");
        Assert.Equal(2, Directory.GetFiles(queue.Path).Length);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(10_000)]
    public async Task All_that_a_killed_sender_sent_arrives_in_order(int length)
    {
        using ChildProcess sender = ChildProcess.Start("queue-send", _root.Path, "q", "1000", length.ToString(CultureInfo.InvariantCulture));
        Assert.Equal("sent", await sender.ReadLineAsync());
        sender.Kill();
        await using MessageQueue queue = _root.Open("q");
        for (int i = 0; i < 1000; i++)
        {
            using ReceivedMessage message = queue.Receive(s_soon, Ct);
            byte[] payload = message.ToArray();
            Assert.Equal((byte)i, payload[0]);
            Assert.True(TestProcess.QueueModes.IsFilled(payload), $"message {i} is not as it was sent");
            Assert.Equal(i + 1, message.SequenceNumber);
            message.Complete();
        }

        Assert.False(queue.TryReceive(out _));

        // The thread that watches peers may have been first at its lock, and be at it still.
        Eventually.True(() => queue.Statistics.Participants.Count == 1, "the dead sender is gone from the queue");
        Assert.Equal(2, Directory.GetFiles(queue.Path).Length);
    }

    [Fact]
    public async Task An_attached_message_of_a_killed_sender_is_counted_and_never_handed_out_as_garbage()
    {
        await using MessageQueue queue = _root.Open("q");
        using ChildProcess waiting = ChildProcess.Start("queue-attach", _root.Path, "q", "1000000");
        Assert.Equal("sending", await waiting.ReadLineAsync());
        waiting.Kill();
        Eventually.True(() => queue.Statistics.LostWithSender == 1, "the loss is counted");
        Assert.False(queue.TryReceive(out _));

        // The same with a receiver that holds it, and has copied nothing yet.
        using ChildProcess held = ChildProcess.Start("queue-attach", _root.Path, "q", "1000000");
        using ReceivedMessage message = queue.Receive(s_soon, Ct);
        held.Kill();
        byte[] untouched = new byte[message.Length];
        Assert.Throws<MessageLostException>(() => message.CopyTo(untouched, Ct));
        Assert.Throws<MessageLostException>(message.Complete);
        Eventually.True(() => queue.Statistics is { LostWithSender: 2, Participants.Count: 1 }, "the second loss is counted, and the sender gone");
        Assert.False(queue.TryReceive(out _));
        Assert.Equal(2, Directory.GetFiles(queue.Path).Length);
    }

    [Fact]
    public async Task What_was_copied_before_the_sender_died_can_be_completed()
    {
        await using MessageQueue queue = _root.Open("q");
        using ChildProcess sender = ChildProcess.Start("queue-attach", _root.Path, "q", "1000000");
        using ReceivedMessage message = queue.Receive(s_soon, Ct);
        byte[] payload = message.ToArray();
        sender.Kill();
        Assert.True(TestProcess.QueueModes.IsFilled(payload));
        message.Complete();
        Eventually.True(() => queue.Statistics.Participants.Count == 1, "the sender's file is gone with its last message");
        Assert.Equal(0, queue.Statistics.LostWithSender);
    }

    [Fact]
    public async Task The_dead_of_an_abandoned_queue_are_recovered_by_the_next_who_opens_it()
    {
        using (ChildProcess sender = ChildProcess.Start("queue-send", _root.Path, "q", "10", "1000"))
        {
            Assert.Equal("sent", await sender.ReadLineAsync());
            using ChildProcess holder = ChildProcess.Start("queue-hold", _root.Path, "q");
            Assert.Equal("holding 1000", (await holder.ReadLineAsync(), await holder.ReadLineAsync()).Item2);
            sender.Kill();
            holder.Kill();
        }

        await using MessageQueue queue = _root.Open("q");
        List<int> attempts = [];
        for (int i = 0; i < 10; i++)
        {
            using ReceivedMessage message = queue.Receive(s_soon, Ct);
            Assert.True(TestProcess.QueueModes.IsFilled(message.ToArray()));
            attempts.Add(message.DeliveryAttempt);
            message.Complete();
        }

        Assert.Equal([1, 1, 1, 1, 1, 1, 1, 1, 1, 2], attempts.Order().ToArray());
        Assert.False(queue.TryReceive(out _));
    }

    [Fact]
    public async Task Who_is_told_of_a_death_that_was_recovered_by_one_who_died_before_ringing_rings_for_itself_and_retires_the_dead()
    {
        await using MessageQueue queue = _root.Open("q");
        using ChildProcess dead = ChildProcess.Start("queue-send", _root.Path, "q", "0", "1");
        Assert.Equal("sent", await dead.ReadLineAsync());
        dead.Stop();

        // What a recoverer that is no participant itself, and is killed right after it, leaves behind.
        using Ring ring = queue.OpenRing();
        long incarnation = Entries.IncarnationOf(Volatile.Read(ref ring.Entry(2)));
        Volatile.Write(ref ring.Entry(2), Entries.Dead(incarnation));
        uint before = OwnDoorbellOf(queue);
        Assert.True(((IPeerObserver)queue).OnPeerMayHaveDied(2, incarnation));
        Assert.NotEqual(before, OwnDoorbellOf(queue));
        Assert.Equal(0, Volatile.Read(ref ring.Entry(2)));
        Assert.Equal(2, Directory.GetFiles(queue.Path).Length);
        dead.Kill();
    }

    [Fact]
    public async Task A_full_table_of_dead_participants_makes_room()
    {
        QueueOptions few = new() { Root = _root.Path, MaxParticipants = 2 };
        MessageQueue.Open("q", few).Dispose();
        for (int i = 0; i < 3; i++)
        {
            using ChildProcess a = ChildProcess.Start("queue-send", _root.Path, "q", "0", "1");
            using ChildProcess b = ChildProcess.Start("queue-send", _root.Path, "q", "0", "1");
            Assert.Equal("sent", await a.ReadLineAsync());
            Assert.Equal("sent", await b.ReadLineAsync());
            OneCopyException full = Assert.Throws<OneCopyException>(() => MessageQueue.Open("q", few));
            Assert.Contains("All 2 participants", full.Message, StringComparison.Ordinal);
            a.Kill();
            b.Kill();
        }

        MessageQueue.Open("q", few).Dispose();
    }

    private static unsafe uint OwnDoorbellOf(MessageQueue queue) => Volatile.Read(ref *queue.Self().Doorbell(WaitKind.Own));
}
