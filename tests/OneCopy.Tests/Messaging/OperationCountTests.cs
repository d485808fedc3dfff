using System.Runtime.CompilerServices;
using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>What is under way is counted, whoever enters and leaves in which threads; and what the count is for holds: nothing is taken from under an operation.</summary>
public sealed class OperationCountTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(20);
    private readonly OperationCount _count = new();
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Fact]
    public void What_another_thread_leaves_is_counted_out()
    {
        Assert.True(_count.TryEnter());
        Assert.Equal(1, _count.Count());
        Assert.True(_count.LooksAbove(0));
        InThread(_count.Exit);
        Assert.Equal(0, _count.Count());
        Assert.False(_count.LooksAbove(0));
    }

    [Fact]
    public void More_threads_than_have_a_place_of_their_own_are_counted_all()
    {
        const int Threads = 40;
        using Barrier inside = new(Threads + 1);
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(_ => new Thread(() =>
        {
            _count.TryEnter();
            inside.SignalAndWait();
            inside.SignalAndWait();
            _count.Exit();
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        Assert.True(inside.SignalAndWait(s_soon));
        Assert.Equal(Threads, _count.Count());
        Assert.True(inside.SignalAndWait(s_soon));
        foreach (Thread thread in threads)
            Assert.True(thread.Join(s_soon));
        Assert.Equal(0, _count.Count());
    }

    [Fact]
    public void Closed_it_lets_nobody_in_and_waits_for_those_inside()
    {
        Assert.True(_count.TryEnter());
        Assert.False(_count.Close());
        InThread(() => Assert.False(_count.TryEnter()));
        Assert.False(_count.TryEnter());
        Assert.False(_count.WaitForLast(TimeSpan.FromMilliseconds(1)));
        Thread last = new(_count.Exit);
        last.Start();
        Eventually.True(() => _count.WaitForLast(TimeSpan.FromMilliseconds(50)), "the last one has left");
        last.Join();
        Assert.True(_count.Close());
    }

    [Fact]
    public void When_it_is_closed_and_none_is_left_none_is_inside()
    {
        for (int round = 0; round < 60; round++)
        {
            OperationCount count = new();
            bool over = false;
            Worker[] workers = [.. Enumerable.Range(0, 3).Select(_ => new Worker(count, () => Volatile.Read(ref over)))];
            foreach (Worker worker in workers)
                worker.Start();
            while (workers.Any(w => !w.HasWorked))
                Thread.Yield();
            if (!count.Close())
                Eventually.True(() => count.WaitForLast(TimeSpan.FromMilliseconds(50)), "all have left");
            Volatile.Write(ref over, true);
            foreach (Worker worker in workers)
                worker.Join();
        }
    }

    /// <summary>As a peer is let go: taken out of the table first, unmapped when no operation can have found it before. Operations move to another thread in the middle.</summary>
    [Fact]
    public void What_was_dropped_before_a_count_of_none_is_used_by_nobody()
    {
        Thing[] table = [new Thing()];
        bool over = false;
        bool waits = false;
        int failures = 0;
        System.Collections.Concurrent.ConcurrentQueue<Thing> moved = new();
        Thread[] users = [.. Enumerable.Range(0, 3).Select(i => new Thread(() =>
        {
            for (int n = 0; !Volatile.Read(ref over); n++)
            {
                // Some operations are left by another thread.
                if (i > 0 && moved.TryDequeue(out Thing? taken))
                    Leave(taken);
                _count.TryEnter();
                Thing thing = Volatile.Read(ref table[0]);
                if (i == 0 && n % 2 == 0)
                    moved.Enqueue(thing);
                else
                    Leave(thing);
                if (n % 64 != 0)
                    continue;
                do
                {
                    while (i > 0 && moved.TryDequeue(out Thing? late))
                        Leave(late);
                    Thread.Yield();
                }
                while (Volatile.Read(ref waits) && !Volatile.Read(ref over));
            }

            while (moved.TryDequeue(out Thing? taken))
                Leave(taken);
        }))];
        foreach (Thread user in users)
            user.Start();
        int buried = 0;
        int asked = 0;
        long end = Deadline.After(TimeSpan.FromSeconds(2));
        long bound = Deadline.After(s_soon);
        while (Deadline.IsAhead(end))
        {
            Thing old = table[0];
            Volatile.Write(ref table[0], new Thing());

            // On a busy machine there is always one of them that lost its processor in the middle: then they are asked to let it come to an end.
            long patience = Deadline.After(TimeSpan.FromMilliseconds(1));
            while (Deadline.IsAhead(bound) && (_count.LooksAbove(0) || _count.Count() != 0))
            {
                if (!Deadline.IsAhead(patience))
                {
                    Volatile.Write(ref waits, true);
                    Thread.Yield();
                }
            }

            if (!Deadline.IsAhead(bound))
                break;
            Volatile.Write(ref old.IsGone, true);
            asked += waits ? 1 : 0;
            Volatile.Write(ref waits, false);
            buried++;
        }

        Volatile.Write(ref over, true);
        foreach (Thread user in users)
            Assert.True(user.Join(s_soon));
        Assert.Equal(0, failures);
        Assert.True(buried > 10, $"Only {buried} were let go ({asked} after they were asked): that shows nothing.");

        void Leave(Thing thing)
        {
            for (int look = 0; look < 4; look++)
            {
                if (Volatile.Read(ref thing.IsGone))
                    Interlocked.Increment(ref failures);
            }

            _count.Exit();
        }
    }

    /// <summary>The thread that doorbells ring for all asynchronous sends looks at their receivers' memory: it is to be one who keeps that there.</summary>
    [Fact]
    public async Task A_ring_is_an_operation_while_it_looks_at_what_is_under_way()
    {
        await using MessageQueue queue = _root.Open();
        Task send = queue.SendAsync(new byte[100_000], cancellationToken: Ct).AsTask();
        Eventually.True(() => AwakeIn(queue) == 0, "the send sleeps");
        Thread ringing = new(() => ((IDoorbellOwner)queue).OnRing(WaitKind.Own));
        lock (AttachedOf(queue))
        {
            ringing.Start();
            Eventually.True(() => AwakeIn(queue) > 0, "the ring is counted");
        }

        Assert.True(ringing.Join(s_soon));
        Eventually.True(() => AwakeIn(queue) == 0, "the send sleeps on");
        using ReceivedMessage message = queue.Receive(s_soon, Ct);
        message.Complete();
        await send.WaitAsync(s_soon, Ct);
    }

    /// <summary>So does one that is being taken back from its receiver.</summary>
    [Fact]
    public async Task A_send_that_is_cancelled_sleeps_no_more()
    {
        await using MessageQueue queue = _root.Open();
        using CancellationTokenSource cancel = new();
        Task send = queue.SendAsync(new byte[100_000], cancellationToken: cancel.Token).AsTask();
        using ReceivedMessage message = queue.Receive(s_soon, Ct);
        Eventually.True(() => AwakeIn(queue) == 0, "the send sleeps");
        Thread cancelling = new(cancel.Cancel);
        lock (AttachedOf(queue)[0].Gate)
        {
            cancelling.Start();
            Eventually.True(() => AwakeIn(queue) > 0, "it is awake, and counted as that");
        }

        Assert.True(cancelling.Join(s_soon));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => send.WaitAsync(s_soon, Ct));
    }

    /// <summary>For how many operations what they look at has to stay.</summary>
    private static long AwakeIn(MessageQueue queue) => OperationsOf(queue).Count() - Volatile.Read(ref SleepersOf(queue));

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_operations")]
    private static extern ref OperationCount OperationsOf(MessageQueue queue);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_sleepers")]
    private static extern ref int SleepersOf(MessageQueue queue);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_attached")]
    private static extern ref List<AttachedSend> AttachedOf(MessageQueue queue);

    private static void InThread(Action action)
    {
        Exception? failure = null;
        Thread thread = new(() => failure = Record.Exception(action));
        thread.Start();
        Assert.True(thread.Join(s_soon));
        Assert.Null(failure);
    }

    private sealed class Thing
    {
        public bool IsGone;
    }

    private sealed class Worker
    {
        private readonly Thread _thread;
        private bool _hasWorked;
        private bool _foundItOver;

        public Worker(OperationCount count, Func<bool> isOver)
        {
            _thread = new Thread(() =>
            {
                while (count.TryEnter())
                {
                    _foundItOver |= isOver();
                    Volatile.Write(ref _hasWorked, true);
                    count.Exit();
                }
            });
        }

        public bool HasWorked => Volatile.Read(ref _hasWorked);

        public void Start() => _thread.Start();

        public void Join()
        {
            Assert.True(_thread.Join(s_soon));
            Assert.False(_foundItOver);
        }
    }
}
