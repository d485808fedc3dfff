using System.Diagnostics;

namespace OneCopy.Tests;

/// <summary>Waits for a condition with a bound.</summary>
internal static class Eventually
{
    /// <summary>Returns as soon as the condition holds; throws when it still does not after the bound.</summary>
    public static void True(Func<bool> condition, string what, TimeSpan? bound = null)
    {
        SpinWait spin = default;
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(start) > (bound ?? ChildProcess.Bound))
                throw new TimeoutException($"Not within {bound ?? ChildProcess.Bound}: {what}.");
            spin.SpinOnce();
        }
    }
}
