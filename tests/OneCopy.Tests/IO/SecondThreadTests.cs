using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>The thread beside a copy, and what is handed out to it: whoever takes what, each byte is taken once, and where the copy ends is known.</summary>
public sealed class SecondThreadTests
{
    [Fact]
    public void A_job_is_done_or_taken_back()
    {
        using SecondThread second = new();
        int done = 0;
        for (int job = 0; job < 1000; job++)
        {
            int begun = 0;
            second.Begin(() =>
            {
                begun = 1;
                Thread.SpinWait(job);
                begun = 2;
            });
            if (job % 3 == 0)
                Eventually.True(() => Volatile.Read(ref begun) > 0, "the job begins");
            second.End();
            Assert.NotEqual(1, begun);
            done += begun / 2;
        }

        Assert.InRange(done, 334, 1000);
    }

    [Fact]
    public void Every_byte_of_data_is_taken_once_and_in_order()
    {
        Random random = new(7);
        for (int round = 0; round < 200; round++)
        {
            // Extents and holes of any length, from 1 byte to some MiB.
            List<(long, long)> data = [];
            long at = random.Next(2) * 4096;
            for (int i = random.Next(0, 20); i > 0; i--)
            {
                long length = random.NextInt64(1, 1L << random.Next(1, 23));
                data.Add((at, at + length));
                at += length + random.NextInt64(1, 1L << random.Next(1, 23));
            }

            PieceHandout handout = new(0, from =>
            {
                (long start, long end) = data.FirstOrDefault(d => d.Item2 > from, (at, at));
                return (Math.Max(start, from), end);
            });
            List<(long Start, long Length)> taken = [];
            using SecondThread second = new();
            second.Begin(() => Take(helps: true, 1 << 20));
            Take(helps: false, 256 << 10);
            handout.Stop();
            second.End();

            taken.Sort();
            Assert.Equal(data.Sum(d => d.Item2 - d.Item1), taken.Sum(t => t.Length));
            Assert.All(taken.Zip(taken.Skip(1)), pair => Assert.True(pair.First.Start + pair.First.Length <= pair.Second.Start));
            Assert.All(taken, t => Assert.Contains(data, d => d.Item1 <= t.Start && t.Start + t.Length <= d.Item2));
            Assert.Equal((at, null), handout.Reached);
            Assert.Equal(at, handout.TakeMoved());

            void Take(bool helps, long most)
            {
                while (handout.TryTake(helps, most, out long start, out long length))
                {
                    lock (taken)
                        taken.Add((start, length));
                    handout.Done(length);
                }
            }
        }
    }

    [Fact]
    public void The_helper_is_not_further_ahead_than_it_may_be_and_a_stop_lets_it_go()
    {
        PieceHandout handout = new(0, from => (from, 100 << 20));
        Assert.True(handout.TryTake(helps: false, 1 << 20, out _, out long owner));
        long helped = 0;
        using SecondThread second = new();
        second.Begin(() =>
        {
            while (handout.TryTake(helps: true, 1 << 20, out _, out long length))
                Volatile.Write(ref helped, helped + length);
        });
        Eventually.True(() => Volatile.Read(ref helped) > PieceHandout.Lead, "the helper takes what it may");
        Assert.Equal(owner + PieceHandout.Lead + (1 << 20), owner + Volatile.Read(ref helped));
        Assert.True(handout.TryTake(helps: false, 1 << 20, out _, out _));
        Eventually.True(() => Volatile.Read(ref helped) > PieceHandout.Lead + (1 << 20), "the helper goes on");
        handout.Stop();
        second.End();
        Assert.False(handout.TryTake(helps: false, 1 << 20, out _, out _));
    }

    [Fact]
    public void Of_two_that_stop_the_first_in_the_file_counts()
    {
        PieceHandout handout = new(0, from => (from, 100));
        Assert.True(handout.TryTake(helps: false, 10, out _, out _));
        Assert.True(handout.TryTake(helps: true, 10, out _, out _));
        handout.Stop(15, new EngineOutcome(0, 5, "pwrite"));
        handout.Stop(3, new EngineOutcome(0, 0, null));
        handout.Stop(12, new EngineOutcome(0, 28, "pwrite"));
        Assert.Equal(3, handout.Reached.Offset);
        Assert.True(handout.Reached.Outcome!.Value.IsEnd);
        Assert.False(handout.TryTake(helps: false, 10, out _, out _));
    }
}
