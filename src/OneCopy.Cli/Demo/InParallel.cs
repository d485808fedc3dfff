using System.Runtime.ExceptionServices;

namespace OneCopy.Cli.Demo;

/// <summary>Blocking work on threads of its own; the first on this one.</summary>
internal static class InParallel
{
    public static void Run(int count, Action<int> work)
    {
        ExceptionDispatchInfo? failure = null;
        Thread[] threads = [.. Enumerable.Range(1, count - 1).Select(i => new Thread(() => Guard(i)))];
        foreach (Thread thread in threads)
            thread.Start();
        Guard(0);
        foreach (Thread thread in threads)
            thread.Join();
        failure?.Throw();

        void Guard(int i)
        {
            try
            {
                work(i);
            }
            catch (Exception e)
            {
                failure ??= ExceptionDispatchInfo.Capture(e);
            }
        }
    }
}
