using System.Diagnostics;
using OneCopy.Messaging;

namespace OneCopy.TestProcess;

/// <summary>
/// Modes about the life of a queue: processes that die at a step, that drain, that run as other users. The first two arguments are always
/// the root and the queue's name.
/// </summary>
internal static class LifeModes
{
    public static void AddTo(Dictionary<string, Func<string[], int>> modes)
    {
        modes.Add("queue-die-at", DieAt);
    }

    /// <summary>ROOT NAME STEP WHAT: does WHAT and ends by SIGKILL at the first STEP in it; says "survived" if it was never reached.</summary>
    private static int DieAt(string[] args)
    {
        // The process's own dump of a SIGKILL is none: it is gone at once, as if somebody else had killed it.
        bool armed = args[3] is "create";
        AppContext.SetData(CrashPoint.Key, (Action<string>)(step =>
        {
            if (armed && string.Equals(step, args[2], StringComparison.Ordinal))
                Process.GetCurrentProcess().Kill();
        }));
        using MessageQueue queue = QueueModes.Open(args);
        armed = true;
        switch (args[3])
        {
            case "receive":
                queue.TryReceive(out _);
                break;
            case "replay":
                queue.ReplayDeadLetters();
                break;
        }

        Console.WriteLine("survived");
        return 0;
    }
}
