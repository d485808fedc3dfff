namespace OneCopy.Tests;

/// <summary>What code takes from the garbage collector.</summary>
internal static class Allocations
{
    private const int Times = 3;

    /// <summary>
    /// Bytes that this thread takes in <paramref name="work"/>, at the least of some times: what each call takes is taken every time. What is taken once (a pool that a collection has emptied is filled again, a type is
    /// met for the first time) is no cost of a call.
    /// </summary>
    public static long Of(Action work)
    {
        long least = long.MaxValue;
        for (int i = 0; i < Times && least > 0; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            work();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }

    /// <summary>The same of many calls.</summary>
    public static long Of(int calls, Action call) => Of(() =>
    {
        for (int i = 0; i < calls; i++)
        {
            if (i % Math.Max(1, calls / 10) == 0)
                GC.Collect(0); // What has to be made anew after each collection is a cost of a call.
            call();
        }
    });
}
