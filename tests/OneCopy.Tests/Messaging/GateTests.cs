using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>One at a time is inside, whoever has the gate for its own, and whoever takes it away.</summary>
public class GateTests
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(20);
    private Gate _gate = new();

    // By those inside, without any exchange.
    private int _inside;
    private long _entered;
    private bool _wereTwo;

    [Fact]
    public void Who_enters_often_alone_has_it_for_its_own_until_another_comes()
    {
        Enter(1000);
        Assert.True(_gate.IsOwned);
        InThread(() => Enter(1));
        Assert.False(_gate.IsOwned);
        Enter(1);
        Assert.False(_gate.IsOwned);

        // It was wrong once: only after many more is it somebody's again.
        InThread(() => Enter(1000));
        Assert.False(_gate.IsOwned);
        InThread(() => Enter(2000));
        Assert.True(_gate.IsOwned);
        Enter(1);
        Assert.False(_gate.IsOwned);
        Assert.Equal(4003, _entered);
    }

    [Fact]
    public void Two_that_enter_in_turn_share_it()
    {
        using Barrier turn = new(2);
        Thread other = new(() => Alternate(turn, first: false));
        other.Start();
        Alternate(turn, first: true);
        Assert.True(other.Join(s_soon));
        Assert.False(_gate.IsOwned);

        void Alternate(Barrier barrier, bool first)
        {
            for (int i = 0; i < 2000; i++)
            {
                if (i % 2 == 0 == first)
                    Enter(1);
                Assert.True(barrier.SignalAndWait(s_soon));
            }
        }
    }

    [Fact]
    public void The_one_that_has_it_is_waited_for_while_it_is_inside()
    {
        Enter(1000);
        _gate.Enter();
        bool hasEntered = false;
        Thread other = new(() =>
        {
            Enter(1);
            Volatile.Write(ref hasEntered, true);
        });
        other.Start();

        // Spinning and yielding there for the owner's exit; it has taken the gate away by then, or is about to.
        Assert.False(other.Join(TimeSpan.FromMilliseconds(50)));
        Assert.False(Volatile.Read(ref hasEntered));
        _gate.Exit();
        Assert.True(other.Join(s_soon));
        Assert.False(_gate.IsOwned);
    }

    /// <summary>Each round is one moment in which it is taken away from a thread that enters again and again.</summary>
    [Fact]
    public void Never_are_two_inside()
    {
        // As many as a second has; on a crowded machine they are few.
        long until = Environment.TickCount64 + 1000;
        const int Most = 8_000;
        Barrier round = new(2); // Not disposed: of two, one may be left behind in it.
        bool isTakenAway = false;
        bool isOver = false;
        Thread other = new(() =>
        {
            // Ends with its partner.
            for (int i = 0; round.SignalAndWait(s_soon) && !Volatile.Read(ref isOver); i++)
            {
                Thread.SpinWait(i % 50);
                Enter(1);
                Volatile.Write(ref isTakenAway, true);
                if (!round.SignalAndWait(s_soon))
                    return;
            }
        })
        {
            IsBackground = true,
        };
        other.Start();
        int rounds = 0;
        int owned = 0;
        InThread(() =>
        {
            for (; rounds < Most && Environment.TickCount64 < until; rounds++)
            {
                _gate = new Gate();
                _entered = 0;
                Enter(200);
                owned += _gate.IsOwned ? 1 : 0;
                Volatile.Write(ref isTakenAway, false);
                long own = 200;
                Assert.True(round.SignalAndWait(s_soon));
                for (; !Volatile.Read(ref isTakenAway); own++)
                    Enter(1);
                Assert.True(round.SignalAndWait(s_soon));
                Assert.Equal(own + 1, _entered);
            }

            Volatile.Write(ref isOver, true);
            Assert.True(round.SignalAndWait(s_soon));
        });
        Assert.True(other.Join(s_soon));
        Assert.False(_wereTwo);
        Assert.Equal(rounds, owned);
    }

    [Fact]
    public void However_many_come_and_go()
    {
        int entered = 0;
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(n => new Thread(() =>
        {
            for (int i = 0; i < 200; i++)
            {
                int times = (i * 7919 * (n + 1)) % 1500;
                Enter(times);
                Interlocked.Add(ref entered, times);
                if (i % 3 == n % 3)
                    Thread.Yield();
            }
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            Assert.True(thread.Join(s_soon));
        Assert.False(_wereTwo);
        Assert.Equal(entered, _entered);
    }

    private void Enter(int times)
    {
        int me = Environment.CurrentManagedThreadId;
        for (int i = 0; i < times; i++)
        {
            _gate.Enter();
            Volatile.Write(ref _inside, me);
            _entered++;
            if (times == 1)
                Thread.SpinWait(1); // Long enough to be met.
            if (Volatile.Read(ref _inside) != me)
                Volatile.Write(ref _wereTwo, true);
            _gate.Exit();
        }
    }

    private static void InThread(Action action)
    {
        Exception? failure = null;
        Thread thread = new(() => failure = Record.Exception(action)) { IsBackground = true };
        thread.Start();
        Assert.True(thread.Join(s_soon));
        Assert.Null(failure);
    }
}
