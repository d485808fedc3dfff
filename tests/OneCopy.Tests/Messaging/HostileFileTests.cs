using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>One wrong thing at a time in the files of a queue, and what those who use it make of it.</summary>
public sealed class HostileFileTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_payload_in_the_arena_of_a_participant_that_has_none_is_impossible(bool intoMemory)
    {
        using MessageQueue sender = _root.Open(options: new QueueOptions { Blocks = 1, ArenaLimit = 0 });
        using MessageQueue receiver = _root.Open();
        sender.Send([]);
        string file = Directory.GetFiles(Path.Combine(_root.Path, "q"), "p1-*")[0];
        Inside.Overwrite(file, ParticipantLayout.BlocksOffset + BlockLayout.LaneOffset, [(byte)Lane.Arena]);
        Inside.Overwrite(file, ParticipantLayout.BlocksOffset + BlockLayout.PayloadOffsetOffset, new byte[sizeof(long)]);

        Assert.Throws<QueueCorruptException>(() =>
        {
            if (intoMemory)
                receiver.TryReceive(new byte[10], out _);
            else
                receiver.TryReceive(out _);
        });
        Assert.False(receiver.TryReceive(out _));
    }

    [Fact]
    public async Task A_file_that_grows_while_its_length_is_looked_at_is_not_taken_for_a_truncated_one()
    {
        const int Pages = 8192;
        await using MessageQueue queue = _root.Open(options: new QueueOptions { ArenaLimit = Pages * 4096L });
        Participant self = queue.Self();
        bool grows = true;
        Task looking = Task.Run(
            () =>
            {
                while (Volatile.Read(ref grows))
                    self.LookAtLength();
            },
            Ct);
        long grown = 0;
        while (grown < Pages && self.Allocate(grown * 4096, 4096).Succeeded)
            grown++;
        Volatile.Write(ref grows, false);
        await looking;
        Assert.False(self.IsDamaged, "it was said to be truncated");
        Assert.Equal(Pages, grown);
    }

    [Theory]
    [InlineData((1L << 40) + 3, 0)]
    [InlineData(1_000_000, 1_000_000)]
    [InlineData(-1_000_000, 0)]
    [InlineData(0, (1L << 40) + 3)]
    [InlineData(0, 1_000_000)]
    [InlineData(0, 5)]
    [InlineData(5, 0)]
    [InlineData(long.MinValue, 7)]
    public async Task A_ring_in_disorder_is_said_to_be_and_nobody_runs_in_circles_in_it(long head, long tail)
    {
        await using MessageQueue queue = _root.Open(options: new QueueOptions { RingCapacity = 64 });
        for (int i = 0; i < 100; i++)
        {
            queue.Send([1]);
            using ReceivedMessage message = queue.Receive(s_soon, Ct);
            message.Complete();
        }

        using Ring ring = queue.OpenRing();
        ring.Head = ring.Tail + (ulong)head; // It may be behind what was taken.
        ring.Tail += (ulong)tail;
        QueueCorruptException? said = null;
        for (int i = 0; i < 200 && said is null; i++)
        {
            said = await Corrupt(() => queue.TrySend([2])) ?? await Corrupt(() =>
            {
                if (queue.TryReceive(out ReceivedMessage message))
                    message.Complete();
            });
        }

        Assert.EndsWith("/ring", said?.Path, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_message_is_not_said_to_be_sent_when_it_was_written_into_a_file_that_was_truncated()
    {
        await using MessageQueue queue = _root.Open();
        queue.Send(new byte[100_000]);
        string file = queue.Self().Path;
        Inside.Truncate(file, 65536);
        QueueCorruptException e = Assert.Throws<QueueCorruptException>(() =>
        {
            for (int i = 0; i < 2000; i++)
                queue.TrySend([1]); // The first that needs what is gone.
        });
        Assert.Equal(file, e.Path);
        Assert.Throws<QueueCorruptException>(() => queue.TryReceive(out _));
        Assert.Throws<QueueCorruptException>(() => queue.Statistics);
    }

    [Fact]
    public async Task A_truncated_ring_is_said_to_be_by_everybody()
    {
        await using MessageQueue a = _root.Open();
        await using MessageQueue b = _root.Open();
        Inside.Truncate(Path.Combine(a.Path, "ring"), 0);
        Assert.EndsWith("/ring", Assert.Throws<QueueCorruptException>(() => a.Send([1], cancellationToken: Ct)).Path, StringComparison.Ordinal);
        Assert.Throws<QueueCorruptException>(() => b.TryReceive(out _));
        Assert.Throws<QueueCorruptException>(() => _root.Open());
    }

    [Theory]
    [InlineData("ring", true)]
    [InlineData("ring", false)]
    [InlineData("own", true)]
    [InlineData("own", false)]
    public async Task Those_who_sleep_without_a_time_limit_notice_that_a_file_was_truncated(string which, bool thread)
    {
        await using MessageQueue queue = _root.Open();
        Task<ReceivedMessage> waiting = thread ? Task.Run(() => queue.Receive(cancellationToken: Ct), Ct) : queue.ReceiveAsync(Ct).AsTask();
        using (Ring ring = queue.OpenRing())
            Eventually.True(() => ring.IsAsleep(WaitKind.Receive, queue.ParticipantIndex), "the receiver sleeps");
        Inside.Truncate(which is "ring" ? Path.Combine(queue.Path, "ring") : queue.Self().Path, 0);
        await Assert.ThrowsAsync<QueueCorruptException>(() => waiting.WaitAsync(s_soon, Ct));
    }

    [Fact]
    public async Task An_attached_send_that_waits_notices_it_too()
    {
        await using MessageQueue queue = _root.Open();
        Task send = queue.SendAsync(new byte[100_000], cancellationToken: Ct).AsTask();
        Inside.Truncate(queue.Self().Path, 0);
        await Assert.ThrowsAsync<QueueCorruptException>(() => send.WaitAsync(s_soon, Ct));
    }

    [Fact]
    public async Task A_sender_that_is_asked_to_move_a_payload_into_a_truncated_file_says_so_and_lives()
    {
        await using MessageQueue receiver = _root.Open(options: new QueueOptions { Attach = AttachMode.Never });
        await using MessageQueue sender = _root.Open();
        Task send = sender.SendAsync(new byte[100_000], new SendOptions { Timeout = s_soon }, Ct).AsTask();
        Inside.Truncate(sender.Self().Path, sender.Self().ArenaOffset - 4096);
        await Corrupt(() => receiver.Receive(s_soon, Ct).Dispose());
        await Assert.ThrowsAsync<QueueCorruptException>(() => send.WaitAsync(s_soon, Ct));
    }

    [Fact]
    public async Task A_peer_that_truncates_its_arena_takes_its_own_messages_with_it_and_no_others()
    {
        await using MessageQueue receiver = _root.Open();
        await using MessageQueue hostile = _root.Open();
        await using MessageQueue honest = _root.Open();
        hostile.Send(new byte[300_000]);
        using (ReceivedMessage first = receiver.Receive(s_soon, Ct))
            first.Complete(); // The receiver has seen the file in its length.
        hostile.Send(new byte[250_000]);
        hostile.Send(new byte[300_000]);
        honest.Send(new byte[200_000]);
        Inside.Truncate(hostile.Self().Path, hostile.Self().ArenaOffset + 65536);
        using (ReceivedMessage lost = receiver.Receive(s_soon, Ct))
        {
            Assert.Equal(hostile.Self().Path, Assert.Throws<QueueCorruptException>(() => lost.ToArray(Ct)).Path);
            Assert.Throws<QueueCorruptException>(lost.Complete);
        }

        await Corrupt(() => receiver.Receive(s_soon, Ct).Dispose()); // Its other one may still be claimed, or be said to be gone.
        ReceivedMessage message = default;
        Eventually.True(() => receiver.TryReceive(out message) && message.Length == 200_000, "the honest one's message is there");
        Assert.Equal(new byte[200_000], message.ToArray(Ct));
        message.Complete();
    }

    [Fact]
    public async Task A_record_that_changes_its_length_when_it_is_moved_is_refused()
    {
        await using MessageQueue receiver = _root.Open(options: new QueueOptions { Attach = AttachMode.Never });
        await using MessageQueue sender = _root.Open();
        Task send = sender.SendAsync(new byte[100_000], cancellationToken: Ct).AsTask();
        using ReceivedMessage message = receiver.Receive(s_soon, Ct);
        Participant file = sender.Self();
        Eventually.True(() => Volatile.Read(ref file.Moved(message.Lease.Block)) != 0, "it is moved");
        Put(file, message.Lease.Block, BlockLayout.PayloadLengthOffset, 10L);
        Assert.Throws<QueueCorruptException>(() => message.ToArray(Ct));
        message.Complete();
        await send.WaitAsync(s_soon, Ct);
    }

    [Fact]
    public async Task A_table_of_segments_as_long_as_a_hole_in_a_file_is_not_copied()
    {
        await using MessageQueue receiver = _root.Open();
        await using MessageQueue sender = _root.Open();
        Task send = sender.SendAsync(new byte[100_000], new SendOptions { Timeout = s_soon }, Ct).AsTask();
        Participant file = sender.Self();
        int block = Enumerable.Range(0, file.BlockCount).First(b => file.State(b).Phase == Phase.Queued);
        Inside.Truncate(file.Path, file.ArenaOffset + file.ArenaLimit);
        Put(file, block, BlockLayout.FlagsOffset, (byte)0);
        Put(file, block, BlockLayout.PayloadLengthOffset, long.MaxValue / 2);
        Put(file, block, BlockLayout.PayloadOffsetOffset, 0L);
        Put(file, block, BlockLayout.SegmentCountOffset, (int)(file.ArenaLimit / 16));
        long before = GC.GetTotalAllocatedBytes();
        QueueCorruptException? said = null;
        try
        {
            using ReceivedMessage message = receiver.Receive(s_soon, Ct);
            message.CopyTo(0, new byte[100], Ct);
        }
        catch (QueueCorruptException e)
        {
            said = e;
        }

        Assert.Equal(file.Path, said?.Path);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 100 << 20);
        await Task.WhenAny(send);
    }

    [Theory]
    [InlineData(long.MinValue)]
    [InlineData(-1)]
    [InlineData(long.MaxValue)]
    [InlineData(253402300799999999)]
    public async Task A_time_that_no_calendar_has_is_the_nearest_that_one_has(long time)
    {
        await using MessageQueue queue = _root.Open();
        queue.Send([1]);
        Participant file = queue.Self();
        int block = Enumerable.Range(0, file.BlockCount).First(b => file.State(b).Phase == Phase.Queued);
        Put(file, block, BlockLayout.TimeSentOffset, time);
        Put(file, block, BlockLayout.PayloadLengthOffset, -5L);
        Assert.InRange(queue.Statistics.OldestAge!.Value, TimeSpan.Zero, TimeSpan.MaxValue);
        Assert.Equal(0, queue.Statistics.BytesPending);
        Put(file, block, BlockLayout.PayloadLengthOffset, 1L);
        using ReceivedMessage message = queue.Receive(s_soon, Ct);
        Assert.Equal(time < 0 ? 1970 : 9999, message.TimeSent.Year);
        message.Complete();
    }

    private static unsafe void Put<T>(Participant file, int block, int offset, T value)
        where T : unmanaged => *(T*)(file.Block(block) + offset) = value;

    // In a bounded time, for what is tested is that it comes to an end.
    private static async Task<QueueCorruptException?> Corrupt(Action action)
    {
        try
        {
            await Task.Run(action, Ct).WaitAsync(s_soon, Ct);
            return null;
        }
        catch (QueueCorruptException e)
        {
            return e;
        }
    }
}
