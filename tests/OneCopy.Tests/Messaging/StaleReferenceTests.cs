using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>References in the ring whose message is over: they stand for no other message, and take no room from any.</summary>
public sealed class StaleReferenceTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);
    private static readonly QueueOptions s_small = new() { RingCapacity = 64 };
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Fact]
    public async Task References_that_a_closed_handle_left_do_not_stand_for_messages_of_the_next_one_with_its_index()
    {
        MessageQueue sender = _root.Open(options: s_small);
        for (int i = 0; i < 64; i++)
        {
            using CancellationTokenSource cancel = new();
            Task send = sender.SendAsync(new byte[40_000], null, cancel.Token).AsTask();
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => send);
        }

        // Twelve bits of a generation are in a reference: one time in 4,096 they are the same by chance. Three times running, not.
        bool sent = false;
        for (int attempt = 0; attempt < 3 && !sent; attempt++)
        {
            await sender.DisposeAsync();
            sender = _root.Open(options: s_small);
            Assert.Equal(1, sender.ParticipantIndex);
            sent = sender.TrySend([7]);
        }

        Assert.True(sent, "the ring is full of references to messages that were taken back");
        using ReceivedMessage message = sender.Receive(s_soon, Ct);
        Assert.Equal([7], message.ToArray());
        message.Complete();
        Assert.False(sender.TryReceive(out _));
        await sender.DisposeAsync();
    }

    [Theory]
    [InlineData("Send")]
    [InlineData("SendAsync")]
    [InlineData("SendBuffer")]
    public async Task A_message_that_was_claimed_by_an_old_reference_while_its_send_waited_for_room_is_sent_and_not_cancelled(string how)
    {
        await using MessageQueue other = _root.Open(options: s_small);
        await using MessageQueue sender = _root.Open();
        other.FillRing();
        using Ring ring = sender.OpenRing();
        using CancellationTokenSource cancel = new();
        Task send = Task.Run(
            async () =>
            {
                if (how is "Send")
                    sender.Send([7], cancellationToken: cancel.Token);
                else if (how is "SendAsync")
                    await sender.SendAsync(new byte[] { 7 }, cancellationToken: cancel.Token);
                else
                    SendRented(sender, cancel.Token);
            },
            Ct);
        Eventually.True(() => ring.IsAsleep(WaitKind.Space, sender.ParticipantIndex), "the sender sleeps for room");

        // What a receiver does that meets a reference with the same bits; it has not taken that reference out yet.
        BlockState queued = sender.Self().State(0);
        Assert.Equal(Phase.Queued, queued.Phase);
        BlockState leased = queued.To(Phase.Leased, other.ParticipantIndex);
        Assert.True(sender.Self().TryChange(0, queued, leased));
        await cancel.CancelAsync();
        await send.WaitAsync(s_soon, Ct);
        Assert.Equal(leased, sender.Self().State(0));
        Assert.Equal(65, other.Statistics.Sent.Total.Messages);
        Assert.True(sender.Self().TryChange(0, leased, leased.To(Phase.Done, other.ParticipantIndex)));
    }

    [Fact]
    public async Task A_try_to_send_tells_the_truth_when_an_old_reference_leads_a_receiver_to_its_message()
    {
        await using MessageQueue other = _root.Open(options: s_small);
        await using MessageQueue sender = _root.Open(options: new QueueOptions { Blocks = 1 });
        other.FillRing();
        int claimed = 0;
        bool stop = false;
        Task claiming = Task.Run(
            () =>
            {
                while (!Volatile.Read(ref stop))
                {
                    BlockState seen = sender.Self().State(0);
                    BlockState leased = seen.To(Phase.Leased, other.ParticipantIndex);
                    if (seen.Phase != Phase.Queued || !sender.Self().TryChange(0, seen, leased))
                        continue;
                    claimed++;
                    sender.Self().TryChange(0, leased, leased.To(Phase.Done, other.ParticipantIndex));
                }
            },
            Ct);
        int sent = 0;
        for (int tries = 0; tries < 200_000 && sent < 200; tries++)
            sent += sender.TrySend([1]) ? 1 : 0;
        Volatile.Write(ref stop, true);
        await claiming.WaitAsync(s_soon, Ct);
        Assert.Equal(claimed, sent);
        TestContext.Current.TestOutputHelper!.WriteLine($"{claimed} were claimed.");
    }

    private static void SendRented(MessageQueue queue, CancellationToken ct)
    {
        using SendBuffer buffer = queue.Rent(1, cancellationToken: CancellationToken.None);
        buffer.Span[0] = 7;
        queue.Send(buffer, cancellationToken: ct);
    }
}
