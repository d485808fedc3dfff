using OneCopy.Messaging;

namespace OneCopy.TestProcess;

/// <summary>
/// Modes that do what could end a process, or what a process of its own is measured by. The first two arguments are always the root
/// and the queue's name.
/// </summary>
internal static class QueueFaults
{
    public static void AddTo(Dictionary<string, Func<string[], int>> modes)
    {
        modes.Add("queue-answer-withdrawn", AnswerWithdrawn);
        modes.Add("queue-answer-twice", AnswerTwice);
        modes.Add("queue-read-answered", ReadAnswered);
        modes.Add("queue-starved-attach", StarvedAttach);
        modes.Add("queue-receive-async", ReceiveAsync);
        modes.Add("queue-stop-joining", StopJoining);
        modes.Add("queue-churn", Churn);
    }

    /// <summary>ROOT NAME HOW: holds a message that its sender takes back by closing, then does HOW with it; says what that threw.</summary>
    private static int AnswerWithdrawn(string[] args)
    {
        using MessageQueue receiver = QueueModes.Open(args);
        ReceivedMessage message = HoldWithdrawn(args, receiver);
        try
        {
            switch (args[2])
            {
                case "complete":
                    message.Complete();
                    break;
                case "abandon":
                    message.Abandon();
                    break;
                case "dispose":
                    message.Dispose();
                    break;
                case "copy":
                    message.ToArray();
                    break;
                case "properties":
                    _ = message.Properties;
                    break;
            }

            Console.WriteLine("nothing");
        }
        catch (Exception e)
        {
            Console.WriteLine(e.GetType().Name);
        }

        return 0;
    }

    /// <summary>ROOT NAME: one thread has begun to complete a message when another disposes it; then the first goes on.</summary>
    private static int AnswerTwice(string[] args)
    {
        using MessageQueue receiver = QueueModes.Open(args);
        ReceivedMessage message = HoldWithdrawn(args, receiver, m =>
        {
            // The first half of Complete, then all of Dispose.
            m.Lease.Begin(m.Lease.Version);
            Take(m.Lease, Lease.Answer.Completed);
            m.Dispose();
        });
        Lease lease = message.Lease;
        Console.WriteLine(receiver.Finish(lease.Owner, lease.Block, lease.Leased));
        lease.End();
        return 0;
    }

    private static ReceivedMessage HoldWithdrawn(string[] args, MessageQueue receiver, Action<ReceivedMessage>? before = null)
    {
        MessageQueue sender = QueueModes.Open(args);
        string file = ((IDoorbellOwner)sender).Self.Path;
        Task send = sender.SendAsync(new byte[1 << 20], new SendOptions { Properties = new MessageProperties { MessageId = "m" } }).AsTask();
        ReceivedMessage message = receiver.Receive();
        message.ToArray();
        before?.Invoke(message);
        sender.Dispose();
        try
        {
            send.GetAwaiter().GetResult();
        }
        catch (ObjectDisposedException)
        {
            // The receiver lets go of the sender's memory as soon as it sees that the sender is gone.
            ((IDoorbellOwner)receiver).OnAttention();
            Console.WriteLine($"taken back, and the sender's file is {(File.Exists(file) ? "there" : "gone")}");
        }

        return message;
    }

    /// <summary>
    /// ROOT NAME ROUNDS: three threads read a message of each lane while a fourth completes it, and the sender's memory goes with it. Says
    /// how many reads came to an end in which way.
    /// </summary>
    private static int ReadAnswered(string[] args)
    {
        using MessageQueue receiver = QueueModes.Open(args);
        SortedDictionary<string, int> ends = new(StringComparer.Ordinal);
        for (int round = 0; round < int.Parse(args[2]); round++)
        {
            MessageQueue sender = QueueModes.Open(args, new QueueOptions { Blocks = 4, ArenaLimit = 1 << 20 });
            SendOptions options = new() { Properties = new MessageProperties { MessageId = new string('m', round % 2 == 0 ? 10 : 1000) } };
            Task send = sender.SendAsync(new byte[(round % 3) switch { 0 => 300, 1 => 20_000, _ => 100_000 }], options).AsTask();
            if (round % 3 != 2)
                sender.Dispose();
            using ReceivedMessage message = receiver.Receive();
            using Barrier together = new(4);
            Thread[] readers = [.. Enumerable.Range(0, 3).Select(i => new Thread(() =>
            {
                together.SignalAndWait();
                string end = ReadUntilRefused(message, i);
                lock (ends)
                    ends[end] = ends.GetValueOrDefault(end) + 1;
            }))];
            foreach (Thread reader in readers)
                reader.Start();
            together.SignalAndWait();
            Thread.SpinWait(round * 37 % 5000);
            message.Complete();
            if (round % 3 == 2)
                sender.Dispose();
            ((IDoorbellOwner)receiver).OnAttention();
            foreach (Thread reader in readers)
                reader.Join();
            send.GetAwaiter().GetResult();
        }

        Console.WriteLine(string.Join(' ', ends.Select(e => $"{e.Key}:{e.Value}")));
        return 0;
    }

    private static string ReadUntilRefused(ReceivedMessage message, int what)
    {
        byte[] copy = new byte[message.Length];
        try
        {
            while (true)
            {
                if (what == 2)
                    _ = message.Properties;
                message.CopyTo(copy);
            }
        }
        catch (Exception e)
        {
            return e.GetType().Name;
        }
    }

    /// <summary>
    /// ROOT NAME LENGTH: attaches a message in a process whose thread pool does nothing, says "sending", takes it back at the next
    /// line and says what the send ended with.
    /// </summary>
    private static int StarvedAttach(string[] args)
    {
        using MessageQueue queue = QueueModes.Open(args);
        ThreadPool.SetMinThreads(1, 1);
        ThreadPool.SetMaxThreads(Environment.ProcessorCount, Environment.ProcessorCount);
        ManualResetEventSlim gate = new(); // Not disposed: those that wait are let go at the end of the process.
        for (int i = 0; i < 4 * Environment.ProcessorCount; i++)
            ThreadPool.UnsafeQueueUserWorkItem(_ => gate.Wait(), null);
        using CancellationTokenSource cancel = new();
        Task send = queue.SendAsync(new byte[int.Parse(args[2])], null, cancel.Token).AsTask();
        Console.WriteLine("sending");
        Console.ReadLine();
        cancel.Cancel();
        Console.WriteLine(send.IsCanceled ? nameof(OperationCanceledException) : send.Status.ToString());
        Console.In.ReadToEnd();
        gate.Set();
        return 0;
    }

    /// <summary>ROOT NAME COUNT: takes messages without a thread and says "got LENGTH" for each; then waits.</summary>
    private static int ReceiveAsync(string[] args)
    {
        using MessageQueue queue = QueueModes.Open(args);
        Console.WriteLine("ready");
        for (int i = 0; i < int.Parse(args[2]); i++)
        {
            using ReceivedMessage message = queue.ReceiveAsync().AsTask().GetAwaiter().GetResult();
            Console.WriteLine($"got {message.Length}");
            message.Complete();
        }

        Console.In.ReadToEnd();
        return 0;
    }

    /// <summary>ROOT NAME created|named: joins up to a point, says its file's name, and waits.</summary>
    private static int StopJoining(string[] args)
    {
        QueueOptions options = new() { Root = args[0] };
        QueueDirectory directory = QueueDirectory.Of(args[1], options);
        using Ring ring = Ring.Open(directory, options, create: false)!;
        using Participant self = Participant.Create(directory, ring, options);
        if (args[2] is "named")
            self.MoveTo(directory, 2);
        Console.WriteLine(Path.GetFileName(self.Path));
        Console.In.ReadToEnd();
        return 0;
    }

    /// <summary>
    /// ROOT NAME here|there: a receiver. For each line COUNT it receives that many messages, each of a handle of its own, which this process
    /// opens and closes (here) or another (there), and says how many descriptors and mappings it has.
    /// </summary>
    private static int Churn(string[] args)
    {
        using MessageQueue receiver = QueueModes.Open(args);
        Console.WriteLine("ready");
        while (Console.ReadLine() is { } line)
        {
            for (int i = 0; i < int.Parse(line); i++)
            {
                if (args[2] is "here")
                    SendOne(args);
                using ReceivedMessage message = receiver.Receive();
                message.Complete();
            }

            Console.WriteLine($"{Directory.GetFiles("/proc/self/fd").Length} {File.ReadLines("/proc/self/maps").Count()}");
        }

        return 0;
    }

    internal static void SendOne(string[] args)
    {
        using MessageQueue sender = QueueModes.Open(args, new QueueOptions { Blocks = 16, ArenaLimit = 1 << 20 });
        sender.Send(new byte[1000]);
    }

    [System.Runtime.CompilerServices.UnsafeAccessor(System.Runtime.CompilerServices.UnsafeAccessorKind.Method, Name = "Take")]
    private static extern void Take(Lease lease, Lease.Answer answer);
}
