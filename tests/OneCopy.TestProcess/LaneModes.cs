using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy.TestProcess;

/// <summary>
/// Senders and receivers that are refused each other's memory. All begin with steps (<see cref="MemoryModes"/>), before which may stand
/// <c>wait-at=STEP[:N|:*]</c>: at the N-th time it is at this step of the protocol, or each time, it says "at STEP" and waits for a line.
/// </summary>
internal static class LaneModes
{
    public static void AddTo(Dictionary<string, Func<string[], int>> modes)
    {
        modes.Add("lane-send", Send);
        modes.Add("lane-receive", Receive);
        modes.Add("lane-here", Here);
        modes.Add("lane-unmap", Unmap);
        modes.Add("lane-storm", Storm);
        modes.Add("lane-threads", Threads);
        modes.Add("lane-few-slots", FewSlots);
        modes.Add("lane-cost", Cost);
    }

    /// <summary>
    /// STEP… ROOT NAME COUNT LENGTH [required] [set-dumpable] [blocking [survive]] [pooled]: sends large messages one by one, says "sent" or what they failed with, and waits. blocking: with
    /// SendUntilCompleted, in a thread that helps; survive: it is to outlive its sender. pooled: out of one buffer of a pool.
    /// </summary>
    private static int Send(string[] args)
    {
        args = Begin(args);
        using MessageQueue queue = QueueModes.Open(args, new QueueOptions
        {
            Attach = args.Contains("required") ? AttachMode.Required : AttachMode.Allowed,
            SetDumpable = args.Contains("set-dumpable"),
            AllowPtracer = args.Contains("set-dumpable"),
        });
        Console.WriteLine("open");
        int length = int.Parse(args[3]);
        using PooledBuffer buffer = args.Contains("pooled") ? OneCopyMemoryPool.Shared.RentBuffer(length) : default;
        Memory<byte> payload = args.Contains("pooled") ? buffer.Memory : new byte[length];
        for (int i = 0; i < int.Parse(args[2]); i++)
        {
            QueueModes.Fill(payload.Span, i);
            Say(args.Contains("blocking") ? Task.Factory.StartNew(() => queue.SendUntilCompleted(payload, new SendOptions { SurviveSender = args.Contains("survive") }), TaskCreationOptions.LongRunning) : queue.SendAsync(payload).AsTask());
        }

        Console.In.ReadToEnd();
        return 0;
    }

    /// <summary>
    /// STEP… ROOT NAME COUNT [cancel] [threads] [close] [pooled] [reckless] [staged|by-itself]: takes messages one by one, says "got LENGTH LANE ok|wrong ATTEMPT" or what reading failed with. At the end: what went
    /// which way, and who was refused what. cancel: a line ends the first copy, after which the message is read again. threads: twelve threads
    /// read all of it at the same time. close: a line closes the handle in the middle of the first copy. pooled: into one buffer of a pool. reckless: breaks the rule that only processes of one
    /// user touch each other's memory, and has its sender touch it as well. staged: through the staging buffer wherever that may be; by-itself: where it is found to be faster; else nowhere.
    /// </summary>
    private static int Receive(string[] args)
    {
        args = Begin(args);
        using MessageQueue queue = QueueModes.Open(args);
        Console.WriteLine("open");
        for (int i = 0; i < int.Parse(args[2]); i++)
        {
            using ReceivedMessage message = queue.Receive();
            if (args.Contains("close"))
                return CloseInTheMiddle(queue, message);
            try
            {
                if (args.Contains("cancel"))
                    CancelFirst(message);
                if (args.Contains("reckless"))
                    message.Lease.Owner.Pull.Allow();
                byte[] payload = args.Contains("threads") ? ReadByMany(message) : args.Contains("pooled") ? ReadIntoPool(message) : message.ToArray();
                Lane lane = message.Lane;
                message.Complete();
                Console.WriteLine($"got {message.Length} {lane} {(QueueModes.IsFilled(payload) ? "ok" : "wrong")} {message.DeliveryAttempt}");
            }
            catch (OneCopyException e)
            {
                Console.WriteLine($"{e.GetType().Name} {e.Message.ReplaceLineEndings(" ")}");
            }
        }

        Console.WriteLine(Ways(queue));
        Console.In.ReadToEnd();
        return 0;
    }

    private static int CloseInTheMiddle(MessageQueue queue, ReceivedMessage message)
    {
        Task copy = Task.Run(() => message.ToArray());
        Console.WriteLine("copying");
        Console.ReadLine();
        queue.Dispose();
        Console.WriteLine($"closed {copy.ContinueWith(c => c.Exception?.InnerException?.GetType().Name, TaskScheduler.Default).Result}");
        Console.In.ReadToEnd();
        return 0;
    }

    /// <summary>The same buffer for each message, as nothing else is rented; and full of other bytes before.</summary>
    private static byte[] ReadIntoPool(ReceivedMessage message)
    {
        using PooledBuffer buffer = OneCopyMemoryPool.Shared.RentBuffer(message.Length);
        buffer.Span.Fill(0xEE);
        message.CopyTo(buffer.Span);
        return buffer.Span.ToArray();
    }

    private static byte[] ReadByMany(ReceivedMessage message)
    {
        byte[][] copies = [.. Enumerable.Range(0, 12).Select(_ => new byte[message.Length])];
        using Barrier together = new(copies.Length);
        Thread[] threads = [.. copies.Select(c => new Thread(() =>
        {
            together.SignalAndWait();
            message.CopyTo(c);
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        return Array.Find(copies, c => !c.AsSpan().SequenceEqual(copies[0])) is null ? copies[0] : [1, 1];
    }

    private static void CancelFirst(ReceivedMessage message)
    {
        using CancellationTokenSource cancel = new();
        byte[] untouched = new byte[message.Length];
        Task copy = Task.Run(() => message.CopyTo(untouched, cancel.Token));
        Console.WriteLine("copying");
        Console.ReadLine();
        cancel.Cancel();
        try
        {
            copy.GetAwaiter().GetResult();
            Console.WriteLine("not cancelled");
        }
        catch (OperationCanceledException)
        {
            Console.WriteLine("cancelled");
        }
    }

    /// <summary>STEP… ROOT NAME LENGTH: from one handle to another one of the same process.</summary>
    private static int Here(string[] args)
    {
        args = Begin(args);
        using MessageQueue sender = QueueModes.Open(args);
        using MessageQueue receiver = QueueModes.Open(args);
        byte[] payload = new byte[int.Parse(args[2])];
        QueueModes.Fill(payload, 3);
        Task send = sender.SendAsync(payload).AsTask();
        using ReceivedMessage message = receiver.Receive();
        Console.WriteLine($"{message.Lane} {(QueueModes.IsFilled(message.ToArray()) ? "ok" : "wrong")} {message.Lane}");
        message.Complete();
        send.GetAwaiter().GetResult();
        Console.WriteLine(Ways(receiver));
        return 0;
    }

    /// <summary>
    /// STEP… ROOT NAME LENGTH [never]: sends native memory, unmaps all of it but the first page at the next line, and says what became of the
    /// send. never: the sender copies, and it is unmapped before.
    /// </summary>
    private static unsafe int Unmap(string[] args)
    {
        args = Begin(args);
        using MessageQueue queue = QueueModes.Open(args, new QueueOptions { Attach = args.Contains("never") ? AttachMode.Never : AttachMode.Allowed });
        int length = int.Parse(args[2]);
        nint memory = Mman.mmap(0, (nuint)length, Prot.Read | Prot.Write, Map.Private | Map.Anonymous, -1, 0).OrThrow("mmap");
        QueueModes.Fill(new Span<byte>((void*)memory, length), 1);
        bool never = args.Contains("never");
        Task send = never ? Task.CompletedTask : queue.SendAsync(new Native((byte*)memory, length).Memory).AsTask();
        if (!never)
        {
            Console.WriteLine("sending");
            Console.ReadLine();
        }

        Mman.munmap(memory + Environment.SystemPageSize, (nuint)(length - Environment.SystemPageSize)).OrThrow("munmap");
        if (never)
            send = queue.SendAsync(new Native((byte*)memory, length).Memory).AsTask();
        else
            Console.WriteLine("unmapped");
        Say(send);
        Console.WriteLine($"{queue.Statistics.Queued} {queue.Statistics.Leased} {queue.Statistics.Withdrawn}");
        Console.In.ReadToEnd();
        return 0;
    }

    /// <summary>
    /// STEP… ROOT NAME: reads messages until an empty one comes; every other copy is cancelled at a random moment and its memory filled with something else. Says
    /// how many were completed, how many of these were not whole, and how often memory was written to after its copy had ended.
    /// </summary>
    private static int Storm(string[] args)
    {
        args = Begin(args);
        using MessageQueue queue = QueueModes.Open(args);
        Console.WriteLine("open");
        Random random = new(2);
        int completed = 0;
        int wrong = 0;
        int written = 0;
        byte[] copy = new byte[2_000_000];
        while (true)
        {
            using ReceivedMessage message = queue.Receive();
            if (message.Length == 0)
            {
                message.Complete();
                Console.WriteLine($"completed {completed}, wrong {wrong}, written {written}");
                return 0;
            }

            try
            {
                if (random.Next(2) == 0)
                    written += CancelledCopy(message, copy, random.Next(1, 2_000)) ? 0 : 1;
                message.CopyTo(copy);
                message.Complete();
                completed++;
                wrong += QueueModes.IsFilled(copy) ? 0 : 1;
            }
            catch (MessageWithdrawnException)
            {
                // What was copied is nothing.
            }
        }
    }

    private static bool CancelledCopy(ReceivedMessage message, byte[] copy, int microseconds)
    {
        using CancellationTokenSource cancel = new(TimeSpan.FromMicroseconds(microseconds));
        try
        {
            message.CopyTo(copy, cancel.Token);
        }
        catch (OperationCanceledException)
        {
            // The memory is ours again: whoever writes into it now is seen.
        }

        copy.AsSpan().Fill(0xEE);
        Thread.SpinWait(20_000);
        return copy.AsSpan().IndexOfAnyExcept((byte)0xEE) < 0;
    }

    /// <summary>
    /// ROOT NAME: takes two messages. At the second all slots for postings are in use when it is to be staged, and some are free again when it has pulled the first piece itself. Says whether both were whole, and how many slots
    /// there are afterwards.
    /// </summary>
    private static int FewSlots(string[] args)
    {
        MessageQueue.Stages = true;
        Queue<int> taken = [];
        OwnPostings? postings = null;
        AppContext.SetData(CrashPoint.Key, (Action<string>)(step =>
        {
            for (int i = 0; step is Step.StagedPull && i < 3 && taken.TryDequeue(out int slot); i++)
                postings!.Return(slot);
        }));
        using MessageQueue queue = QueueModes.Open(args);
        postings = queue.Postings;
        Console.WriteLine("open");
        for (int i = 0; i < 2; i++)
        {
            while (i > 0 && postings.TryTake(out int slot))
                taken.Enqueue(slot);
            using ReceivedMessage message = queue.Receive();
            Console.WriteLine(QueueModes.IsFilled(message.ToArray()) ? "ok" : "wrong");
            message.Complete();
        }

        while (taken.TryDequeue(out int slot))
            postings.Return(slot);
        int free = 0;
        while (postings.TryTake(out _))
            free++;
        Console.WriteLine($"{free} of {PostingLayout.Slots}");
        Console.In.ReadToEnd();
        return 0;
    }

    /// <summary>
    /// ROOT NAME THREADS: takes two messages, the first alone, and says how many threads were at the second at the same time: each waits at its first piece
    /// for the others.
    /// </summary>
    private static int Threads(string[] args)
    {
        int wanted = int.Parse(args[2]);
        ConcurrentDictionary<int, bool> seen = new();
        using ManualResetEventSlim all = new();
        AppContext.SetData(CrashPoint.Key, (Action<string>)(step =>
        {
            if (step is not Step.BothPull || !seen.TryAdd(Environment.CurrentManagedThreadId, true))
                return;
            if (seen.Count == wanted)
                all.Set();
            all.Wait(TimeSpan.FromSeconds(10));
        }));
        using MessageQueue queue = QueueModes.Open(args, new QueueOptions { CopyThreads = wanted });
        Console.WriteLine("open");
        for (int i = 0; i < 2; i++)
        {
            using ReceivedMessage message = queue.Receive();
            bool whole = QueueModes.IsFilled(message.ToArray());
            message.Complete();
            Console.WriteLine($"{(whole ? "ok" : "wrong")} {seen.Count}");
        }

        Console.In.ReadToEnd();
        return 0;
    }

    /// <summary>ROOT NAME send|many|block|block-many|copy|receive|receive-async LENGTH COUNT WARM-UPS (<c>many</c>: some sends under way at a time): COUNT messages, after each of the warm-ups "warm", and the next COUNT after a line. Says how many bytes were allocated for the last ones in the whole process.</summary>
    private static int Cost(string[] args)
    {
        using MessageQueue queue = QueueModes.Open(args, new QueueOptions { AttachThreshold = args[2] is "copy" ? long.MaxValue : 32 * 1024 });
        Console.WriteLine("open");
        byte[] payload = new byte[int.Parse(args[3])];
        int count = int.Parse(args[4]);
        long before = 0;
        ValueTask[] sends = new ValueTask[UnderWay];
        ReadOnlyMemory<byte>[] batch = [.. Enumerable.Repeat((ReadOnlyMemory<byte>)payload, 100)];
        for (int i = 0; i < (1 + int.Parse(args[5])) * count; i++)
        {
            if (i > 0 && i % count == 0)
            {
                Console.WriteLine("warm");
                Console.ReadLine();
                before = GC.GetTotalAllocatedBytes(precise: true);
            }

            if (args[2] is "receive" or "receive-async")
            {
                using ReceivedMessage message = args[2] is "receive" ? queue.Receive() : Await(queue.ReceiveAsync());
                message.CopyTo(payload);
                message.Complete();
            }
            else if (args[2] is "many")
            {
                Await(sends[i % sends.Length]);
                sends[i % sends.Length] = queue.SendAsync(payload);
            }
            else if (args[2] is "block")
            {
                queue.SendUntilCompleted(payload);
            }
            else if (args[2] is "block-many")
            {
                if (i % batch.Length == 0)
                    queue.SendManyUntilCompleted(batch);
            }
            else
            {
                ValueTask send = queue.SendAsync(payload);
                if (args[2] is "copy" && !send.IsCompletedSuccessfully)
                    throw new InvalidOperationException("A copy that has room has to be complete at once.");
                Await(send);
            }
        }

        foreach (ValueTask send in sends)
            Await(send);
        Console.WriteLine(GC.GetTotalAllocatedBytes(precise: true) - before);
        Console.In.ReadToEnd();
        return 0;
    }

    // More than a thread and a processor have places for in the runtime's own pool.
    private const int UnderWay = 16;

    private static readonly ManualResetEventSlim s_ended = new();

    /// <summary>As a caller with await, and nothing allocated for it.</summary>
    private static void Await(ValueTask send)
    {
        ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter awaiter = send.ConfigureAwait(false).GetAwaiter();
        Wait(awaiter.IsCompleted, awaiter);
        awaiter.GetResult();
    }

    private static ReceivedMessage Await(ValueTask<ReceivedMessage> receive)
    {
        ConfiguredValueTaskAwaitable<ReceivedMessage>.ConfiguredValueTaskAwaiter awaiter = receive.ConfigureAwait(false).GetAwaiter();
        Wait(awaiter.IsCompleted, awaiter);
        return awaiter.GetResult();
    }

    private static void Wait<T>(bool isCompleted, T awaiter)
        where T : struct, ICriticalNotifyCompletion
    {
        if (isCompleted)
            return;
        s_ended.Reset();
        awaiter.UnsafeOnCompleted(s_end);
        s_ended.Wait();
    }

    private static readonly Action s_end = s_ended.Set;

    private static string[] Begin(string[] args)
    {
        MessageQueue.Stages = args.Contains("staged") ? true : args.Contains("by-itself") ? null : false;
        if (args[0].Split('=') is ["wait-at", string at])
        {
            string[] step = at.Split(':');
            bool always = step.Length > 1 && step[1] is "*";
            int left = step.Length > 1 && !always ? int.Parse(step[1]) : 1;
            AppContext.SetData(CrashPoint.Key, (Action<string>)(reached =>
            {
                if (!string.Equals(reached, step[0], StringComparison.Ordinal) || (!always && Interlocked.Decrement(ref left) != 0))
                    return;
                Console.WriteLine($"at {reached}");
                Console.ReadLine();
            }));
            args = args[1..];
        }

        return MemoryModes.TakeSteps(args);
    }

    private static void Say(Task send)
    {
        try
        {
            send.GetAwaiter().GetResult();
            Console.WriteLine("sent");
        }
        catch (OneCopyException e)
        {
            Console.WriteLine($"{e.GetType().Name} {e.ErrnoName} {e.Message.ReplaceLineEndings(" ")}");
        }
    }

    private static string Ways(MessageQueue queue)
    {
        QueueStatistics s = queue.Statistics;
        IEnumerable<string> refused = s.Downgrades.Select(d => $"{d.Direction} {d.Errno} {d.Reason}").Order(StringComparer.Ordinal);
        return $"pulled {s.Pulled} pushed {s.Pushed} moved {s.Moved}: {string.Join(", ", refused)}";
    }

    private sealed unsafe class Native(byte* memory, int length) : MemoryManager<byte>
    {
        public override Span<byte> GetSpan() => new(memory, length);

        public override MemoryHandle Pin(int elementIndex = 0) => new(memory + elementIndex);

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
