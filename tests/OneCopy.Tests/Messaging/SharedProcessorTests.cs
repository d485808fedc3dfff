using OneCopy.Interop;
using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Two that answer each other on one processor: who looks for the other one keeps it from answering, so it sleeps at once.</summary>
public sealed class SharedProcessorTests : IDisposable
{
    private const int RoundTrips = 2_000;

    private readonly TestRoot _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void Who_waits_for_one_on_its_own_processor_does_not_look_for_it_and_who_waits_for_one_on_another_does()
    {
        int[] processors = Allowed();
        Assert.SkipUnless(processors.Length > 1, "One processor: nobody looks at all.");
        Assert.True(WaitedForOwnProcessor(processors[0], processors[0]));
        Assert.False(WaitedForOwnProcessor(processors[0], processors[1]));
    }

    // Of the one who asks, in the end; it waited each time, for the other one answers only when it is asked.
    private bool WaitedForOwnProcessor(int asking, int answering)
    {
        string name = $"q{asking}-{answering}";
        using MessageQueue there = _root.Open(name);
        using MessageQueue thereToo = _root.Open(name);
        using MessageQueue back = _root.Open(name + "-back");
        using MessageQueue backToo = _root.Open(name + "-back");
        Exception? failed = null;
        Thread other = new(() => Do(answering, room =>
        {
            thereToo.Receive(room, TimeSpan.FromSeconds(20));
            backToo.Send(room);
        }));
        bool waited = false;
        Thread one = new(() => Do(asking, room =>
        {
            there.Send(room);
            back.Receive(room, TimeSpan.FromSeconds(20));
            waited = back.WaitedForOwnProcessor;
        }));
        other.Start();
        one.Start();
        Assert.True(one.Join(TimeSpan.FromSeconds(60)) && other.Join(TimeSpan.FromSeconds(60)));
        Assert.Null(failed);
        return waited;

        void Do(int processor, Action<byte[]> roundTrip)
        {
            try
            {
                Pin(processor);
                byte[] room = new byte[8];
                for (int i = 0; i < RoundTrips; i++)
                    roundTrip(room);
            }
            catch (Exception e)
            {
                failed = e;
            }
        }
    }

    private static int[] Allowed()
    {
        ulong[] mask = new ulong[16];
        Sched.sched_getaffinity(0, mask).OrThrow("sched_getaffinity");
        return [.. Enumerable.Range(0, 1024).Where(i => ((mask[i / 64] >> (i % 64)) & 1) != 0)];
    }

    // This thread alone.
    private static void Pin(int processor)
    {
        ulong[] mask = new ulong[16];
        mask[processor / 64] = 1UL << (processor % 64);
        Sched.sched_setaffinity(0, mask).OrThrow("sched_setaffinity");
    }
}
