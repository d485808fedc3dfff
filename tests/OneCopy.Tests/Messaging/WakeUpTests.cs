using System.Diagnostics;
using System.Globalization;
using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Whoever sleeps is woken when there is something for it, and nobody is when there is not.</summary>
public sealed class WakeUpTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Fact]
    public async Task Two_senders_that_sleep_for_room_both_go_on_when_two_wake_ups_were_given_to_one_of_them()
    {
        await using MessageQueue full = _root.Open("q", new QueueOptions { RingCapacity = 64 });
        full.FillRing();
        await using MessageQueue receiver1 = _root.Open("q");
        await using MessageQueue receiver2 = _root.Open("q");
        using Ring ring = full.OpenRing();
        using ChildProcess first = ChildProcess.Start("queue-send", _root.Path, "q", "1", "1");
        Eventually.True(() => ring.IsAsleep(WaitKind.Space, 4), "the first sender sleeps");

        // It stands still, so that its announcement is seen by both receivers.
        first.Stop();
        await using MessageQueue second = _root.Open("q");
        Task send = Task.Run(() => second.Send([1], cancellationToken: Ct), Ct);
        Eventually.True(() => ring.IsAsleep(WaitKind.Space, second.ParticipantIndex), "the second sender sleeps");
        using ReceivedMessage one = receiver1.Receive(s_soon, Ct);
        using ReceivedMessage two = receiver2.Receive(s_soon, Ct);
        first.Continue();
        Assert.Equal("sent", await first.ReadLineAsync());
        await send.WaitAsync(s_soon, Ct);
        one.Complete();
        two.Complete();
        first.Finish();
    }

    /// <summary>It would be woken beside each of them, each time: a switch of threads for nothing, on processors that others want.</summary>
    [Fact]
    public async Task The_doorbell_thread_does_not_sleep_beside_senders_that_wait_for_room()
    {
        await using MessageQueue queue = _root.Open("q", new QueueOptions { Blocks = 2 });
        IDoorbellOwner owner = queue;
        queue.Send([1], cancellationToken: Ct);
        queue.Send([2], cancellationToken: Ct);
        Task third = Task.Run(() => queue.Send([3], cancellationToken: Ct), Ct);
        Eventually.True(() => Volatile.Read(ref queue.Self().OwnSleeping) != 0, "the third one sleeps until a message is completed");
        Assert.False(owner.WantsDoorbell(WaitKind.Own));
        for (int i = 0; i < 3; i++)
        {
            using ReceivedMessage message = queue.Receive(s_soon, Ct);
            message.Complete();
        }

        await third.WaitAsync(s_soon, Ct);

        // From the first one on whose end is waited for without a thread it is needed.
        Task attached = queue.SendAsync(new byte[100_000], cancellationToken: Ct).AsTask();
        Assert.True(owner.WantsDoorbell(WaitKind.Own));
        using ReceivedMessage last = queue.Receive(s_soon, Ct);
        last.Complete();
        await attached.WaitAsync(s_soon, Ct);
    }

    /// <summary>One wake-up in two goes to the one that stands still; the message is to reach the other all the same.</summary>
    [Fact]
    public async Task A_receiver_that_is_stopped_in_its_sleep_keeps_no_message_from_another()
    {
        await using MessageQueue queue = _root.Open("q");
        using Ring ring = queue.OpenRing();
        using ChildProcess stopped = ChildProcess.Start("queue-receive", _root.Path, "q", "1");
        Eventually.True(() => ring.IsAsleep(WaitKind.Receive, 2), "the first receiver sleeps");
        stopped.Stop();
        await using MessageQueue receiver = _root.Open("q");
        TimeSpan worst = TimeSpan.Zero;
        for (int i = 1; i <= 6; i++)
        {
            Task<(ReceivedMessage Message, long At)> receive = Task.Run(() => (receiver.Receive(s_soon, Ct), Stopwatch.GetTimestamp()), Ct);
            Eventually.True(() => ring.IsAsleep(WaitKind.Receive, receiver.ParticipantIndex), "the second receiver sleeps");
            long before = Stopwatch.GetTimestamp();
            queue.Send(new byte[i], cancellationToken: Ct);
            (ReceivedMessage message, long at) = await receive.WaitAsync(s_soon, Ct);
            Assert.Equal(i, message.Length);
            message.Complete();
            worst = worst > Stopwatch.GetElapsedTime(before, at) ? worst : Stopwatch.GetElapsedTime(before, at);
        }

        Assert.InRange(worst.TotalMilliseconds, 0, 250);
        stopped.Continue();
        queue.Send([7], cancellationToken: Ct);
        Assert.Equal("ready", await stopped.ReadLineAsync());
        Assert.Equal("got 1 Inline ok 1", await stopped.ReadLineAsync());
        stopped.Finish();
    }

    [Theory]
    [InlineData("EPERM")]
    [InlineData("ENOSYS")]
    public async Task Where_futex_waitv_is_refused_it_is_tried_once_and_waiting_without_a_thread_works_all_the_same(string error)
    {
        Requires.Program("strace");
        Directory.CreateDirectory(_root.Path);
        string trace = Path.Combine(_root.Path, "trace");
        await using MessageQueue queue = _root.Open("q");
        using ChildProcess receiver = ChildProcess.StartProgram(
            "strace", "-f", "-o", trace, "-e", "trace=futex_waitv", "-e", $"inject=futex_waitv:error={error}",
            DotnetHost.Path, ChildProcess.TestProcessPath, "queue-receive-async", _root.Path, "q", "3");
        Assert.Equal("ready", await receiver.ReadLineAsync());
        using Ring ring = queue.OpenRing();
        for (int i = 1; i <= 3; i++)
        {
            Eventually.True(() => ring.IsAsleep(WaitKind.Receive, 2), "the receiver waits");
            queue.Send(new byte[i], cancellationToken: Ct);
            Assert.Equal($"got {i}", await receiver.ReadLineAsync());
        }

        receiver.Finish();
        Assert.Single(File.ReadLines(trace), line => line.Contains("futex_waitv(", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_dead_process_that_filled_the_ring_does_not_keep_the_others_busy()
    {
        MessageQueue.Open("q", new QueueOptions { Root = _root.Path, RingCapacity = 64 }).Dispose();
        using ChildProcess idle = ChildProcess.Start("queue-send", _root.Path, "q", "0", "1");
        Assert.Equal("sent", await idle.ReadLineAsync());
        using ChildProcess dead = ChildProcess.Start("queue-send", _root.Path, "q", "64", "1");
        Assert.Equal("sent", await dead.ReadLineAsync());
        long before = LooksOfTheWatcher(idle.Pid);
        dead.Kill();
        Eventually.True(() => LooksOfTheWatcher(idle.Pid) > before + 3, "the death was noticed, and what to do about it tried");

        // How often it woke within two seconds: thousands of times if it tries again at once, some eighty if less and less often, down to every 25 ms.
        await Task.Delay(TimeSpan.FromSeconds(2), Ct);
        Assert.InRange(LooksOfTheWatcher(idle.Pid) - before, 4, 120);

        // And it is done as soon as there is room.
        await using MessageQueue queue = _root.Open("q");
        for (int i = 0; i < 64; i++)
        {
            using ReceivedMessage message = queue.Receive(s_soon, Ct);
            message.Complete();
        }

        Eventually.True(() => queue.Statistics.Participants.Count == 2, "the dead process is gone from the queue");
        Assert.False(queue.TryReceive(out _));
        idle.Finish();
    }

    // How often the thread that waits for the ends of peers has gone to sleep.
    private static long LooksOfTheWatcher(int pid)
    {
        foreach (string thread in Directory.GetDirectories($"/proc/{pid}/task"))
        {
            if (File.ReadAllText(Path.Combine(thread, "comm")).Trim() is not "OneCopy peers")
                continue;
            string line = File.ReadLines(Path.Combine(thread, "status")).Single(l => l.StartsWith("voluntary_ctxt_switches", StringComparison.Ordinal));
            return long.Parse(line.Split(':')[1], CultureInfo.InvariantCulture);
        }

        return 0;
    }
}
