using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>
/// Both processes copy one message, and either dies, stops, is refused or changes its mind in the middle. The first message between two handles is pulled alone: only who
/// has read the other's memory before posts a place of its own beside it.
/// </summary>
public sealed class BothCopyTests : IDisposable
{
    private const int Length = 3_000_000;

    // A quarter would be more than the longest one.
    private const int Piece = 512 * 1024;
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(20);
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_sender_writes_what_the_receiver_has_not_taken(bool blocking)
    {
        Requires.NoYama();
        await using MessageQueue queue = _root.Open();
        using ChildProcess receiver = await ReceiverAsync("2", "wait-at=both.pull");
        using ChildProcess sender = await HeldSenderAsync(receiver, blocking);
        sender.WriteLine("go on");
        Eventually.True(() => queue.Statistics.PushedBytes >= Length - Piece, "the sender has written all but the receiver's piece");
        receiver.WriteLine("go on");
        Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
        Assert.Equal("sent", await sender.ReadLineAsync());
        QueueStatistics s = queue.Statistics;
        Assert.Equal((1, 2, 0, 0), (s.CopiedByBoth, s.Pulled, s.Pushed, s.Moved));
        Assert.InRange(s.PushedBytes, Length - Piece, Length - 1);
    }

    /// <summary>
    /// The sender is at a piece that it has taken, or has marked; the receiver holds still until then, so that it does not take all of them itself. At <c>help.read</c> each of the
    /// sender's threads waits, the one that sends and the one that answers the ring: only further on do they keep each other out.
    /// </summary>
    [Theory]
    [InlineData("help.read:*", true)]
    [InlineData("help.check", true)]
    [InlineData("help.take", true)]
    [InlineData("help.push", false)]
    [InlineData("help.push:2", false)]
    [InlineData("help.mark", false)]
    [InlineData("help.push", false, "blocking")]
    [InlineData("help.mark", false, "blocking")]
    public async Task A_sender_that_is_killed_in_the_middle_keeps_nobody_waiting(string step, bool whole, params string[] how)
    {
        Requires.NoYama();
        using ChildProcess receiver = await ReceiverAsync("2", "wait-at=both.pull");
        using ChildProcess sender = await SenderAsync(how, $"wait-at={step}");
        Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
        Assert.Equal("sent", await sender.ReadLineAsync());
        Assert.Equal("at both.pull", await receiver.ReadLineAsync());
        Assert.Equal($"at {step.Split(':')[0]}", await sender.ReadLineAsync());
        if (whole)
        {
            // Nothing is taken by it, and its memory is still there.
            receiver.WriteLine("go on");
            Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
            sender.Kill();
        }
        else
        {
            sender.Kill();
            receiver.WriteLine("go on");
            Assert.StartsWith("MessageLostException", await receiver.ReadLineAsync(), StringComparison.Ordinal);
        }

        await receiver.ReadLineAsync();
        receiver.Finish();
    }

    /// <summary>It may still write there, so that its piece is waited for; and for nothing else.</summary>
    [Fact]
    public async Task A_sender_that_is_stopped_with_a_piece_is_waited_for()
    {
        Requires.NoYama();
        using ChildProcess receiver = await ReceiverAsync("2", "wait-at=both.pull");
        using ChildProcess sender = await SenderAsync(["blocking"], "wait-at=help.mark");
        Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
        Assert.Equal("sent", await sender.ReadLineAsync());
        Assert.Equal("at both.pull", await receiver.ReadLineAsync());
        Assert.Equal("at help.mark", await sender.ReadLineAsync());
        sender.Stop();
        receiver.WriteLine("go on");
        await Assert.ThrowsAsync<TimeoutException>(() => receiver.ReadLineAsync(TimeSpan.FromMilliseconds(300)));
        sender.Continue();
        sender.WriteLine("go on");
        Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
        Assert.Equal("sent", await sender.ReadLineAsync());
        receiver.Finish();
        sender.Finish();
    }

    [Fact]
    public async Task A_sender_that_is_stopped_without_a_piece_is_not()
    {
        Requires.NoYama();
        using ChildProcess receiver = await ReceiverAsync("2", "wait-at=both.post");
        using ChildProcess sender = await SenderAsync([]);
        Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
        Assert.Equal("sent", await sender.ReadLineAsync());
        Assert.Equal("at both.post", await receiver.ReadLineAsync());
        sender.Stop();
        receiver.WriteLine("go on");
        Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
        sender.Continue();
        Assert.Equal("sent", await sender.ReadLineAsync());
        receiver.Finish();
        sender.Finish();
    }

    [Theory]
    [InlineData("both.prepare")]
    [InlineData("both.post")]
    [InlineData("both.ring")]
    [InlineData("both.take")]
    [InlineData("both.close")]
    [InlineData("both.wait")]
    [InlineData("both.unpost")]
    public async Task A_receiver_that_is_killed_in_the_middle_leaves_the_message_to_the_next(string step)
    {
        Requires.NoYama();
        await using MessageQueue queue = _root.Open();
        using ChildProcess receiver = await ReceiverAsync("2", $"wait-at={step}");
        await SendAsync(queue, blocking: true);
        Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
        Task send = SendAsync(queue, blocking: true);
        Assert.Equal($"at {step.Split(':')[0]}", await receiver.ReadLineAsync());
        receiver.Kill();
        using ChildProcess next = await ReceiverAsync("1");
        Assert.Equal($"got {Length} Attached ok 2", await next.ReadLineAsync());
        await send.WaitAsync(s_soon, Ct);
        Assert.Equal((0, 0, 0), (queue.Statistics.Queued, queue.Statistics.Leased, queue.Statistics.Moved));
    }

    /// <summary>With one piece taken, and with more of them.</summary>
    [Theory]
    [InlineData("both.pull")]
    [InlineData("both.pull:5")]
    public async Task A_receiver_that_is_killed_at_its_piece_leaves_the_message_to_the_next(string step)
    {
        Requires.NoYama();
        using ChildProcess receiver = await ReceiverAsync("2", $"wait-at={step}");
        using ChildProcess sender = await HeldSenderAsync(receiver, blocking: true);
        receiver.Kill();
        sender.WriteLine("go on");
        using ChildProcess next = await ReceiverAsync("1");
        Assert.Equal($"got {Length} Attached ok 2", await next.ReadLineAsync());
        Assert.Equal("sent", await sender.ReadLineAsync());
        sender.Finish();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_message_is_taken_back_in_the_middle(bool blocking)
    {
        Requires.NoYama();
        await using MessageQueue queue = _root.Open();
        using ChildProcess receiver = await ReceiverAsync("2", "wait-at=both.take");
        await SendAsync(queue, blocking);
        Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
        using CancellationTokenSource cancel = new();
        Task send = SendAsync(queue, blocking, cancel.Token);
        Assert.Equal("at both.take", await receiver.ReadLineAsync());
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => send.WaitAsync(s_soon, Ct));
        receiver.WriteLine("go on");
        Assert.StartsWith("MessageWithdrawnException", await receiver.ReadLineAsync(), StringComparison.Ordinal);
        Assert.Equal(1, queue.Statistics.Withdrawn);
    }

    /// <summary>The sender takes a piece before it learns that it may not write: the receiver copies that itself, and nobody calls it a downgrade.</summary>
    [Theory]
    [InlineData("EPERM")]
    [InlineData("ENOSYS")]
    public async Task A_piece_that_is_given_back_is_pulled(string errno)
    {
        Requires.NoYama();
        using ChildProcess receiver = await ReceiverAsync("2", "wait-at=both.pull");
        using ChildProcess sender = await SenderAsync(["blocking"], "wait-at=help.back", $"seccomp={errno}:write");
        Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
        Assert.Equal("sent", await sender.ReadLineAsync());
        Assert.Equal("at both.pull", await receiver.ReadLineAsync());
        Assert.Equal("at help.back", await sender.ReadLineAsync());
        sender.WriteLine("go on");
        receiver.WriteLine("go on");
        Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
        Assert.Equal("pulled 2 pushed 0 moved 0: ", await receiver.ReadLineAsync());
        receiver.Finish();
        sender.Finish();
    }

    [Fact]
    public async Task More_threads_of_the_receiver_copy_where_it_is_asked_for()
    {
        Requires.NoYama();
        using ChildProcess receiver = ChildProcess.Start("lane-threads", _root.Path, "q", "3");
        Assert.Equal("open", await receiver.ReadLineAsync());

        // A sender that may not write takes one piece, and no more.
        using ChildProcess sender = await SenderAsync([], "seccomp=EPERM:write");
        Assert.Equal("ok 0", await receiver.ReadLineAsync());
        Assert.Equal("ok 3", await receiver.ReadLineAsync());
        receiver.Finish();
        sender.Finish();
    }

    /// <summary>Blocked in the send: short ones are copied into the queue, and waited for as well.</summary>
    [Theory]
    [InlineData(0, "Inline")]
    [InlineData(100, "Inline")]
    [InlineData(10_000, "Arena")]
    [InlineData(100_000, "Attached")]
    public async Task A_blocking_send_returns_when_its_message_is_completed(int length, string lane)
    {
        await using MessageQueue queue = _root.Open();
        byte[] payload = Payload(length);
        Task send = Task.Run(() => queue.SendUntilCompleted(payload, cancellationToken: Ct), Ct);
        using (ReceivedMessage message = queue.Receive(s_soon, Ct))
        {
            Assert.Equal(lane, message.Lane.ToString());
            Assert.Equal(payload, message.ToArray());
            Assert.False(send.IsCompleted);
            message.Complete();
        }

        await send.WaitAsync(s_soon, Ct);
    }

    /// <summary>With a receiver that is awake, its own thread copies a part, and there is nothing left to wait for; sooner or later, as the two need a processor each for some microseconds.</summary>
    [Fact]
    public async Task An_awaited_send_may_be_done_when_it_returns()
    {
        Requires.NoYama();
        await using MessageQueue queue = _root.Open();
        await using MessageQueue other = _root.Open();
        bool isOver = false;
        Task receiver = Task.Factory.StartNew(
            () =>
            {
                byte[] copy = new byte[Length];
                while (!Volatile.Read(ref isOver))
                {
                    using ReceivedMessage message = other.Receive(s_soon, Ct);
                    if (message.Length > 1)
                        message.CopyTo(copy);
                    message.Complete();
                }
            },
            Ct, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        byte[] payload = Payload(Length);
        Stopwatch watch = Stopwatch.StartNew();
        bool wasDone = false;
        while (!wasDone)
        {
            Assert.True(watch.Elapsed < s_soon, "one send was done at once");
            ValueTask send = queue.SendAsync(payload, cancellationToken: Ct);
            wasDone = send.IsCompleted;
            await send;

            // The receiver alone may be done as fast, while this thread has no processor.
            wasDone &= queue.Statistics.CopiedByBoth > 0;
        }

        Volatile.Write(ref isOver, true);
        queue.Send([1], cancellationToken: Ct);
        await receiver.WaitAsync(s_soon, Ct);
    }

    [Fact]
    public void A_blocking_send_takes_its_message_back_at_its_time_limit()
    {
        using MessageQueue queue = _root.Open();
        SendOptions options = new() { Timeout = TimeSpan.FromMilliseconds(50) };
        Assert.Throws<TimeoutException>(() => queue.SendUntilCompleted(new byte[100_000], options, Ct));
        Assert.Throws<TimeoutException>(() => queue.SendUntilCompleted(new byte[10], options, Ct));
        Assert.Equal((0, 2), (queue.Statistics.Queued, queue.Statistics.Withdrawn));
    }

    [Fact]
    public async Task A_blocking_send_ends_when_its_handle_is_closed()
    {
        MessageQueue queue = _root.Open();
        Task send = Task.Run(() => queue.SendUntilCompleted(new byte[100_000], cancellationToken: Ct), Ct);
        Eventually.True(() => queue.Statistics.Queued == 1, "it is sent");
        await queue.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => send.WaitAsync(s_soon, Ct));
    }

    /// <summary>Thousands of messages between two processes, after as many to get warm: what is left is done once (rules are asked at the first contact), or the runtime's own.</summary>
    [Theory]
    [InlineData("send", "receive", 40_000)]
    [InlineData("send", "receive-async", 300_000)]
    [InlineData("many", "receive", 40_000)]
    [InlineData("many", "receive-async", 40_000)]
    [InlineData("block-many", "receive", 40_000)]
    [InlineData("block", "receive-async", 300_000)]
    [InlineData("copy", "receive", 10_000)]
    public async Task Nothing_is_allocated_for_a_message(string how, string received, int length)
    {
        Requires.NoYama();
        if (how is "send" or "many" || received is "receive-async")
            Requires.Release();

        // Copies are complete at once as long as there are blocks for them, which are 1,024.
        string count = how is "copy" ? "1000" : "5000";
        // One process after the other, twice: as many are under way then, and come back, as ever can, so that no list has to grow later, whoever is slow.
        bool inTurn = how is "copy";
        string[] rest = [length.ToString(CultureInfo.InvariantCulture), count, inTurn ? "2" : "1"];
        using ChildProcess sender = ChildProcess.Start("lane-cost", [_root.Path, "q", how, .. rest]);
        Assert.Equal("open", await sender.ReadLineAsync());
        if (inTurn)
            Assert.Equal("warm", await sender.ReadLineAsync());
        using ChildProcess receiver = ChildProcess.Start("lane-cost", [_root.Path, "q", received, .. rest]);
        Assert.Equal("open", await receiver.ReadLineAsync());
        Assert.Equal("warm", await receiver.ReadLineAsync());
        if (inTurn)
            sender.WriteLine("go");
        Assert.Equal("warm", await sender.ReadLineAsync());
        if (inTurn)
        {
            receiver.WriteLine("go");
            Assert.Equal("warm", await receiver.ReadLineAsync());
        }

        sender.WriteLine("go");
        receiver.WriteLine("go");

        // A state machine is some 200 bytes: what is allocated once (a list that grows) does not count, a few hundred of those would.
        Assert.InRange(long.Parse(await sender.ReadLineAsync(), CultureInfo.InvariantCulture), 0, 20_000);
        Assert.InRange(long.Parse(await receiver.ReadLineAsync(), CultureInfo.InvariantCulture), 0, 20_000);
        sender.Finish();
        receiver.Finish();
    }

    private static Task SendAsync(MessageQueue queue, bool blocking, CancellationToken? cancel = null)
    {
        byte[] payload = Payload(Length);
        CancellationToken ct = cancel ?? Ct;
        return blocking
            ? Task.Factory.StartNew(() => queue.SendUntilCompleted(payload, cancellationToken: ct), ct, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            : queue.SendAsync(payload, cancellationToken: ct).AsTask();
    }

    /// <summary>The second message's: at its step before it takes a piece, when the receiver has said that it is where it is to be.</summary>
    private async Task<ChildProcess> HeldSenderAsync(ChildProcess receiver, bool blocking)
    {
        ChildProcess sender = await SenderAsync(blocking ? ["blocking"] : [], "wait-at=help.take");
        Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
        Assert.Equal("sent", await sender.ReadLineAsync());
        Assert.StartsWith("at both.", await receiver.ReadLineAsync(), StringComparison.Ordinal);
        Assert.Equal("at help.take", await sender.ReadLineAsync());
        return sender;
    }

    private async Task<ChildProcess> ReceiverAsync(string count, params string[] steps)
    {
        ChildProcess receiver = ChildProcess.Start("lane-receive", [.. steps, _root.Path, "q", count]);
        Assert.Equal("open", await receiver.ReadLineAsync());
        return receiver;
    }

    private async Task<ChildProcess> SenderAsync(string[] how, params string[] steps)
    {
        ChildProcess sender = ChildProcess.Start("lane-send", [.. steps, _root.Path, "q", "2", $"{Length}", .. how]);
        Assert.Equal("open", await sender.ReadLineAsync());
        return sender;
    }

    private static byte[] Payload(int length)
    {
        byte[] payload = new byte[length];
        TestProcess.QueueModes.Fill(payload, 5);
        return payload;
    }
}
