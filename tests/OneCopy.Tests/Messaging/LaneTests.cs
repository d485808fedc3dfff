using System.Buffers;
using OneCopy.Interop;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Between two processes: each lane, and the way around a pull that is refused.</summary>
public sealed class LaneTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(20);
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Theory]
    [InlineData(0, Lane.Inline)]
    [InlineData(400, Lane.Inline)]
    [InlineData(30_000, Lane.Arena)]
    [InlineData(32 * 1024, Lane.Attached)]
    [InlineData(10_000_000, Lane.Attached)]
    public async Task Each_length_goes_by_its_lane(int length, Lane lane)
    {
        await using MessageQueue queue = _root.Open("q");
        using ChildProcess receiver = ChildProcess.Start("queue-receive", _root.Path, "q", "1");
        byte[] payload = new byte[length];
        TestProcess.QueueModes.Fill(payload, 5);
        await queue.SendAsync(payload, cancellationToken: Ct).AsTask().WaitAsync(s_soon, Ct);
        Assert.Equal("ready", await receiver.ReadLineAsync());
        Assert.Equal($"got {length} {lane} ok 1", await receiver.ReadLineAsync());
        receiver.Finish();
        LaneStatistics done = queue.Statistics.Completed;
        LaneTraffic[] lanes = [done.Inline, done.Arena, done.Attached];
        Assert.Equal(new LaneTraffic(1, length), lanes[(int)lane]);
        Assert.Equal(1, done.Total.Messages);
    }

    [Fact]
    public async Task A_receiver_that_may_not_attach_gets_the_payload_by_the_arena()
    {
        await using MessageQueue queue = _root.Open("q");
        using ChildProcess receiver = ChildProcess.Start("queue-receive", _root.Path, "q", "3", "no-attach");
        byte[] payload = new byte[3_000_000];
        TestProcess.QueueModes.Fill(payload, 5);
        Assert.Equal("ready", await receiver.ReadLineAsync());
        for (int i = 0; i < 3; i++)
        {
            await queue.SendAsync(payload, cancellationToken: Ct).AsTask().WaitAsync(s_soon, Ct);
            Assert.Equal("got 3000000 Arena ok 1", await receiver.ReadLineAsync());
        }

        receiver.Finish();
        QueueStatistics statistics = queue.Statistics;
        Assert.Equal(1, statistics.Moved);
        Assert.Equal((1, 2), (statistics.Sent.Attached.Messages, statistics.Sent.Arena.Messages));
        Assert.Equal(new LaneTraffic(3, 9_000_000), statistics.Completed.Arena);
    }

    [Fact]
    public async Task A_message_of_three_gigabytes_is_read_in_parts()
    {
        await using MessageQueue sender = _root.Open("q");
        await using MessageQueue receiver = _root.Open("q");
        const long Half = 1_610_612_736 + 4096;
        using NativePages pages = new(2 * Half);
        pages.Slice(Half - 8, 16).Span.Fill(0x5a);
        Task send = sender.SendAsync(pages.Sequence(Half), cancellationToken: Ct).AsTask();
        using ReceivedMessage message = await receiver.ReceiveAsync(Ct);
        Assert.Equal(2 * Half, message.Length);
        Assert.Equal(Lane.Attached, message.Lane);
        byte[] part = new byte[64 << 20];
        long marked = 0;
        for (long at = 0; at < message.Length; at += part.Length)
        {
            Span<byte> piece = part.AsSpan(0, (int)Math.Min(part.Length, message.Length - at));
            message.CopyTo(at, piece, Ct);
            marked += piece.Length - piece.Count((byte)0);
        }

        Assert.Equal(16, marked);
        message.Complete();
        await send.WaitAsync(s_soon, Ct);
    }

    [Fact]
    public void Sixty_four_participants_share_a_queue()
    {
        MessageQueue[] handles = [.. Enumerable.Range(0, 64).Select(_ => _root.Open("q"))];
        Parallel.For(0, 64, i =>
        {
            for (int n = 0; n < 200; n++)
            {
                handles[i].Send(BitConverter.GetBytes((i * 1000) + n), cancellationToken: Ct);
                using ReceivedMessage message = handles[(i * 7) % 64].Receive(s_soon, Ct);
                message.Complete();
            }
        });
        QueueStatistics statistics = handles[0].Statistics;
        Assert.Equal((64, 0, 12_800), (statistics.Participants.Count, statistics.Queued, statistics.Completed.Total.Messages));
        Parallel.ForEach(handles, h => h.Dispose());
        Assert.Equal("ring", Path.GetFileName(Assert.Single(Directory.GetFiles(Path.Combine(_root.Path, "q")))));
    }

    [Fact]
    public async Task A_handle_is_used_by_many_threads_at_once()
    {
        await using MessageQueue queue = _root.Open("q", new QueueOptions { Blocks = 16, RingCapacity = 64 });
        const int Each = 3000;
        int[] seen = new int[8 * Each];
        Task[] senders = [.. Enumerable.Range(0, 8).Select(t => Task.Run(async () =>
        {
            for (int i = 0; i < Each; i++)
            {
                byte[] payload = new byte[i % 3 == 0 ? 40_000 : 4 + (i % 1000)];
                BitConverter.TryWriteBytes(payload, (t * Each) + i);
                if (i % 2 == 0)
                    queue.Send(payload, cancellationToken: Ct);
                else
                    await queue.SendAsync(payload, cancellationToken: Ct);
            }
        }, Ct))];
        using CancellationTokenSource stop = new();
        Task[] receivers = [.. Enumerable.Range(0, 8).Select(t => Task.Run(async () =>
        {
            try
            {
                while (true)
                {
                    using ReceivedMessage message = t % 2 == 0 ? queue.Receive(null, stop.Token) : await queue.ReceiveAsync(stop.Token);
                    byte[] head = new byte[4];
                    message.CopyTo(0, head, Ct);
                    Interlocked.Increment(ref seen[BitConverter.ToInt32(head)]);
                    message.Complete();
                }
            }
            catch (OperationCanceledException)
            {
            }
        }, Ct))];
        await Task.WhenAll(senders).WaitAsync(TimeSpan.FromMinutes(1), Ct);
        Eventually.True(() => queue.Statistics is { Queued: 0, Leased: 0 }, "the queue is empty");
        await stop.CancelAsync();
        await Task.WhenAll(receivers).WaitAsync(s_soon, Ct);
        Assert.Equal(-1, seen.AsSpan().IndexOfAnyExcept(1));
    }

    /// <summary>Memory of any size whose untouched pages cost nothing.</summary>
    private sealed unsafe class NativePages(long length) : IDisposable
    {
        private readonly byte* _memory = (byte*)Mman.mmap(
            0, (nuint)length, Prot.Read | Prot.Write, Map.Private | Map.Anonymous | Map.NoReserve, -1, 0)
            .OrThrow("mmap");

        public Memory<byte> Slice(long offset, int size) => new Pages(_memory + offset, size).Memory;

        public ReadOnlySequence<byte> Sequence(long half)
        {
            Segment second = new(Slice(half, (int)half), half, null);
            Segment first = new(Slice(0, (int)half), 0, second);
            return new ReadOnlySequence<byte>(first, 0, second, (int)half);
        }

        public void Dispose() => Mman.munmap((nint)_memory, (nuint)length);

        private sealed class Pages(byte* memory, int size) : MemoryManager<byte>
        {
            public override Span<byte> GetSpan() => new(memory, size);

            public override MemoryHandle Pin(int elementIndex = 0) => new(memory + elementIndex);

            public override void Unpin()
            {
            }

            protected override void Dispose(bool disposing)
            {
            }
        }

        private sealed class Segment : ReadOnlySequenceSegment<byte>
        {
            public Segment(Memory<byte> memory, long index, Segment? next)
            {
                Memory = memory;
                RunningIndex = index;
                Next = next;
            }
        }
    }
}
