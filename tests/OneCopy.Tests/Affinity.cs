using OneCopy.Interop;

namespace OneCopy.Tests;

/// <summary>The processors of the calling thread.</summary>
internal static class Affinity
{
    private const int Words = 128;

    public static int[] Processors
    {
        get
        {
            ulong[] mask = new ulong[Words];
            Sched.sched_getaffinity(0, mask).OrThrow("sched_getaffinity");
            return [.. Enumerable.Range(0, Words * 64).Where(i => ((mask[i / 64] >> (i % 64)) & 1) != 0)];
        }
    }

    /// <summary>Confines this thread, and none of the others.</summary>
    public static void Set(params ReadOnlySpan<int> processors)
    {
        ulong[] mask = MaskOf(processors);
        Sched.sched_setaffinity(0, mask).OrThrow("sched_setaffinity");
    }

    public static ulong[] MaskOf(params ReadOnlySpan<int> processors)
    {
        ulong[] mask = new ulong[Words];
        foreach (int processor in processors)
            mask[processor / 64] |= 1UL << (processor % 64);
        return mask;
    }

    /// <summary>In a thread of its own, whose processors are nobody else's business afterwards.</summary>
    public static Task InThread(Action act) => Task.Factory.StartNew(act, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
