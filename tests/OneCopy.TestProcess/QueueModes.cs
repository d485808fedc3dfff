using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;
using OneCopy.Interop;

namespace OneCopy.TestProcess;

/// <summary>Modes that take part in a queue. The first two arguments are always the root and the queue's name.</summary>
internal static class QueueModes
{
    public static void AddTo(Dictionary<string, Func<string[], int>> modes)
    {
        modes.Add("queue-send", Send);
        modes.Add("queue-attach", Attach);
        modes.Add("queue-hold", Hold);
        modes.Add("queue-receive", Receive);
        modes.Add("queue-idle", Idle);
        modes.Add("queue-produce", QueueLoad.Produce);
        modes.Add("queue-consume", QueueLoad.Consume);
    }

    internal static MessageQueue Open(string[] args, QueueOptions? options = null) =>
        MessageQueue.Open(args[1], (options ?? new QueueOptions()) with { Root = args[0] });

    /// <summary>ROOT NAME COUNT LENGTH: sends copies, says "sent", and waits.</summary>
    private static int Send(string[] args)
    {
        using MessageQueue queue = Open(args);
        byte[] payload = new byte[int.Parse(args[3])];
        for (int i = 0; i < int.Parse(args[2]); i++)
        {
            Fill(payload, i);
            queue.Send(payload);
        }

        Console.WriteLine("sent");
        Console.In.ReadToEnd();
        return 0;
    }

    /// <summary>ROOT NAME LENGTH: attaches one message, says "sending", and "completed" when it is.</summary>
    private static int Attach(string[] args)
    {
        using MessageQueue queue = Open(args);
        byte[] payload = new byte[int.Parse(args[2])];
        Fill(payload, 1);
        Task send = queue.SendAsync(payload).AsTask();
        SpinWait.SpinUntil(() => send.IsCompleted || queue.Statistics.Queued + queue.Statistics.Leased > 0);
        Console.WriteLine("sending");
        send.GetAwaiter().GetResult();
        Console.WriteLine("completed");
        return 0;
    }

    /// <summary>ROOT NAME: takes a message, says "holding LENGTH", and keeps it.</summary>
    private static int Hold(string[] args)
    {
        using MessageQueue queue = Open(args);
        Console.WriteLine("ready");
        using ReceivedMessage message = queue.Receive();
        Console.WriteLine($"holding {message.Length}");
        Console.In.ReadToEnd();
        return 0;
    }

    /// <summary>ROOT NAME COUNT [no-attach] [wait-for-line]: takes messages one by one and says "got LENGTH LANE ok|wrong ATTEMPT".</summary>
    private static int Receive(string[] args)
    {
        using MessageQueue queue = Open(args, new QueueOptions { Attach = args.Contains("no-attach") ? AttachMode.Never : AttachMode.Allowed });
        Console.WriteLine("ready");
        if (args.Contains("wait-for-line"))
            Console.ReadLine();
        for (int i = 0; i < int.Parse(args[2]); i++)
        {
            using ReceivedMessage message = queue.Receive();
            byte[] payload = message.ToArray();
            Console.WriteLine($"got {message.Length} {message.Lane} {(IsFilled(payload) ? "ok" : "wrong")} {message.DeliveryAttempt}");
            message.Complete();
        }

        return 0;
    }

    /// <summary>ROOT NAME: one thread and one task wait for messages that never come.</summary>
    private static int Idle(string[] args)
    {
        using MessageQueue queue = Open(args);
        ValueTask<ReceivedMessage> waiting = queue.ReceiveAsync();
        Thread thread = new(() => queue.Receive()) { IsBackground = true };
        thread.Start();
        SpinWait.SpinUntil(() => thread.ThreadState.HasFlag(System.Threading.ThreadState.WaitSleepJoin), 200);
        Console.WriteLine($"idle {waiting.IsCompleted}");
        Console.In.ReadToEnd();
        Process.GetCurrentProcess().Kill();
        return 0;
    }

    /// <summary>A pattern that tells every byte's place: lost, doubled or shifted bytes are seen.</summary>
    internal static void Fill(Span<byte> payload, int seed)
    {
        if (payload.Length > 0)
            payload[0] = (byte)seed;
        for (int i = 1; i < payload.Length; i++)
            payload[i] = (byte)((i * 7) + (i >> 8) + payload[0]);
    }

    internal static bool IsFilled(ReadOnlySpan<byte> payload)
    {
        for (int i = 1; i < payload.Length; i++)
        {
            if (payload[i] != (byte)((i * 7) + (i >> 8) + payload[0]))
                return false;
        }

        return true;
    }
}
