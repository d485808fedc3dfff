using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Closing a handle when what it began has come to its end, or at the time limit.</summary>
public sealed class DrainTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_short = TimeSpan.FromMilliseconds(100);
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Fact]
    public async Task A_draining_handle_begins_nothing_and_waits_for_the_answer_to_what_it_holds()
    {
        await using MessageQueue other = _root.Open();
        MessageQueue queue = _root.Open();
        queue.Send([1], cancellationToken: Ct);
        ReceivedMessage held = queue.Receive(s_soon, Ct);
        Task<ReceivedMessage> waiting = queue.ReceiveAsync(Ct).AsTask();
        Task<ReceivedMessage> sleeping = Task.Run(() => queue.Receive(s_soon, Ct), Ct);
        using SendBuffer buffer = queue.Rent(1);
        Task<bool> drain = queue.CloseAsync(CloseMode.Drain, s_soon, Ct).AsTask();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting.WaitAsync(s_soon, Ct));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => sleeping.WaitAsync(s_soon, Ct));
        other.Send([2], cancellationToken: Ct);
        Assert.Throws<ObjectDisposedException>(() => queue.Send([3]));
        Assert.Throws<ObjectDisposedException>(() => queue.TrySend([3]));
        Assert.Throws<ObjectDisposedException>(() => queue.Rent(1));
        Assert.Throws<ObjectDisposedException>(() => queue.Send(buffer));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => queue.SendAsync(new byte[100_000]).AsTask());
        Assert.Throws<ObjectDisposedException>(() => queue.TryReceive(out _));
        Assert.Throws<ObjectDisposedException>(() => queue.Receive(s_soon));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => queue.ReceiveAsync().AsTask());
        Assert.Throws<ObjectDisposedException>(() => queue.ReplayDeadLetters());

        // Still its handle: it can be read and answered, and the queue looked at.
        Assert.False(drain.IsCompleted);
        Assert.Equal(1, queue.Statistics.Leased);
        Assert.Equal([1], held.ToArray());
        held.Complete();
        Assert.True(await drain.WaitAsync(s_soon, Ct));
        Assert.Throws<ObjectDisposedException>(() => queue.Statistics);
        Assert.Equal((1, 0, 1), (other.Statistics.Queued, other.Statistics.Leased, other.Statistics.Completed.Inline.Messages));
        Assert.True(await queue.CloseAsync(CloseMode.Drain, s_soon, Ct));
    }

    [Theory]
    [InlineData(1_000_000)]
    [InlineData(10)]
    public async Task A_draining_handle_waits_until_another_process_has_completed_what_it_sent(int length)
    {
        MessageQueue queue = _root.Open();
        Task send = queue.SendAsync(new byte[length], new SendOptions { UntilCompleted = true }, Ct).AsTask();
        Task<bool> drain = queue.CloseAsync(CloseMode.Drain, cancellationToken: Ct).AsTask();

        // A first receiver is killed while it holds the message; the second completes it.
        using (ChildProcess killed = Start())
        {
            Assert.Equal("holding", await Say(killed, "hold"));
            killed.Kill();
        }

        Assert.False(drain.IsCompleted);
        using ChildProcess receiver = Start();
        Assert.StartsWith($"got {length} ", await Say(receiver, "receive"), StringComparison.Ordinal);
        await send.WaitAsync(s_soon, Ct);
        Assert.True(await drain.WaitAsync(s_soon, Ct));
        receiver.Finish();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task At_the_time_limit_the_rest_is_given_back_and_taken_back(bool cancelled)
    {
        await using MessageQueue other = _root.Open();
        MessageQueue queue = _root.Open();
        other.Send([1], cancellationToken: Ct);
        ReceivedMessage held = queue.Receive(s_soon, Ct);
        Task send = queue.SendAsync(new byte[100_000], cancellationToken: Ct).AsTask();
        using CancellationTokenSource cancel = new(s_short);
        Assert.False(await queue.CloseAsync(CloseMode.Drain, cancelled ? null : s_short, cancelled ? cancel.Token : Ct).AsTask().WaitAsync(s_soon, Ct));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => send.WaitAsync(s_soon, Ct));
        Assert.Throws<ObjectDisposedException>(held.Complete);
        Assert.Equal((1, 0, 1), (other.Statistics.Queued, other.Statistics.Leased, other.Statistics.Withdrawn));
        using ReceivedMessage again = other.Receive(s_soon, Ct);
        Assert.Equal(1, again.DeliveryAttempt);
        again.Complete();
    }

    [Fact]
    public async Task What_waits_for_room_gets_there_first()
    {
        await using MessageQueue other = _root.Open(options: new QueueOptions { RingCapacity = 64 });
        MessageQueue queue = _root.Open();
        other.Send([1], cancellationToken: Ct);
        ReceivedMessage held = queue.Receive(s_soon, Ct);
        other.FillRing();
        held.Abandon();
        Task send = Task.Run(() => queue.Send([2]), Ct);
        Eventually.True(() => other.Statistics.Queued == 66, "the one that was given back and the one that is being sent wait for room");
        Task<bool> drain = queue.CloseAsync(CloseMode.Drain, s_soon, Ct).AsTask();
        Assert.NotSame(drain, await Task.WhenAny(drain, Task.Delay(s_short, Ct)));
        List<byte> got = [];
        while (got.Count < 66)
        {
            using ReceivedMessage message = other.Receive(s_soon, Ct);
            got.Add(message.ToArray()[0]);
            message.Complete();
        }

        await send.WaitAsync(s_soon, Ct);
        Assert.True(await drain.WaitAsync(s_soon, Ct));
        Assert.Equal((1, 1), (got.Count(b => b == 1), got.Count(b => b == 2)));
        Assert.False(other.TryReceive(out _));
    }

    [Fact]
    public async Task Giving_back_says_whether_there_was_something()
    {
        await using MessageQueue other = _root.Open();
        Assert.True(await _root.Open().CloseAsync(CloseMode.GiveBack, cancellationToken: Ct));
        MessageQueue queue = _root.Open();
        other.Send([1], cancellationToken: Ct);
        _ = queue.Receive(s_soon, Ct);
        Assert.False(await queue.CloseAsync(CloseMode.GiveBack, s_soon, Ct));
        Assert.Equal((1, 0), (other.Statistics.Queued, other.Statistics.Leased));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => other.CloseAsync((CloseMode)7).AsTask());
    }

    [Fact]
    public async Task Disposing_ends_a_drain_at_once()
    {
        await using MessageQueue other = _root.Open();
        MessageQueue queue = _root.Open();
        other.Send([1], cancellationToken: Ct);
        _ = queue.Receive(s_soon, Ct);
        Task<bool> drain = queue.CloseAsync(CloseMode.Drain, cancellationToken: Ct).AsTask();
        await queue.DisposeAsync();
        Assert.False(await drain.WaitAsync(s_soon, Ct));
        Assert.Equal((1, 0), (other.Statistics.Queued, other.Statistics.Leased));
    }

    [Fact]
    public async Task A_process_that_is_killed_while_it_drains_leaves_what_it_held_to_the_others()
    {
        await using MessageQueue queue = _root.Open("q");
        using ChildProcess child = Start();
        queue.Send([1], cancellationToken: Ct);
        Assert.Equal("holding", await Say(child, "hold"));
        Assert.Equal("attached", await Say(child, "attach 100000"));
        Assert.Equal("draining", await Say(child, "drain"));
        child.Kill();

        // Before that, its attached message may be handed out, and found lost.
        Eventually.True(() => queue.Statistics is { LostWithSender: 1, Queued: 1 }, "it is recovered");
        using ReceivedMessage message = queue.Receive(s_soon, Ct);
        Assert.Equal((2, 1), (message.DeliveryAttempt, message.Length));
        message.Complete();
        Eventually.True(() => queue.Statistics is { LostWithSender: 1, Participants.Count: 1 }, "its send was not complete, and it is gone");
        Assert.False(queue.TryReceive(out _));
    }

    [Fact]
    public async Task A_process_drains_while_another_answers_late()
    {
        using ChildProcess sender = Start();
        using ChildProcess receiver = Start();
        Assert.Equal("attached", await Say(sender, "attach 1000000"));
        Assert.Equal("draining", await Say(sender, "drain"));
        Assert.Equal("holding", await Say(receiver, "hold"));
        Assert.Equal("draining", await Say(receiver, "drain"));
        Assert.Equal("completed", await Say(receiver, "complete"));
        Assert.Equal("drained True", await Say(receiver, "drained"));
        Assert.Equal("drained True", await Say(sender, "drained"));
        sender.Finish();
        receiver.Finish();
        Assert.Equal(["ring"], Inside.FilesOf(Path.Combine(_root.Path, "q")));
    }

    private ChildProcess Start()
    {
        ChildProcess child = ChildProcess.Start("queue-act", _root.Path, "q", "-");
        Assert.Equal("open", child.ReadLine());
        return child;
    }

    private static Task<string> Say(ChildProcess child, string line)
    {
        child.WriteLine(line);
        return child.ReadLineAsync();
    }
}
