using System.Buffers.Binary;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Several payloads of one thread under way at a time, which stay where they are.</summary>
public sealed class SendManyUntilCompletedTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(20);
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    /// <summary>More than are under way at a time, of all lanes in turn; and with fewer blocks than that.</summary>
    [Theory]
    [InlineData(1024)]
    [InlineData(5)]
    public async Task All_arrive_in_their_order_and_are_completed_when_it_returns(int blocks)
    {
        await using MessageQueue sender = _root.Open(options: new QueueOptions { Blocks = blocks });
        await using MessageQueue receiver = _root.Open();
        int[] lengths = [4, 100, 5_000, 40_000, 200_000];
        ReadOnlyMemory<byte>[] payloads = [.. Enumerable.Range(0, 150).Select(i => (ReadOnlyMemory<byte>)Numbered(i, lengths[i % lengths.Length]))];
        Task send = Start(() => sender.SendManyUntilCompleted(payloads));
        for (int i = 0; i < payloads.Length; i++)
        {
            using ReceivedMessage message = receiver.Receive(s_soon, Ct);
            byte[] bytes = message.ToArray();
            Assert.Equal((i, lengths[i % lengths.Length]), (BinaryPrimitives.ReadInt32LittleEndian(bytes), bytes.Length));
            Assert.Equal(bytes.Length >= 40_000, message.Lane == Lane.Attached);
            Assert.False(send.IsCompleted, "the last ones are not completed");
            message.Complete();
        }

        await send.WaitAsync(s_soon, Ct);
        Assert.Equal((0, 0), (sender.Statistics.Queued, sender.Statistics.Leased));
    }

    [Fact]
    public async Task One_that_is_held_for_long_keeps_none_of_those_behind_it_from_other_receivers()
    {
        await using MessageQueue sender = _root.Open();
        await using MessageQueue slow = _root.Open();
        await using MessageQueue fast = _root.Open();
        ReadOnlyMemory<byte>[] payloads = [.. Enumerable.Range(0, 30).Select(i => (ReadOnlyMemory<byte>)Numbered(i, 40_000))];
        Task send = Start(() => sender.SendManyUntilCompleted(payloads));
        using ReceivedMessage held = slow.Receive(s_soon, Ct);
        for (int i = 1; i < payloads.Length; i++)
        {
            using ReceivedMessage message = fast.Receive(s_soon, Ct);
            Assert.Equal(i, BinaryPrimitives.ReadInt32LittleEndian(message.ToArray()));
            message.Complete();
        }

        Assert.False(send.IsCompleted);
        Assert.Equal(0, BinaryPrimitives.ReadInt32LittleEndian(held.ToArray()));
        held.Complete();
        await send.WaitAsync(s_soon, Ct);
    }

    [Theory]
    [InlineData("time")]
    [InlineData("cancel")]
    [InlineData("close")]
    public async Task What_is_not_completed_is_taken_back(string how)
    {
        MessageQueue sender = _root.Open();
        await using MessageQueue receiver = _root.Open();
        using CancellationTokenSource cancel = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        ReadOnlyMemory<byte>[] payloads = [.. Enumerable.Range(0, 100).Select(i => (ReadOnlyMemory<byte>)Numbered(i, 40_000))];
        SendOptions options = new() { Timeout = how is "time" ? TimeSpan.FromSeconds(1) : null };
        Task send = Start(() => sender.SendManyUntilCompleted(payloads, options, cancel.Token));
        for (int i = 0; i < 3; i++)
        {
            using ReceivedMessage message = receiver.Receive(s_soon, Ct);
            message.Complete();
        }

        using ReceivedMessage held = receiver.Receive(s_soon, Ct);
        if (how is "cancel")
            await cancel.CancelAsync();
        else if (how is "close")
            await sender.DisposeAsync();
        Exception e = await Assert.ThrowsAnyAsync<Exception>(() => send.WaitAsync(s_soon, Ct));
        Assert.IsType(how switch { "time" => typeof(TimeoutException), "cancel" => typeof(OperationCanceledException), _ => typeof(ObjectDisposedException) }, e);

        // Also the one that a receiver has, and could still copy if it were there.
        Assert.Throws<MessageWithdrawnException>(() => held.ToArray());
        Assert.Throws<MessageWithdrawnException>(held.Complete);
        Assert.Equal((0, 0), (receiver.Statistics.Queued, receiver.Statistics.Leased));
        Assert.False(receiver.TryReceive(out _));
        await sender.DisposeAsync();
    }

    /// <summary>Its thread waits for a later one while the receiver has posted a place for an earlier one, and the other way round.</summary>
    [Fact]
    public async Task All_are_pushed_to_a_receiver_that_may_not_pull()
    {
        Requires.NoYama();
        await using MessageQueue sender = _root.Open();
        using ChildProcess receiver = ChildProcess.Start("lane-receive", "seccomp=EPERM:read", _root.Path, "q", "40");
        Assert.Equal("open", await receiver.ReadLineAsync());
        ReadOnlyMemory<byte>[] payloads = [.. Enumerable.Range(0, 40).Select(Filled)];
        Task send = Start(() => sender.SendManyUntilCompleted(payloads));
        for (int i = 0; i < 40; i++)
            Assert.Equal("got 40000 Attached ok 1", await receiver.ReadLineAsync());
        await send.WaitAsync(s_soon, Ct);
        Assert.Equal((40, 0), (sender.Statistics.Pushed, sender.Statistics.Moved));
    }

    [Fact]
    public void None_at_all_is_nothing()
    {
        using MessageQueue queue = _root.Open();
        queue.SendManyUntilCompleted([]);
        Assert.Equal(0, queue.Statistics.Queued);
    }

    [Fact]
    public async Task One_that_is_too_large_for_any_queue_is_refused_and_those_before_it_taken_back()
    {
        await using MessageQueue queue = _root.Open(options: new QueueOptions { ArenaLimit = 1 << 20, Attach = AttachMode.Never });
        Task send = Start(() => queue.SendManyUntilCompleted([new byte[10], new byte[2 << 20], new byte[10]]));
        await Assert.ThrowsAsync<OneCopyException>(() => send.WaitAsync(s_soon, Ct));
        Assert.Equal(0, queue.Statistics.Queued);
    }

    private static Task Start(Action send) => Task.Factory.StartNew(send, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static ReadOnlyMemory<byte> Filled(int seed)
    {
        byte[] payload = new byte[40_000];
        TestProcess.QueueModes.Fill(payload, seed);
        return payload;
    }

    private static byte[] Numbered(int number, int length)
    {
        byte[] payload = new byte[length];
        BinaryPrimitives.WriteInt32LittleEndian(payload, number);
        return payload;
    }
}
