using System.Buffers;
using System.Runtime.InteropServices;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>
/// A message goes piece by piece through a buffer of its receiver's, and either side dies, stops, is refused or changes its mind in the middle. The first message between two handles is pulled alone: only who has read the other's
/// memory before posts a place of its own.
/// </summary>
public sealed class StagingTests : IDisposable
{
    private const int Length = 3_000_000;
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(20);
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    /// <summary>Pieces of 32 to 128 KiB; the longest one is two parts.</summary>
    [Theory]
    [InlineData(128 * 1024)]
    [InlineData(128 * 1024 + 1)]
    [InlineData(300_001)]
    [InlineData(512 * 1024)]
    [InlineData(Length)]
    [InlineData(70_000_000)]
    public async Task Any_length_is_staged(int length)
    {
        Requires.NoYama();
        await using MessageQueue queue = _root.Open();
        using ChildProcess receiver = await ReceiverAsync("3");
        byte[] payload = Payload(length);
        for (int i = 0; i < 3; i++)
        {
            Task send = Task.Run(() => queue.SendUntilCompleted((ReadOnlyMemory<byte>)payload, cancellationToken: Ct), Ct);
            Assert.Equal($"got {length} Attached ok 1", await receiver.ReadLineAsync());
            await send.WaitAsync(s_soon, Ct);
        }

        Assert.Equal("pulled 3 pushed 0 moved 0: ", await receiver.ReadLineAsync());
        Assert.Equal(0, queue.Statistics.CopiedByBoth);
        receiver.Finish();
    }

    /// <summary>It holds still until its sender has written all that is posted, so that some of it is staged in any case.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Both_pieces_are_on_their_way_at_a_time_and_no_more(bool blocking)
    {
        Requires.NoYama();
        await using MessageQueue queue = _root.Open();
        using ChildProcess receiver = await ReceiverAsync("2", "wait-at=staged.wait");
        using ChildProcess sender = await SenderAsync(blocking ? ["blocking"] : []);
        Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
        Assert.Equal("sent", await sender.ReadLineAsync());
        Assert.Equal("at staged.wait", await receiver.ReadLineAsync());
        Eventually.True(() => queue.Statistics.PushedBytes >= 2 * 128 * 1024, "the sender has written both pieces");
        Assert.Equal(2 * 128 * 1024, queue.Statistics.PushedBytes);
        receiver.WriteLine("go on");
        Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
        Assert.Equal("sent", await sender.ReadLineAsync());
        QueueStatistics s = queue.Statistics;
        Assert.Equal((1, 0, 2, 0, 0), (s.Staged, s.CopiedByBoth, s.Pulled, s.Pushed, s.Moved));
        receiver.Finish();
        sender.Finish();
    }

    /// <summary>Once, early, so that both sides have what they need for it; and then where it is faster.</summary>
    [Fact]
    public async Task It_is_tried_by_itself()
    {
        Requires.NoYama();
        await using MessageQueue queue = _root.Open();
        using ChildProcess receiver = ChildProcess.Start("lane-receive", "wait-at=staged.wait", _root.Path, "q", "2", "by-itself");
        Assert.Equal("open", await receiver.ReadLineAsync());
        using ChildProcess sender = await SenderAsync([]);
        Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
        Assert.Equal("at staged.wait", await receiver.ReadLineAsync());
        Eventually.True(() => queue.Statistics.PushedBytes > 0, "the sender has written a piece");
        receiver.WriteLine("go on");
        Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
        Assert.Equal(1, queue.Statistics.Staged);
        receiver.Finish();
        sender.Finish();
    }

    [Fact]
    public async Task It_is_not_where_that_is_not_wanted()
    {
        Requires.NoYama();
        await using MessageQueue queue = MessageQueue.Open("q", new QueueOptions { Root = _root.Path, Staging = false });
        using ChildProcess sender = ChildProcess.Start("lane-send", _root.Path, "q", "40", $"{Length}");
        byte[] copy = new byte[Length];
        for (int i = 0; i < 40; i++)
        {
            using ReceivedMessage message = await queue.ReceiveAsync(Ct).AsTask().WaitAsync(s_soon, Ct);
            message.CopyTo(copy);
            message.Complete();
        }

        Assert.Equal((40, 0), (queue.Statistics.Pulled, queue.Statistics.Staged));
        Assert.Equal("open", await sender.ReadLineAsync());
        sender.Finish();
    }

    /// <summary>What may be unmapped or truncated under its sender's copy is copied by the kernel alone, for which that is an error. A sequence of arrays is arrays; one with something else in it is not.</summary>
    [Theory]
    [InlineData("array", 1)]
    [InlineData("arrays", 1)]
    [InlineData("memory", 0)]
    [InlineData("arrays and memory", 0)]
    [InlineData("span", 0)]
    public async Task Only_arrays_are_staged(string what, int staged)
    {
        Requires.NoYama();
        await using MessageQueue queue = _root.Open();
        string held = staged == 1 ? "staged.wait" : "both.post";
        using ChildProcess receiver = await ReceiverAsync("2", $"wait-at={held}");
        using NativeBytes native = new(Payload(Length));
        byte[] array = Payload(Length);
        ReadOnlySequence<byte> pieces = what switch
        {
            "array" or "span" => new(array),
            "arrays" => Joined(array.AsMemory(0, 1_000_000), array.AsMemory(1_000_000)),
            "memory" => new(native.Memory),
            _ => Joined(array.AsMemory(0, 1_000_000), native.Memory[1_000_000..]),
        };
        for (int i = 0; i < 2; i++)
        {
            Task send = Task.Factory.StartNew(
                () =>
                {
                    if (what is "span")
                        queue.SendUntilCompleted(array.AsSpan(), cancellationToken: Ct);
                    else
                        queue.SendUntilCompleted(pieces, cancellationToken: Ct);
                },
                Ct, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            if (i == 1)
            {
                Assert.Equal($"at {held}", await receiver.ReadLineAsync());
                if (staged == 1)
                    Eventually.True(() => queue.Statistics.PushedBytes > 0, "the sender has written a piece");
                receiver.WriteLine("go on");
            }

            Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
            await send.WaitAsync(s_soon, Ct);
        }

        Assert.Equal(staged, queue.Statistics.Staged);
        receiver.Finish();
    }

    /// <summary>At a piece that it has taken, or has marked; the receiver holds still until then, so that it does not take all of them itself. At <c>help.read</c> each of its threads waits.</summary>
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
        using ChildProcess receiver = await ReceiverAsync("2", "wait-at=staged.wait");
        using ChildProcess sender = await SenderAsync(how, $"wait-at={step}");
        Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
        Assert.Equal("sent", await sender.ReadLineAsync());
        Assert.Equal("at staged.wait", await receiver.ReadLineAsync());
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
        using ChildProcess receiver = await ReceiverAsync("2", "wait-at=staged.wait");
        using ChildProcess sender = await SenderAsync(["blocking"], "wait-at=help.mark");
        Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
        Assert.Equal("sent", await sender.ReadLineAsync());
        Assert.Equal("at staged.wait", await receiver.ReadLineAsync());
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
    [InlineData("both.post:2")]
    [InlineData("staged.wait")]
    [InlineData("staged.wait:2")]
    [InlineData("both.close")]
    [InlineData("both.unpost:2")]
    public async Task A_receiver_that_is_killed_in_the_middle_leaves_the_message_to_the_next(string step)
    {
        Requires.NoYama();
        await using MessageQueue queue = _root.Open();
        using ChildProcess receiver = await ReceiverAsync("2", $"wait-at={step}");
        await SendAsync(queue);
        Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
        Task send = SendAsync(queue);
        Assert.Equal($"at {step.Split(':')[0]}", await receiver.ReadLineAsync());
        receiver.Kill();
        using ChildProcess next = await ReceiverAsync("1");
        Assert.Equal($"got {Length} Attached ok 2", await next.ReadLineAsync());
        await send.WaitAsync(s_soon, Ct);
        Assert.Equal((0, 0, 0), (queue.Statistics.Queued, queue.Statistics.Leased, queue.Statistics.Moved));
    }

    /// <summary>With a sender that never takes a piece.</summary>
    [Fact]
    public async Task A_receiver_that_is_killed_at_its_own_piece_leaves_the_message_to_the_next()
    {
        Requires.NoYama();
        using ChildProcess receiver = await ReceiverAsync("2", "wait-at=staged.pull");
        using ChildProcess sender = await SenderAsync(["blocking"], "wait-at=help.read:*");
        Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
        Assert.Equal("sent", await sender.ReadLineAsync());
        Assert.Equal("at staged.pull", await receiver.ReadLineAsync());
        Assert.Equal("at help.read", await sender.ReadLineAsync());
        receiver.Kill();
        sender.WriteLine("go on");
        using ChildProcess next = await ReceiverAsync("1");
        Assert.Equal($"got {Length} Attached ok 2", await next.ReadLineAsync());
        Assert.Equal("sent", await sender.ReadLineAsync());
        sender.Finish();
    }

    [Fact]
    public async Task A_message_is_taken_back_in_the_middle()
    {
        Requires.NoYama();
        await using MessageQueue queue = _root.Open();
        using ChildProcess receiver = await ReceiverAsync("2", "wait-at=staged.wait");
        await SendAsync(queue);
        Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
        using CancellationTokenSource cancel = new();
        Task send = SendAsync(queue, cancel.Token);
        Assert.Equal("at staged.wait", await receiver.ReadLineAsync());
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => send.WaitAsync(s_soon, Ct));
        receiver.WriteLine("go on");
        Assert.StartsWith("MessageWithdrawnException", await receiver.ReadLineAsync(), StringComparison.Ordinal);
        Assert.Equal(1, queue.Statistics.Withdrawn);
    }

    /// <summary>The sender takes a piece before it learns that it may not write: the receiver copies that itself, and all the others, and nobody calls it a downgrade.</summary>
    [Theory]
    [InlineData("EPERM")]
    [InlineData("ENOSYS")]
    public async Task A_piece_that_is_given_back_is_pulled(string errno)
    {
        Requires.NoYama();
        await using MessageQueue queue = _root.Open();
        using ChildProcess receiver = await ReceiverAsync("2", "wait-at=staged.wait");
        using ChildProcess sender = await SenderAsync(["blocking"], "wait-at=help.back", $"seccomp={errno}:write");
        Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
        Assert.Equal("sent", await sender.ReadLineAsync());
        Assert.Equal("at staged.wait", await receiver.ReadLineAsync());
        Assert.Equal("at help.back", await sender.ReadLineAsync());
        sender.WriteLine("go on");
        receiver.WriteLine("go on");
        Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
        Assert.Equal("pulled 2 pushed 0 moved 0: ", await receiver.ReadLineAsync());
        Assert.Equal(0, queue.Statistics.Staged);
        receiver.Finish();
        sender.Finish();
    }

    /// <summary>There is one staging buffer: who finds it in use copies as ever.</summary>
    [Fact]
    public async Task Many_threads_read_one_message_at_once()
    {
        Requires.NoYama();
        await using MessageQueue queue = _root.Open();
        using ChildProcess receiver = ChildProcess.Start("lane-receive", _root.Path, "q", "5", "threads", "staged");
        Assert.Equal("open", await receiver.ReadLineAsync());
        for (int i = 0; i < 5; i++)
        {
            await queue.SendAsync(Payload(4_000_000), cancellationToken: Ct).AsTask().WaitAsync(s_soon, Ct);
            Assert.EndsWith("ok 1", await receiver.ReadLineAsync(), StringComparison.Ordinal);
        }

        receiver.Finish();
    }

    /// <summary>What is posted late is no piece that was pulled already; and all that is posted is ended.</summary>
    [Fact]
    public async Task Slots_that_are_free_later_are_used_for_later_pieces()
    {
        Requires.NoYama();
        await using MessageQueue queue = _root.Open();
        using ChildProcess receiver = ChildProcess.Start("lane-few-slots", _root.Path, "q");
        Assert.Equal("open", await receiver.ReadLineAsync());
        for (int i = 0; i < 2; i++)
        {
            Task send = SendAsync(queue);
            Assert.Equal("ok", await receiver.ReadLineAsync());
            await send.WaitAsync(s_soon, Ct);
        }

        Assert.Equal("8 of 8", await receiver.ReadLineAsync());
        receiver.Finish();
    }

    private static Task SendAsync(MessageQueue queue, CancellationToken? cancel = null)
    {
        ReadOnlyMemory<byte> payload = Payload(Length);
        CancellationToken ct = cancel ?? Ct;
        return Task.Factory.StartNew(() => queue.SendUntilCompleted(payload, cancellationToken: ct), ct, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private static ReadOnlySequence<byte> Joined(ReadOnlyMemory<byte> first, ReadOnlyMemory<byte> second)
    {
        Piece head = new(first, 0);
        Piece tail = new(second, first.Length);
        head.Append(tail);
        return new ReadOnlySequence<byte>(head, 0, tail, second.Length);
    }

    private async Task<ChildProcess> ReceiverAsync(string count, params string[] steps)
    {
        ChildProcess receiver = ChildProcess.Start("lane-receive", [.. steps, _root.Path, "q", count, "staged"]);
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

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

        public void Append(Piece next) => Next = next;
    }

    private sealed unsafe class NativeBytes : MemoryManager<byte>
    {
        private readonly int _length;
        private readonly byte* _memory;

        public NativeBytes(byte[] content)
        {
            _length = content.Length;
            _memory = (byte*)NativeMemory.Alloc((nuint)_length);
            content.CopyTo(GetSpan());
        }

        public override Span<byte> GetSpan() => new(_memory, _length);

        public override MemoryHandle Pin(int elementIndex = 0) => new(_memory + elementIndex);

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing) => NativeMemory.Free(_memory);
    }
}
