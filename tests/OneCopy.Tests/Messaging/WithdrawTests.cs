using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Taking a message back, from whatever its receiver is just doing with it.</summary>
public sealed class WithdrawTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Theory]
    [InlineData("complete", "MessageWithdrawnException")]
    [InlineData("copy", "MessageWithdrawnException")]
    [InlineData("properties", "MessageWithdrawnException")]
    [InlineData("abandon", "nothing")]
    [InlineData("dispose", "nothing")]
    public async Task A_message_that_was_taken_back_by_closing_its_sender_can_still_be_asked_and_answered(string how, string outcome)
    {
        using ChildProcess both = ChildProcess.Start("queue-answer-withdrawn", _root.Path, "q", how);
        Assert.Equal("taken back, and the sender's file is gone", await both.ReadLineAsync());
        Assert.Equal(outcome, await both.ReadLineAsync());
        both.Finish();
    }

    [Fact]
    public async Task A_message_that_was_taken_back_never_shows_the_next_one_in_its_block()
    {
        await using MessageQueue sender = _root.Open(options: new QueueOptions { Blocks = 1 });
        await using MessageQueue receiver = _root.Open();
        using CancellationTokenSource cancel = new();
        Task first = sender.SendAsync(new byte[100_000], Named("first"), cancel.Token).AsTask();
        using ReceivedMessage held = await receiver.ReceiveAsync(Ct);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Task second = sender.SendAsync(new byte[200_000], Named("second"), Ct).AsTask();
        Eventually.True(() => sender.Statistics.Queued == 1, "the second message is in the block of the first");
        Assert.Throws<MessageWithdrawnException>(() => held.Properties.MessageId);
        Assert.Throws<MessageWithdrawnException>(() => held.ToArray());
        Assert.Throws<MessageWithdrawnException>(held.Complete);
        using ReceivedMessage next = await receiver.ReceiveAsync(Ct);
        Assert.Equal(("second", 200_000), (next.Properties.MessageId, next.ToArray().Length));
        next.Complete();
        await second.WaitAsync(s_soon, Ct);
    }

    [Fact]
    public async Task A_receiver_that_waits_for_a_payload_to_be_moved_learns_that_it_was_taken_back()
    {
        await using MessageQueue receiver = _root.Open("q", new QueueOptions { Attach = AttachMode.Never });
        using ChildProcess sender = ChildProcess.Start("queue-starved-attach", _root.Path, "q", "100000");
        Assert.Equal("sending", await sender.ReadLineAsync());
        using ReceivedMessage message = receiver.Receive(s_soon, Ct);
        Task copy = Task.Run(() => message.ToArray(), Ct);
        Eventually.True(() => Volatile.Read(ref receiver.Self().OwnSleeping) != 0, "the receiver sleeps until the payload is moved");
        sender.WriteLine("cancel");
        Assert.Equal("OperationCanceledException", await sender.ReadLineAsync());
        await Assert.ThrowsAsync<MessageWithdrawnException>(() => copy.WaitAsync(s_soon, Ct));
        sender.Finish();
    }

    [Fact]
    public async Task A_time_limit_of_months_is_waited_for_by_an_attached_send()
    {
        await using MessageQueue sender = _root.Open();
        await using MessageQueue receiver = _root.Open();
        Task send = sender.SendAsync(new byte[100_000], new SendOptions { Timeout = TimeSpan.FromDays(60) }, Ct).AsTask();
        using ReceivedMessage message = await receiver.ReceiveAsync(Ct);
        Assert.Equal(100_000, message.ToArray().Length);
        Assert.False(send.IsCompleted);
        message.Complete();
        await send.WaitAsync(s_soon, Ct);
    }

    [Fact]
    public async Task A_time_limit_of_months_is_waited_for_by_a_send_that_finds_no_room()
    {
        await using MessageQueue queue = _root.Open(options: new QueueOptions { RingCapacity = 64 });
        queue.FillRing();
        Task send = queue.SendAsync(new byte[] { 7 }, new SendOptions { Timeout = TimeSpan.FromDays(60) }, Ct).AsTask();
        Assert.False(send.IsCompleted);
        for (int i = 0; i < 65; i++)
        {
            using ReceivedMessage message = queue.Receive(s_soon, Ct);
            Assert.Equal(i < 64 ? 0 : 7, message.ToArray()[0]);
            message.Complete();
        }

        await send.WaitAsync(s_soon, Ct);
    }

    private static SendOptions Named(string id) => new() { Properties = new MessageProperties { MessageId = id } };
}
