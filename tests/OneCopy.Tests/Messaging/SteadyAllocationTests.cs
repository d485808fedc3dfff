using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>What is made for messages is made with the handle or the first of them: a steady program takes nothing from the garbage collector, however many are under way for the first time.</summary>
public sealed class SteadyAllocationTests : IDisposable
{
    private readonly TestRoot _root = new();

    public void Dispose() => _root.Dispose();

    [Theory]
    [InlineData(700)]
    [InlineData(1000)]
    public void More_payloads_in_the_arena_at_once_than_ever_before_allocate_nothing(int atOnce)
    {
        using MessageQueue queue = _root.Open();
        byte[] payload = new byte[70_000];
        for (int i = 0; i < 200; i++)
            Round(queue, payload, 4);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Round(queue, payload, atOnce);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Payloads_that_go_out_of_turn_leave_many_holes_and_allocate_nothing()
    {
        // Twice, each time with a handle of its own: what the process needs once is made with the first.
        long allocated = 0;
        for (int i = 0; i < 2; i++)
            allocated = AllocatedWithHoles($"q{i}");
        Assert.Equal(0, allocated);
    }

    [Fact]
    public void A_handle_that_is_expected_to_look_later_allocates_nothing_when_it_does()
    {
        // What the thread itself needs is made with the first.
        Observer first = new();
        Observer observer = new();
        PeerWatcher.Shared.ExpectLater(first);
        PeerWatcher.Shared.ExpectLater(observer);
        try
        {
            PeerWatcher.Shared.LookLater(first);
            long before = GC.GetAllocatedBytesForCurrentThread();
            PeerWatcher.Shared.LookLater(observer);
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
            Eventually.True(() => Volatile.Read(ref observer.Looks) == 1, "it looks");
        }
        finally
        {
            PeerWatcher.Shared.ForgetLater(first);
            PeerWatcher.Shared.ForgetLater(observer);
        }
    }

    [Fact]
    public async Task An_asynchronous_receive_that_waits_for_the_first_time_allocates_nothing_if_others_were_before_it()
    {
        Requires.Release();

        // As above: the states of the process are made with the first handle's.
        long allocated = 0;
        for (int i = 0; i < 3; i++)
        {
            await using MessageQueue queue = _root.Open($"a{i}");
            queue.Send([1], cancellationToken: CancellationToken.None);
            using (ReceivedMessage there = await queue.ReceiveAsync(CancellationToken.None))
                there.Complete();
            long before = GC.GetAllocatedBytesForCurrentThread();
            ValueTask<ReceivedMessage> waiting = queue.ReceiveAsync(CancellationToken.None);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.False(waiting.IsCompleted);
            queue.Send([2], cancellationToken: CancellationToken.None);
            using ReceivedMessage later = await waiting;
            later.Complete();
        }

        Assert.Equal(0, allocated);
    }

    private long AllocatedWithHoles(string name)
    {
        using MessageQueue queue = _root.Open(name);
        byte[] payload = new byte[70_000];
        byte[] longer = new byte[16 << 20];
        ReceivedMessage[] held = new ReceivedMessage[100];
        for (int i = 0; i < 200; i++)
            Round(queue, payload, 4);
        Round(queue, longer, 2);

        // A lease is made for each message that is held at once.
        Hold();
        Answer(0, 1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Hold();
        Answer(0, 2);
        Round(queue, longer, 4); // There is no room for so many long ones, before what is done is looked for.
        Answer(1, 2);
        return GC.GetAllocatedBytesForCurrentThread() - before;

        void Hold()
        {
            foreach (ref ReceivedMessage message in held.AsSpan())
            {
                queue.Send(payload);
                message = queue.Receive();
            }
        }

        void Answer(int first, int step)
        {
            for (int i = first; i < held.Length; i += step)
            {
                held[i].Complete();
                held[i].Dispose();
            }
        }
    }

    private static void Round(MessageQueue queue, byte[] payload, int messages)
    {
        for (int i = 0; i < messages; i++)
            queue.Send(payload);
        for (int i = 0; i < messages; i++)
            queue.Receive(payload);
    }

    private sealed class Observer : IPeerObserver
    {
        public int Looks;

        public bool OnPeerMayHaveDied(int index, long incarnation) => true;

        public void OnLater() => Interlocked.Increment(ref Looks);
    }
}
