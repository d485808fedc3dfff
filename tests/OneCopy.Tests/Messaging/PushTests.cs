using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>What may happen in the middle of a copy between two processes: somebody dies, stops, cancels, takes memory away.</summary>
public sealed class PushTests : IDisposable
{
    private const string NoReading = "seccomp=EPERM:read";
    private const int Length = 3_000_000;
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(20);
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    /// <summary>3 MB are six pieces; 70 MB are two postings.</summary>
    [Theory]
    [InlineData(32 * 1024)]
    [InlineData(512 * 1024)]
    [InlineData(70_000_000)]
    public async Task Any_length_is_pushed(int length)
    {
        Requires.NoYama();
        await using MessageQueue queue = _root.Open();
        using ChildProcess receiver = await ReceiverAsync(NoReading);
        byte[] payload = Payload(length);
        await queue.SendAsync(payload, cancellationToken: Ct).AsTask().WaitAsync(s_soon, Ct);
        Assert.Equal($"got {length} Attached ok 1", await receiver.ReadLineAsync());
        Assert.Equal((1, 0), (queue.Statistics.Pushed, queue.Statistics.Moved));
    }

    [Theory]
    [InlineData("help.read:*")]
    [InlineData("help.check")]
    [InlineData("help.take")]
    [InlineData("help.push")]
    [InlineData("help.push:3")]
    [InlineData("help.mark")]
    [InlineData("help.back", "seccomp=EPERM:write")]
    [InlineData("help.ring")]
    public async Task A_sender_that_is_killed_in_the_middle_keeps_nobody_waiting(string step, params string[] steps)
    {
        Requires.NoYama();
        using ChildProcess receiver = await ReceiverAsync(NoReading);
        using ChildProcess sender = ChildProcess.Start("lane-send", [$"wait-at={step}", .. steps, _root.Path, "q", "1", $"{Length}"]);
        Assert.Equal("open", await sender.ReadLineAsync());
        Assert.Equal($"at {step.Split(':')[0]}", await sender.ReadLineAsync());
        sender.Kill();
        string end = await receiver.ReadLineAsync();
        if (step is "help.ring")
            Assert.True(end.StartsWith("MessageLostException", StringComparison.Ordinal) || end.EndsWith("ok 1", StringComparison.Ordinal), end);
        else
            Assert.StartsWith("MessageLostException", end, StringComparison.Ordinal);
        await receiver.ReadLineAsync();
        receiver.Finish();
    }

    [Theory]
    [InlineData("both.prepare")]
    [InlineData("both.post")]
    [InlineData("both.ring")]
    [InlineData("push.wait")]
    [InlineData("both.close")]
    [InlineData("both.wait")]
    [InlineData("both.unpost")]
    [InlineData("push.check")]
    public async Task A_receiver_that_is_killed_in_the_middle_leaves_the_message_to_the_next(string step)
    {
        Requires.NoYama();
        await using MessageQueue queue = _root.Open();
        using ChildProcess receiver = await ReceiverAsync($"wait-at={step}", NoReading);
        Task send = queue.SendAsync(Payload(Length), cancellationToken: Ct).AsTask();
        Assert.Equal($"at {step}", await receiver.ReadLineAsync());
        receiver.Kill();
        using ChildProcess next = await ReceiverAsync(NoReading);
        Assert.Equal($"got {Length} Attached ok 2", await next.ReadLineAsync());
        await send.WaitAsync(s_soon, Ct);
        Assert.Equal((0, 0, 0), (queue.Statistics.Queued, queue.Statistics.Leased, queue.Statistics.Moved));
    }

    [Fact]
    public async Task A_receiver_that_is_killed_while_it_is_written_to_costs_its_sender_nothing()
    {
        Requires.NoYama();
        using ChildProcess receiver = await ReceiverAsync(NoReading);
        using ChildProcess sender = ChildProcess.Start("lane-send", "wait-at=help.push:3", _root.Path, "q", "1", $"{Length}");
        Assert.Equal("open", await sender.ReadLineAsync());
        Assert.Equal("at help.push", await sender.ReadLineAsync());
        receiver.Kill();
        sender.WriteLine("go on");
        using ChildProcess next = await ReceiverAsync(NoReading);
        Assert.Equal($"got {Length} Attached ok 2", await next.ReadLineAsync());
        Assert.Equal("sent", await sender.ReadLineAsync());
        sender.Finish();
    }

    [Fact]
    public async Task A_message_is_taken_back_from_a_receiver_that_is_stopped_in_the_middle()
    {
        Requires.NoYama();
        await using MessageQueue queue = _root.Open();
        using ChildProcess receiver = await ReceiverAsync("wait-at=push.wait", NoReading);
        using CancellationTokenSource cancel = new();
        Task send = queue.SendAsync(Payload(Length), cancellationToken: cancel.Token).AsTask();
        Assert.Equal("at push.wait", await receiver.ReadLineAsync());
        receiver.Stop();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => send.WaitAsync(s_soon, Ct));
        receiver.Continue();
        receiver.WriteLine("go on");
        Assert.StartsWith("MessageWithdrawnException", await receiver.ReadLineAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_receiver_that_closes_its_handle_while_a_stopped_sender_writes_waits_for_the_senders_end()
    {
        Requires.NoYama();
        using ChildProcess receiver = ChildProcess.Start("lane-receive", NoReading, _root.Path, "q", "1", "close");
        Assert.Equal("open", await receiver.ReadLineAsync());
        using ChildProcess sender = ChildProcess.Start("lane-send", "wait-at=help.push:2", _root.Path, "q", "1", $"{Length}");
        Assert.Equal("open", await sender.ReadLineAsync());
        Assert.Equal("copying", await receiver.ReadLineAsync());
        Assert.Equal("at help.push", await sender.ReadLineAsync());
        receiver.WriteLine("close");
        await Assert.ThrowsAsync<TimeoutException>(() => receiver.ReadLineAsync(TimeSpan.FromMilliseconds(300)));
        sender.Kill();
        Assert.Equal("closed ObjectDisposedException", await receiver.ReadLineAsync());
        receiver.Finish();
    }

    /// <summary>The one wait that cannot be cancelled: for a piece that somebody may be writing.</summary>
    [Fact]
    public async Task A_cancelled_copy_ends_when_nobody_writes_any_more_and_the_message_can_be_read_again()
    {
        Requires.NoYama();
        using ChildProcess receiver = ChildProcess.Start("lane-receive", NoReading, _root.Path, "q", "1", "cancel");
        Assert.Equal("open", await receiver.ReadLineAsync());
        using ChildProcess sender = ChildProcess.Start("lane-send", "wait-at=help.push:2", _root.Path, "q", "1", $"{Length}");
        Assert.Equal("open", await sender.ReadLineAsync());
        Assert.Equal("copying", await receiver.ReadLineAsync());
        Assert.Equal("at help.push", await sender.ReadLineAsync());
        receiver.WriteLine("cancel");
        await Assert.ThrowsAsync<TimeoutException>(() => receiver.ReadLineAsync(TimeSpan.FromMilliseconds(300)));
        sender.WriteLine("go on");
        Assert.Equal("cancelled", await receiver.ReadLineAsync());
        Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
        Assert.Equal("sent", await sender.ReadLineAsync());
        receiver.Finish();
        sender.Finish();
    }

    /// <summary>The pull fails in its second piece, and so does the copy into the arena: the sender is told, and the receiver too.</summary>
    [Theory]
    [InlineData("pull.read:2", "")]
    [InlineData("both.post", NoReading)]
    public async Task Memory_that_is_unmapped_in_the_middle_is_an_error_for_both_and_no_garbage(string step, string filter)
    {
        Requires.NoYama();
        using ChildProcess receiver = await ReceiverAsync([$"wait-at={step}", .. filter.Length == 0 ? (string[])[] : [filter]]);
        using ChildProcess sender = ChildProcess.Start("lane-unmap", _root.Path, "q", $"{Length}");
        Assert.Equal("sending", await sender.ReadLineAsync());
        Assert.Equal($"at {step.Split(':')[0]}", await receiver.ReadLineAsync());
        sender.WriteLine("unmap");
        Assert.Equal("unmapped", await sender.ReadLineAsync());
        receiver.WriteLine("go on");
        Assert.StartsWith("MessageWithdrawnException", await receiver.ReadLineAsync(), StringComparison.Ordinal);
        string error = await sender.ReadLineAsync();
        Assert.StartsWith("OneCopyException EFAULT", error, StringComparison.Ordinal);
        Assert.Contains("unmapped", error, StringComparison.Ordinal);
        Assert.Equal("0 0 1", await sender.ReadLineAsync());
        receiver.Finish();
        sender.Finish();
    }

    /// <summary>More at a time than there are slots for: what finds none is moved, and the others' copies go on.</summary>
    [Fact]
    public async Task One_message_is_read_by_many_threads_at_once()
    {
        Requires.NoYama();
        await using MessageQueue queue = _root.Open();
        using ChildProcess receiver = ChildProcess.Start("lane-receive", NoReading, _root.Path, "q", "5", "threads");
        Assert.Equal("open", await receiver.ReadLineAsync());
        for (int i = 0; i < 5; i++)
        {
            await queue.SendAsync(Payload(4_000_000), cancellationToken: Ct).AsTask().WaitAsync(s_soon, Ct);
            Assert.EndsWith("ok 1", await receiver.ReadLineAsync(), StringComparison.Ordinal);
        }

        Assert.InRange(queue.Statistics.Pushed, 1, 5);
    }

    /// <summary>
    /// The sender finds both asked for when it looks: a move for those who found no slot, and pushes for the others. It is stopped when its reference is in
    /// the ring, and not as soon as its block says that it is queued: in between, nobody else can find the message.
    /// </summary>
    [Fact]
    public async Task A_move_that_is_asked_for_keeps_no_push_from_being_made()
    {
        Requires.NoYama();
        using ChildProcess sender = ChildProcess.Start("lane-send", "wait-at=sleep.wait", _root.Path, "q", "1", $"{Length}");
        Assert.Equal("open", await sender.ReadLineAsync());
        Assert.Equal("at sleep.wait", await sender.ReadLineAsync());
        sender.Stop();
        using ChildProcess receiver = ChildProcess.Start("lane-receive", "wait-at=move.ring:4", NoReading, _root.Path, "q", "1", "threads");
        Assert.Equal("open", await receiver.ReadLineAsync());
        Assert.Equal("at move.ring", await receiver.ReadLineAsync());
        sender.Continue();
        sender.WriteLine("go on");
        receiver.WriteLine("go on");
        Assert.EndsWith("ok 1", await receiver.ReadLineAsync(), StringComparison.Ordinal);
        Assert.Equal("sent", await sender.ReadLineAsync());
    }

    /// <summary>
    /// Sends are taken back and their memory is used again at once, copies are cancelled and theirs as well, all at random: what is completed is
    /// whole, nobody writes to memory that is its user's again, and nobody waits for ever.
    /// </summary>
    [Theory]
    [InlineData(NoReading)]
    [InlineData("")]
    public async Task Taking_back_and_cancelling_at_any_moment_leaves_no_garbage(string filter)
    {
        Requires.NoYama();
        await using MessageQueue queue = _root.Open();
        using ChildProcess receiver = ChildProcess.Start("lane-storm", [.. filter.Length == 0 ? (string[])[] : [filter], _root.Path, "q"]);
        Assert.Equal("open", await receiver.ReadLineAsync());
        Random random = new(1);
        byte[] payload = new byte[2_000_000];
        int completed = 0;
        for (int i = 0; i < 150; i++)
        {
            TestProcess.QueueModes.Fill(payload, i);
            using CancellationTokenSource cancel = new();
            Task send = queue.SendAsync(payload, cancellationToken: cancel.Token).AsTask();
            if (i % 3 != 0)
                SpinWait.SpinUntil(() => send.IsCompleted, TimeSpan.FromMicroseconds(random.Next(5_000)));
            else
                await send.WaitAsync(s_soon, Ct);
            await cancel.CancelAsync();
            try
            {
                await send.WaitAsync(s_soon, Ct);
                completed++;
            }
            catch (OperationCanceledException)
            {
                // Taken back.
            }
        }

        queue.Send([], cancellationToken: Ct);
        Assert.Equal($"completed {completed}, wrong 0, written 0", await receiver.ReadLineAsync());
        Assert.Equal((0, 0), (queue.Statistics.Moved, queue.Statistics.Queued));
        receiver.Finish();
    }

    private async Task<ChildProcess> ReceiverAsync(params string[] steps)
    {
        ChildProcess receiver = ChildProcess.Start("lane-receive", [.. steps, _root.Path, "q", "1"]);
        Assert.Equal("open", await receiver.ReadLineAsync());
        return receiver;
    }

    private static byte[] Payload(int length)
    {
        byte[] payload = new byte[length];
        TestProcess.QueueModes.Fill(payload, 5);
        return payload;
    }
}
