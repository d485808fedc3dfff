using System.Reflection;
using OneCopy.Memory;
using Xunit;

namespace OneCopy.Tests.Memory;

public class MonitorLockTests
{
    [Fact]
    public void Two_threads_that_meet_at_it_allocate_nothing()
    {
        // The least of some: what the runtime makes when a thread first waits is no cost of the lock.
        long least = long.MaxValue;
        for (int i = 0; i < 3; i++)
            least = Math.Min(least, AllocatedByWhoWaitsFor(new MonitorLock()));
        Assert.Equal(0, least);
    }

    [Fact]
    public void Nothing_on_the_path_of_a_message_is_locked_by_what_allocates()
    {
        // An inspection is another's tool, and no message passes it.
        Type[] types = [.. typeof(MessageQueue).Assembly.GetTypes().Where(t => IsOnPath(t) && t != typeof(QueueInspection) && t.DeclaringType != typeof(QueueInspection))];
        Assert.Contains(typeof(MessageQueue), types);
        Assert.Contains(typeof(PoolMapping), types);
        string[] found = [.. types
            .SelectMany(t => t.GetFields(BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Where(f => f.FieldType == typeof(Lock) || f.FieldType == typeof(Lock[]))
            .Select(f => $"{f.DeclaringType}.{f.Name}")];
        Assert.Empty(found);
    }

    private static bool IsOnPath(Type type) =>
        type.Namespace is "OneCopy.Messaging" or "OneCopy.Streaming" || type == typeof(MessageQueue) || type == typeof(PoolMapping) || type == typeof(OneCopyMemoryPool) || type == typeof(SharedBuffers);

    private static long AllocatedByWhoWaitsFor(MonitorLock gate)
    {
        long allocated = -1;
        bool isAsking = false;
        Thread waiting = new(() =>
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Volatile.Write(ref isAsking, true);
            lock (gate)
                allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        });
        lock (gate)
        {
            waiting.Start();
            Eventually.True(() => Volatile.Read(ref isAsking) && waiting.ThreadState.HasFlag(ThreadState.WaitSleepJoin), "it waits for the lock");
        }

        Assert.True(waiting.Join(TimeSpan.FromSeconds(20)));
        return allocated;
    }
}
