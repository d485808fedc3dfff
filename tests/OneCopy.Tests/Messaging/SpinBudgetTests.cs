using System.Diagnostics;
using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>How long a wait looks before it sleeps: as long as such waits last, and little where they last long.</summary>
public sealed class SpinBudgetTests
{
    private const long Least = 1_000;
    private readonly SpinBudget _budget = new(Least);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public void Where_waits_are_short_it_spins_for_twice_as_long_as_they_last()
    {
        Teach(6_000, 100);
        Assert.InRange(_budget.Next(), 11_000, 13_000);
        Teach(10, 100);
        Assert.Equal(Least, _budget.Next());
        Teach(40_000, 100);
        Assert.Equal(SpinBudget.Most, _budget.Next());
    }

    [Fact]
    public void Where_waits_are_long_it_hardly_spins_but_for_a_probe_now_and_then_that_outlasts_a_wake_up()
    {
        Teach(10_000_000, 100);
        long[] next = [.. Enumerable.Range(0, 320).Select(_ => _budget.Next())];
        Assert.Equal(20, next.Count(n => n > SpinBudget.Most));
        Assert.All(next.Where(n => n <= SpinBudget.Most), n => Assert.Equal(Least, n));
    }

    [Fact]
    public void One_long_wait_among_short_ones_changes_little_and_some_short_ones_bring_it_back()
    {
        Teach(500, 100);
        Teach(10_000_000, 1);
        Assert.InRange(_budget.Next(), Least, SpinBudget.Most);
        Teach(10_000_000, 100);
        Teach(500, 30);
        Assert.InRange(_budget.Next(), Least, 20_000);
        Assert.NotEqual(Least, _budget.Next());
    }

    /// <summary>A task that waits for what comes at once does not give its thread back, nor announce that it sleeps.</summary>
    [Theory]
    [InlineData(WaitStrategy.Adaptive)]
    [InlineData(WaitStrategy.Spin)]
    public async Task An_answer_that_comes_at_once_is_met_by_an_asynchronous_receive(WaitStrategy strategy)
    {
        Assert.SkipWhen(Environment.ProcessorCount == 1, "With one processor nobody spins.");
        const int Round = 200, Wanted = 150;
        using TestRoot root = new();
        QueueOptions options = new() { Root = root.Path, WaitStrategy = strategy };
        using MessageQueue asks = MessageQueue.Open("asks", options), answers = MessageQueue.Open("answers", options);

        // The server never sleeps: to wake it would be a system call, from which the client may come back after the answer. It takes a few microseconds for its answer, longer than the looks
        // that a call makes in any case.
        QueueOptions awake = options with { WaitStrategy = WaitStrategy.Spin };
        using MessageQueue asked = MessageQueue.Open("asks", awake), answered = MessageQueue.Open("answers", awake);
        using CancellationTokenSource enough = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        enough.CancelAfter(TimeSpan.FromSeconds(30));
        Task server = Task.Factory.StartNew(
            () =>
            {
                while (true)
                {
                    using ReceivedMessage message = asked.Receive(cancellationToken: enough.Token);
                    message.Complete();
                    long received = Stopwatch.GetTimestamp();
                    while (Stopwatch.GetElapsedTime(received) < TimeSpan.FromMicroseconds(4))
                        Thread.SpinWait(1);
                    answered.Send([]);
                }
            },
            enough.Token, TaskCreationOptions.LongRunning, TaskScheduler.Default);

        // A round at a time, for what else runs here.
        int most = 0;
        while (most < Wanted && !enough.IsCancellationRequested)
        {
            int met = 0;
            for (int trip = 0; trip < Round; trip++)
            {
                asks.Send([]);
                uint looks = LooksOf(answers);
                using ReceivedMessage message = await answers.ReceiveAsync(enough.Token);
                message.Complete();
                met += LooksOf(answers) == looks ? 1 : 0;
            }

            most = Math.Max(most, met);
        }

        Assert.InRange(most, Wanted, Round);
        await enough.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => server.WaitAsync(TimeSpan.FromSeconds(10), Ct));
    }

    // A look that is counted is one of who is about to sleep.
    private static unsafe uint LooksOf(MessageQueue queue) => Volatile.Read(ref *queue.Self().Looks(WaitKind.Receive));

    private void Teach(long nanoseconds, int times)
    {
        for (int i = 0; i < times; i++)
            _budget.Learn(nanoseconds);
    }
}
