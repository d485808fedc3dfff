using System.Buffers;
using System.Runtime.CompilerServices;
using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>What comes and goes leaves nothing behind: memory, pins, descriptors, mappings, files.</summary>
public sealed class LeakTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Fact]
    public void A_message_that_is_held_for_long_does_not_make_its_sender_remember_all_those_behind_it()
    {
        using MessageQueue queue = _root.Open(options: new QueueOptions { Blocks = 4 });
        queue.Send(new byte[5000], cancellationToken: Ct);
        using ReceivedMessage held = queue.Receive(s_soon, Ct);
        for (int i = 0; i < 1000; i++)
        {
            queue.Send(new byte[5000], cancellationToken: Ct);
            using ReceivedMessage message = queue.Receive(s_soon, Ct);
            message.Complete();
        }

        Assert.InRange(ArenaOrderOf(queue).Count, 1, 20);
        held.Complete();
    }

    [Fact]
    public async Task Waits_that_were_cancelled_are_forgotten_while_another_waits_on()
    {
        await using MessageQueue queue = _root.Open();
        Task<ReceivedMessage> first = queue.ReceiveAsync(Ct).AsTask();
        for (int i = 0; i < 500; i++)
        {
            using CancellationTokenSource cancel = new();
            Task<ReceivedMessage> wait = queue.ReceiveAsync(cancel.Token).AsTask();
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);
        }

        Assert.Single(AwaitersOf(queue)[(int)WaitKind.Receive]);
        queue.Send([7], cancellationToken: Ct);
        using ReceivedMessage message = await first.WaitAsync(s_soon, Ct);
        message.Complete();
    }

    [Fact]
    public async Task However_a_send_ends_its_payload_is_pinned_no_longer()
    {
        MessageQueue queue = _root.Open();
        CountedMemory payload = new(100_000);
        using CancellationTokenSource cancel = new();
        Task cancelled = queue.SendAsync(payload.Memory, cancellationToken: cancel.Token).AsTask();
        Assert.Equal(1, payload.Pins);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        Assert.Equal(0, payload.Pins);

        await Assert.ThrowsAsync<TimeoutException>(
            () => queue.SendAsync(payload.Memory, new SendOptions { Timeout = TimeSpan.FromMilliseconds(1) }, Ct).AsTask());
        Assert.Equal(0, payload.Pins);

        Task completed = queue.SendAsync(payload.Memory, cancellationToken: Ct).AsTask();
        using (ReceivedMessage message = queue.Receive(s_soon, Ct))
            message.Complete();
        await completed.WaitAsync(s_soon, Ct);
        Assert.Equal(0, payload.Pins);

        Task closed = queue.SendAsync(payload.Memory, cancellationToken: Ct).AsTask();
        await queue.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => closed);
        Assert.Equal(0, payload.Pins);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => queue.SendAsync(payload.Memory, cancellationToken: Ct).AsTask());
        Assert.Equal(0, payload.Pins);
    }

    [Fact]
    public void Handles_that_are_closed_with_messages_in_hand_leave_no_descriptors()
    {
        using MessageQueue sender = _root.Open();
        for (int i = 0; i < 40; i++)
            sender.Send([1], cancellationToken: Ct);
        int before = Inside.DescriptorsBelow(_root.Path).Length;
        List<ReceivedMessage> held = [];
        for (int i = 0; i < 40; i++)
        {
            using MessageQueue receiver = _root.Open();
            held.Add(receiver.Receive(s_soon, Ct));
        }

        Eventually.True(() => Inside.DescriptorsBelow(_root.Path).Length == before, "the descriptors of closed handles are gone");
        Assert.All(held, message => Assert.Throws<ObjectDisposedException>(message.Complete));
        Assert.Equal(40, sender.Statistics.Queued);
    }

    [Fact]
    public void With_the_last_message_of_a_closed_handle_its_file_is_let_go_by_everybody()
    {
        using MessageQueue receiver = _root.Open();
        using MessageQueue onlooker = _root.Open();
        string file;
        using (MessageQueue sender = _root.Open())
        {
            sender.Send(new byte[1_000_000], cancellationToken: Ct);
            file = sender.Self().Path;
        }

        using (ReceivedMessage message = receiver.Receive(s_soon, Ct))
            message.Complete();
        Assert.False(File.Exists(file));
        Eventually.True(() => IsLetGo(file), "no handle has the file open or mapped");
    }

    [Theory]
    [InlineData("here")]
    [InlineData("there")]
    public async Task Hundreds_of_short_lived_handles_leave_neither_descriptors_nor_mappings_nor_files(string where)
    {
        using ChildProcess receiver = ChildProcess.Start("queue-churn", _root.Path, "q", where);
        Assert.Equal("ready", await receiver.ReadLineAsync());
        (int descriptors, int mappings) = await Churn(30);
        (int Descriptors, int Mappings) after = await Churn(300);
        for (int more = 0; more < 20 && !IsAboutAsBefore(); more++)
            after = await Churn(1);
        Assert.True(IsAboutAsBefore(), $"{descriptors} descriptors and {mappings} mappings became {after}");
        Assert.Equal(["p1-1", "ring"], Inside.FilesOf(Path.Combine(_root.Path, "q")));
        receiver.Finish();

        async Task<(int Descriptors, int Mappings)> Churn(int count)
        {
            receiver.WriteLine($"{count}");
            for (int i = 0; where is "there" && i < count; i++)
                TestProcess.QueueFaults.SendOne([_root.Path, "q"]);
            string[] said = (await receiver.ReadLineAsync()).Split(' ');
            return (int.Parse(said[0]), int.Parse(said[1]));
        }

        // The runtime maps some memory of its own as it goes on; a leak would be one or more for each handle.
        bool IsAboutAsBefore() => after.Descriptors <= descriptors + 20 && after.Mappings <= mappings + 100;
    }

    private static bool IsLetGo(string file) => !File.ReadLines("/proc/self/maps").Any(l => l.Contains(file, StringComparison.Ordinal))
        && !Inside.DescriptorsBelow(Path.GetDirectoryName(file)!).Any(d => d.StartsWith(file, StringComparison.Ordinal));

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_arenaOrder")]
    private static extern ref Queue<(int Block, uint Generation)> ArenaOrderOf(MessageQueue queue);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_awaiters")]
    private static extern ref LinkedList<RingAwaiter>[] AwaitersOf(MessageQueue queue);

    /// <summary>Memory that knows how often it is pinned.</summary>
    private sealed unsafe class CountedMemory(int length) : MemoryManager<byte>
    {
        private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(length, pinned: true);
        private int _pins;

        public int Pins => Volatile.Read(ref _pins);

        public override Span<byte> GetSpan() => _bytes;

        public override MemoryHandle Pin(int elementIndex = 0)
        {
            Interlocked.Increment(ref _pins);
            return new MemoryHandle(Unsafe.AsPointer(ref _bytes[elementIndex]), pinnable: this);
        }

        public override void Unpin() => Interlocked.Decrement(ref _pins);

        protected override void Dispose(bool disposing)
        {
        }
    }
}
