using System.Diagnostics;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Two that answer each other on one processor: who looks for the other one keeps it from answering, so it sleeps at once, or goes to another processor.</summary>
public sealed class SharedProcessorTests : IDisposable
{
    private const int RoundTrips = 2_000;

    private static readonly TimeSpan s_bound = TimeSpan.FromSeconds(60);

    private readonly TestRoot _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public async Task Who_waits_for_one_on_its_own_processor_does_not_look_for_it_and_who_waits_for_one_on_another_does()
    {
        int[] processors = Requires.SeveralProcessors();
        Assert.True(await WaitedForOwnProcessor(processors[0], processors[0]));
        Assert.False(await WaitedForOwnProcessor(processors[0], processors[1]));
    }

    /// <summary>The one is bound to a processor, the other one began there; a third thread keeps the other processor busy, as the scheduler would have them for seconds.</summary>
    [Fact]
    public async Task Who_may_go_to_another_processor_does()
    {
        int[] processors = Requires.SeveralProcessors();
        Assert.True(await MigrationsBesideOthers(processors, new QueueOptions(), atOnce: true) > 0);
    }

    [Fact]
    public async Task Who_must_not_does_not()
    {
        int[] processors = Requires.SeveralProcessors();
        Assert.Equal(0, await MigrationsBesideOthers(processors, new QueueOptions { Migration = false }, atOnce: false));
    }

    // How often the one that asks was taken to another processor: until it was once, or all round trips are made. Whatever happened, its processors are what they were.
    private async Task<long> MigrationsBesideOthers(int[] processors, QueueOptions options, bool atOnce)
    {
        using CancellationTokenSource end = new();
        await using MessageQueue there = _root.Open("there", options), thereToo = _root.Open("there", options);
        await using MessageQueue back = _root.Open("back", options), backToo = _root.Open("back", options);
        Task busy = Affinity.InThread(() =>
        {
            Affinity.Set(processors[1..]);
            while (!end.IsCancellationRequested)
                Thread.SpinWait(100);
        });
        Task answering = Affinity.InThread(() =>
        {
            Affinity.Set(processors[0]);
            byte[] room = new byte[8];
            while (thereToo.Receive(room, TimeSpan.FromSeconds(20)) > 0)
                backToo.Send(room);
        });
        try
        {
            await Affinity.InThread(() =>
            {
                byte[] room = new byte[8];
                Stopwatch time = Stopwatch.StartNew();
                for (int i = 0; i < RoundTrips || (atOnce && time.Elapsed < TimeSpan.FromSeconds(20)); i++)
                {
                    if (i % 100 == 0)
                    {
                        if (atOnce && back.Statistics.Migrations > 0)
                            break;
                        Affinity.Set(processors[0]);
                        Affinity.Set(processors);
                    }

                    there.Send(room);
                    back.Receive(room, TimeSpan.FromSeconds(20));
                }

                Assert.Equal(processors, Affinity.Processors);
            }).WaitAsync(s_bound);
            return back.Statistics.Migrations;
        }
        finally
        {
            await end.CancelAsync();
            there.Send([]);
            await Task.WhenAll(busy, answering).WaitAsync(s_bound);
        }
    }

    // Of the one who asks, in the end; it waited each time, for the other one answers only when it is asked.
    private async Task<bool> WaitedForOwnProcessor(int asking, int answering)
    {
        string name = $"q{asking}-{answering}";
        await using MessageQueue there = _root.Open(name);
        await using MessageQueue thereToo = _root.Open(name);
        await using MessageQueue back = _root.Open(name + "-back");
        await using MessageQueue backToo = _root.Open(name + "-back");
        bool waited = false;
        Task other = Do(answering, room =>
        {
            thereToo.Receive(room, TimeSpan.FromSeconds(20));
            backToo.Send(room);
        });
        Task one = Do(asking, room =>
        {
            there.Send(room);
            back.Receive(room, TimeSpan.FromSeconds(20));
            waited = back.WaitedForOwnProcessor;
        });
        await Task.WhenAll(one, other).WaitAsync(s_bound);
        return waited;

        static Task Do(int processor, Action<byte[]> roundTrip) => Affinity.InThread(() =>
        {
            Affinity.Set(processor);
            byte[] room = new byte[8];
            for (int i = 0; i < RoundTrips; i++)
                roundTrip(room);
        });
    }
}
