using System.IO.Pipes;
using System.Security.Cryptography;
using OneCopy.Cli.Processes;

namespace OneCopy.Cli.Demo;

/// <summary>The demo's hidden mode that takes files into memory of its own and says what it got.</summary>
internal static class Consumer
{
    public static int Run(string root) => WorkerSide.Run(side =>
    {
        using MessageQueue queue = MessageQueue.Open(DemoRun.QueueName, new QueueOptions { Root = root });
        Slab? slab = null;
        while (true)
        {
            string[] command = side.Hear();
            switch (command[0])
            {
                case "allocate":
                    slab?.Dispose();
                    slab = new Slab(long.Parse(command[1]));
                    WorkerSide.Say("allocated");
                    break;
                case "queue":
                    WorkerSide.Say("ready");
                    ReceiveFromQueue(side, queue, slab!, Passes.Compares(command[1]));
                    break;
                case Pipes.Asynchronous or Pipes.Blocking:
                    ReceiveFromPipes(side, slab!, command[0], Passes.Compares(command[1]), command[2..]);
                    break;
                case "explain":
                    WorkerSide.Say("because " + Explain(ProcessMemory.CheckAccess(int.Parse(command[1]))).ReplaceLineEndings(" "));
                    break;
                default:
                    throw new IOException($"What is \"{command[0]}\"?");
            }
        }
    });

    /// <summary>Each message into the same memory, as a program does that works on one after the other.</summary>
    private static void ReceiveFromQueue(WorkerSide side, MessageQueue queue, Slab slab, bool check)
    {
        List<Arrival> got = [];
        using CancellationTokenSource allSent = new();
        side.Hear();
        Thread listener = new(() =>
        {
            side.Hear();
            allSent.Cancel();
        }) { IsBackground = true };
        listener.Start();
        Timing timing = Timing.Start();
        ReceiveAsync().GetAwaiter().GetResult();
        string time = timing.Text();
        listener.Join();
        Report(got, time);

        async Task ReceiveAsync()
        {
            while (await NextAsync(queue, allSent.Token) is { } message)
            {
                using (message)
                {
                    int id = int.Parse(message.Properties.MessageId!);
                    Memory<byte> content = slab.Memory(0, (int)message.Length);
                    message.CopyTo(content.Span);
                    message.Complete();
                    got.Add(Taken(id, content.Span, check));
                }

                timing.Mark();
            }
        }
    }

    /// <summary>Queues pull with process_vm_readv alone: that the memory can be reached in another way is no contradiction.</summary>
    private static string Explain(ProcessAccess access) => access switch
    {
        { IsAllowed: false } => access.ToString(),
        { Method: TransferMethod.ProcMem } => "A seccomp filter blocks process_vm_readv in the consumer. Allow it in the container's seccomp profile; 'onecopy doctor' shows more.",
        _ => $"{access} So it is refused no longer; run the demo again.",
    };

    /// <summary>When everything was sent, what is still in the queue is the last; what the other consumers hold is theirs.</summary>
    private static async ValueTask<ReceivedMessage?> NextAsync(MessageQueue queue, CancellationToken allSent)
    {
        try
        {
            return await queue.ReceiveAsync(allSent);
        }
        catch (OperationCanceledException)
        {
            return queue.TryReceive(out ReceivedMessage last) ? last : null;
        }
    }

    private static void ReceiveFromPipes(WorkerSide side, Slab slab, string kind, bool check, string[] paths)
    {
        NamedPipeServerStream[] pipes = [.. paths.Select(p => Pipes.Listen(p, kind))];
        long place = slab.Length / pipes.Length;
        WorkerSide.Say("listening");
        foreach (NamedPipeServerStream pipe in pipes)
            pipe.WaitForConnection();
        WorkerSide.Say("ready");
        side.Hear();
        List<Arrival>[] got = [.. pipes.Select(_ => new List<Arrival>())];
        Timing timing = Timing.Start();
        Pipes.Run(kind, pipes.Length, Read, ReadAsync);
        string time = timing.Stop();
        foreach (NamedPipeServerStream pipe in pipes)
            pipe.Dispose();
        Report([.. got.SelectMany(g => g)], time);

        void Read(int i)
        {
            Span<byte> header = stackalloc byte[LoadedFiles.Header];
            while (pipes[i].ReadAtLeast(header, header.Length, throwOnEndOfStream: false) == header.Length)
            {
                (int id, int length) = LoadedFiles.ReadHeader(header);
                Span<byte> content = slab.Span(i * place, length);
                pipes[i].ReadExactly(content);
                got[i].Add(Taken(id, content, check));
            }
        }

        async Task ReadAsync(int i)
        {
            byte[] header = new byte[LoadedFiles.Header];
            while (await pipes[i].ReadAtLeastAsync(header, header.Length, throwOnEndOfStream: false) == header.Length)
            {
                (int id, int length) = LoadedFiles.ReadHeader(header);
                Memory<byte> content = slab.Memory(i * place, length);
                await pipes[i].ReadExactlyAsync(content);
                got[i].Add(Taken(id, content.Span, check));
            }
        }
    }

    /// <summary>In the passes that check, its hash; in those that are timed, that it came, and how long it was.</summary>
    private static Arrival Taken(int id, ReadOnlySpan<byte> content, bool check) =>
        new(id, content.Length, check ? Convert.ToHexString(SHA256.HashData(content)) : Arrival.NotHashed);

    private static void Report(List<Arrival> got, string time)
    {
        foreach (Arrival file in got)
            WorkerSide.Say($"file {file.Id} {file.Length} {file.Hash}");
        WorkerSide.Say($"done {time}");
    }
}
