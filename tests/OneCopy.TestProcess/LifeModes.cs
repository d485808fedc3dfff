using System.Diagnostics;
using OneCopy.Messaging;

namespace OneCopy.TestProcess;

/// <summary>
/// Modes about the life of a queue: processes that die at a step, that drain, that run as other users. The first two arguments are always
/// the root and the queue's name.
/// </summary>
internal static class LifeModes
{
    private static readonly TimeSpan s_bound = TimeSpan.FromSeconds(20);
    private static readonly List<ReceivedMessage> s_held = [];
    private static Task? s_attached;
    private static Task<bool>? s_draining;

    public static void AddTo(Dictionary<string, Func<string[], int>> modes)
    {
        modes.Add("queue-die-at", DieAt);
        modes.Add("queue-act", Act);
    }

    /// <summary>
    /// STEP… ROOT NAME GROUP: opens the queue (GROUP a number, or -) and says "open", or "refused ERRNO MESSAGE"; then does what each line says and says that it is
    /// done. ROOT - is the default one.
    /// </summary>
    private static int Act(string[] args)
    {
        args = MemoryModes.TakeSteps(args);
        QueueAccess? access = args[2] is "-" ? null : QueueAccess.Group(uint.Parse(args[2]));
        try
        {
            using MessageQueue queue = MessageQueue.Open(args[1], new QueueOptions { Root = args[0] is "-" ? null : args[0], Access = access });
            Console.WriteLine("open");
            while (Console.ReadLine() is { } line)
                Console.WriteLine(Do(queue, line.Split(' ')));
        }
        catch (OneCopyException e)
        {
            Console.WriteLine($"refused {e.ErrnoName ?? "-"} {e.Message.ReplaceLineEndings(" ")}");
        }

        return 0;
    }

    private static string Do(MessageQueue queue, string[] line)
    {
        switch (line[0])
        {
            case "send":
                byte[] payload = new byte[int.Parse(line[1])];
                QueueModes.Fill(payload, 1);
                queue.Send(payload);
                return "sent";
            case "attach":
                byte[] attached = new byte[int.Parse(line[1])];
                QueueModes.Fill(attached, 2);
                s_attached = queue.SendAsync(attached).AsTask();
                return "attached";
            case "attached":
                s_attached!.GetAwaiter().GetResult();
                return "completed";
            case "receive":
                using (ReceivedMessage message = queue.Receive(s_bound))
                {
                    string said = $"got {message.Length} {(QueueModes.IsFilled(message.ToArray()) ? "ok" : "wrong")} {message.Lane} {message.DeliveryAttempt} of {message.SenderUid}";
                    message.Complete();
                    return said;
                }

            case "hold":
                s_held.Add(queue.Receive(s_bound));
                return "holding";
            case "complete":
                s_held[0].Complete();
                s_held.RemoveAt(0);
                return "completed";
            case "dead-letter":
                queue.Receive(s_bound).DeadLetter("no good");
                return "dead";
            case "drain":
                s_draining = queue.CloseAsync(CloseMode.Drain, s_bound).AsTask();
                return "draining";
            case "drained":
                return $"drained {s_draining!.GetAwaiter().GetResult()}";
            case "close":
                queue.Dispose();
                return "closed";
            case "delete":
                return $"{MessageQueue.Delete(line[2], line[1])}";
            case "replay":
                return $"replayed {queue.ReplayDeadLetters()}";
            default:
                return $"what is {line[0]}?";
        }
    }

    /// <summary>ROOT NAME STEP WHAT: does WHAT and ends by SIGKILL at the first STEP in it; says "survived" if it was never reached.</summary>
    private static int DieAt(string[] args)
    {
        // The process's own dump of a SIGKILL is none: it is gone at once, as if somebody else had killed it.
        bool armed = args[3] is "create" or "delete";
        AppContext.SetData(CrashPoint.Key, (Action<string>)(step =>
        {
            if (armed && string.Equals(step, args[2], StringComparison.Ordinal))
                Process.GetCurrentProcess().Kill();
        }));
        if (args[3] is "delete")
        {
            MessageQueue.Delete(args[1], args[0]);
            Console.WriteLine("survived");
            return 0;
        }

        using MessageQueue queue = QueueModes.Open(args);
        if (args[3] is "close")
            queue.TryReceive(out _);
        armed = true;
        switch (args[3])
        {
            case "close":
                queue.Dispose();
                break;
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
