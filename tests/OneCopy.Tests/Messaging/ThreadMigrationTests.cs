using OneCopy.Interop;
using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>A thread leaves its processor for another of its own, and may use afterwards what it might before; and not too often.</summary>
public sealed class ThreadMigrationTests
{
    private const long Now = 1_000_000_000_000;

    [Fact]
    public Task It_leaves_its_processor_and_may_use_all_of_them_afterwards() => Affinity.InThread(() =>
    {
        int[] before = Requires.SeveralProcessors();

        // The scheduler may bring it back at once, but not each time.
        Eventually.True(
            () =>
            {
                int here = Sched.sched_getcpu();
                Assert.True(ThreadMigration.TryLeaveProcessor());
                return Sched.sched_getcpu() != here;
            },
            "another processor");
        Assert.Equal(before, Affinity.Processors);
    });

    [Fact]
    public Task One_that_is_bound_to_a_processor_stays_there() => Affinity.InThread(() =>
    {
        int bound = Affinity.Processors[^1];
        Affinity.Set(bound);
        Assert.False(ThreadMigration.TryLeaveProcessor());
        Assert.Equal([bound], Affinity.Processors);
        Assert.Equal(bound, Sched.sched_getcpu());
    });

    /// <summary>Who is confined to some of the processors is so afterwards, though all are asked for on the way.</summary>
    [Fact]
    public Task What_was_set_before_is_set_afterwards() => Affinity.InThread(() =>
    {
        int[] all = Requires.SeveralProcessors();
        Affinity.Set(all[0]);
        ThreadMigration.Restore(Affinity.MaskOf(all[^1]));
        Assert.Equal([all[^1]], Affinity.Processors);
        ThreadMigration.Restore(Affinity.MaskOf(all));
        Assert.Equal(all, Affinity.Processors);
    });

    [Theory]
    [InlineData("EPERM")]
    [InlineData("ENOSYS")]
    public async Task Where_it_is_not_permitted_it_stays_where_it_is(string errno)
    {
        using ChildProcess refused = ChildProcess.Start("leave-processor", $"seccomp={errno}:affinity");
        Assert.Equal("False", await refused.ReadLineAsync());
        refused.Finish();
    }

    [Fact]
    public void It_is_time_at_once_and_then_after_a_pause()
    {
        ThreadMigration migration = new();
        Assert.True(migration.IsTime(Now));
        Assert.False(migration.IsTime(Now + ThreadMigration.LeastPause - 1));
        Assert.True(migration.IsTime(Now + ThreadMigration.LeastPause));
    }

    /// <summary>Undone at once each time, it becomes rare; and when one has held, it is as in the beginning.</summary>
    [Fact]
    public void Where_it_does_not_last_it_becomes_rare_until_one_does()
    {
        ThreadMigration migration = new();
        long now = Now;
        int inFirst = Count(10 * ThreadMigration.MostPause), later = Count(10 * ThreadMigration.MostPause);
        Assert.InRange(inFirst, 15, 30);
        Assert.InRange(later, 9, 11);

        // Asked again only after a while: so long it has held.
        now += 2 * ThreadMigration.MostPause;
        Assert.True(migration.IsTime(now));
        now += ThreadMigration.LeastPause;
        Assert.True(migration.IsTime(now));
        now += 1;
        Assert.Equal(5, Count((5 * ThreadMigration.LeastPause) + 1));

        int Count(long during)
        {
            int count = 0;
            for (long end = now + during; now < end; now += ThreadMigration.LeastPause / 100)
                count += migration.IsTime(now) ? 1 : 0;
            return count;
        }
    }
}
