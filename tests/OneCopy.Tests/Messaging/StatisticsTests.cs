using System.Diagnostics;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Each number of the statistics against what processes really did; by a handle and by a look from outside alike.</summary>
public sealed class StatisticsTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);
    private readonly TestRoot _root = new();

    // A message's time is that of the kernel's last tick, up to 10 ms ago, and a tick may be late.
    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(20);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Fact]
    public async Task Messages_and_bytes_are_counted_by_the_lanes_they_went()
    {
        await using MessageQueue queue = _root.Open();
        using QueueInspection look = Look();
        using (ChildProcess receiver = ChildProcess.Start("queue-receive", _root.Path, "q", "6"))
        {
            Assert.Equal("ready", await receiver.ReadLineAsync());
            queue.Send(new byte[10], null, Ct);
            queue.Send(new byte[20], null, Ct);
            queue.Send(new byte[4_000], null, Ct);
            for (int i = 0; i < 3; i++)
                await queue.SendAsync(new byte[100_000 + i], cancellationToken: Ct);
            receiver.Finish();
        }

        // One whose receiver may not pull: sent attached, completed by the arena.
        using (ChildProcess receiver = ChildProcess.Start("queue-receive", _root.Path, "q", "1", "no-attach"))
        {
            Assert.Equal("ready", await receiver.ReadLineAsync());
            await queue.SendAsync(new byte[50_000], cancellationToken: Ct);
            receiver.Finish();
        }

        // Both receivers are gone, and their counters with them into the ring's.
        Eventually.True(() => look.Participants.Count == 1, "the receivers' files are gone");
        foreach (QueueStatistics s in new[] { queue.Statistics, look.Statistics })
        {
            Assert.Equal(new LaneStatistics(new LaneTraffic(2, 30), new LaneTraffic(1, 4_000), new LaneTraffic(4, 350_003)), s.Sent);
            Assert.Equal(new LaneStatistics(new LaneTraffic(2, 30), new LaneTraffic(2, 54_000), new LaneTraffic(3, 300_003)), s.Completed);
            Assert.Equal((0, 0, 0, 1), (s.Queued, s.Leased, s.BytesPending, s.Moved));
            Assert.Null(s.OldestAge);
        }
    }

    [Fact]
    public void The_oldest_age_is_that_of_the_oldest_that_waits()
    {
        using MessageQueue queue = _root.Open();
        using QueueInspection look = Look();
        long first = Stopwatch.GetTimestamp();
        queue.Send([1], null, Ct);
        Eventually.True(() => Stopwatch.GetElapsedTime(first) > TimeSpan.FromMilliseconds(300), "some time has passed");
        long second = Stopwatch.GetTimestamp();
        queue.Send([2], null, Ct);
        foreach (Func<QueueStatistics> statistics in new Func<QueueStatistics>[] { () => queue.Statistics, () => look.Statistics })
            Assert.InRange(statistics().OldestAge!.Value, TimeSpan.FromMilliseconds(295), Stopwatch.GetElapsedTime(first) + s_tick);

        // Held, it does not wait; given back, it has waited since it was sent.
        using ReceivedMessage held = queue.Receive(s_soon, Ct);
        foreach (Func<QueueStatistics> statistics in new Func<QueueStatistics>[] { () => queue.Statistics, () => look.Statistics })
            Assert.InRange(statistics().OldestAge!.Value, TimeSpan.Zero, Stopwatch.GetElapsedTime(second) + s_tick);
        held.Abandon();
        Assert.True(look.Statistics.OldestAge >= TimeSpan.FromMilliseconds(295));
    }

    [Fact]
    public async Task What_deaths_cost_is_counted_once()
    {
        await using MessageQueue queue = _root.Open();
        using QueueInspection look = Look();
        queue.Send(new byte[10], null, Ct);
        for (int i = 1; i <= 3; i++)
        {
            using ChildProcess holder = ChildProcess.Start("queue-hold", _root.Path, "q");
            Assert.Equal("ready", await holder.ReadLineAsync());
            Assert.Equal("holding 10", await holder.ReadLineAsync());
            Assert.Equal((0, 1, i - 1), (look.Statistics.Queued, look.Statistics.Leased, look.Statistics.Redelivered));
            holder.Kill();
            Eventually.True(() => look.Statistics is { Queued: 1, Leased: 0 }, "the message is given back");
        }

        using (ChildProcess sender = ChildProcess.Start("queue-attach", _root.Path, "q", "1000000"))
        {
            Assert.Equal("sending", await sender.ReadLineAsync());
            Assert.Equal(1_000_010, look.Statistics.BytesPending);
            sender.Kill();
        }

        Eventually.True(() => look.Statistics.Participants.Count == 1, "the dead are gone");
        using ReceivedMessage message = queue.Receive(s_soon, Ct);
        Assert.Equal(4, message.DeliveryAttempt);
        message.Complete();
        foreach (QueueStatistics s in new[] { queue.Statistics, look.Statistics })
        {
            Assert.Equal((0, 0, 0), (s.Queued, s.Leased, s.BytesPending));
            Assert.Equal((3, 1, 0, 0), (s.Redelivered, s.LostWithSender, s.Abandoned, s.DeadLettered));
            Assert.Equal((new LaneTraffic(1, 10), new LaneTraffic(1, 10)), (s.Sent.Inline, s.Completed.Inline));
        }
    }

    [Fact]
    public async Task Numbers_do_not_jump_when_participants_come_and_go()
    {
        await using MessageQueue queue = _root.Open();
        using QueueInspection look = Look();
        const int rounds = 400;
        Task churn = Task.Run(
            () =>
            {
                for (int i = 0; i < rounds; i++)
                {
                    using MessageQueue passing = _root.Open(options: new QueueOptions { Blocks = 4, ArenaLimit = 0 });
                    passing.Send([1], null, Ct);
                    passing.Receive(s_soon, Ct).Complete();
                }
            },
            Ct);
        long last = 0;
        int looks = 0;
        while (!churn.IsCompleted)
        {
            foreach (QueueStatistics s in new[] { look.Statistics, queue.Statistics })
            {
                Assert.InRange(s.Sent.Total.Messages, last, rounds);
                last = s.Sent.Total.Messages;
                looks++;
            }
        }

        await churn;
        Assert.True(looks > 10, $"{looks} looks");
        Assert.Equal((rounds, rounds), (look.Statistics.Sent.Total.Messages, look.Statistics.Completed.Total.Messages));
    }

    private QueueInspection Look() => MessageQueue.TryInspect("q", out QueueInspection? look, _root.Path) ? look : throw new InvalidOperationException("There is no queue.");
}
