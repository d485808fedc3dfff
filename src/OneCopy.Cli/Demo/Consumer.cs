using System.IO.Pipes;
using System.Security.Cryptography;
using OneCopy.Cli.Processes;

namespace OneCopy.Cli.Demo;

/// <summary>The demo's hidden mode that takes files into memory of its own and says what it got.</summary>
internal static class Consumer
{
    private const int Alignment = 64;

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
                    slab = new Slab(long.Parse(command[1]) + (long.Parse(command[2]) * (LoadedFiles.Header + Alignment)));
                    WorkerSide.Say("allocated");
                    break;
                case "queue":
                    slab!.Touch();
                    WorkerSide.Say("ready");
                    ReceiveFromQueue(side, queue, slab);
                    break;
                case "pipe":
                    ReceiveFromPipes(side, slab!, command[1..]);
                    break;
                case "explain":
                    WorkerSide.Say("because " + Explain(ProcessMemory.CheckAccess(int.Parse(command[1]))).ReplaceLineEndings(" "));
                    break;
                default:
                    throw new IOException($"What is \"{command[0]}\"?");
            }
        }
    });

    private static unsafe void ReceiveFromQueue(WorkerSide side, MessageQueue queue, Slab slab)
    {
        List<(int Id, long Offset, int Length)> got = [];
        using CancellationTokenSource allSent = new();
        side.Hear();
        Thread listener = new(() =>
        {
            side.Hear();
            allSent.Cancel();
        }) { IsBackground = true };
        listener.Start();
        Timing timing = Timing.Start();
        long at = 0;
        while (Next(queue, allSent.Token) is { } message)
        {
            using (message)
            {
                int id = int.Parse(message.Properties.MessageId!);
                message.CopyTo(0, slab.Start + at, message.Length);
                message.Complete();
                got.Add((id, at, (int)message.Length));
                at += (message.Length + Alignment - 1) / Alignment * Alignment;
            }

            timing.Mark();
        }

        string time = timing.Text();
        listener.Join();
        Report(slab, got, time);
    }

    /// <summary>Queues pull with process_vm_readv alone: that the memory can be reached in another way is no contradiction.</summary>
    private static string Explain(ProcessAccess access) => access switch
    {
        { IsAllowed: false } => access.ToString(),
        { Method: TransferMethod.ProcMem } => "A seccomp filter blocks process_vm_readv in the consumer. Allow it in the container's seccomp profile; 'onecopy doctor' shows more.",
        _ => $"{access} So it is refused no longer; run the demo again.",
    };

    /// <summary>When everything was sent, what is still in the queue is the last; what the other consumers hold is theirs.</summary>
    private static ReceivedMessage? Next(MessageQueue queue, CancellationToken allSent)
    {
        try
        {
            return queue.Receive(cancellationToken: allSent);
        }
        catch (OperationCanceledException)
        {
            return queue.TryReceive(out ReceivedMessage? last) ? last : null;
        }
    }

    /// <summary>
    /// Header by header, and each content straight into its place, with reads as large as the content. The pipes' own buffers are left as they
    /// are: larger ones made it slower, and the kernel caps them (net.core.wmem_max).
    /// </summary>
    private static void ReceiveFromPipes(WorkerSide side, Slab slab, string[] paths)
    {
        NamedPipeServerStream[] pipes = [.. paths.Where((_, i) => i % 2 == 0).Select(p =>
            new NamedPipeServerStream(Uri.UnescapeDataString(p), PipeDirection.In))];
        long[] offsets = new long[pipes.Length + 1];
        for (int i = 0; i < pipes.Length; i++)
            offsets[i + 1] = offsets[i] + long.Parse(paths[(i * 2) + 1]);
        slab.Touch();
        WorkerSide.Say("listening");
        foreach (NamedPipeServerStream pipe in pipes)
            pipe.WaitForConnection();
        WorkerSide.Say("ready");
        side.Hear();
        List<(int Id, long Offset, int Length)>[] got = [.. pipes.Select(_ => new List<(int, long, int)>())];
        Timing timing = Timing.Start();
        InParallel.Run(pipes.Length, i =>
        {
            Span<byte> header = stackalloc byte[LoadedFiles.Header];
            for (long at = offsets[i]; pipes[i].ReadAtLeast(header, header.Length, throwOnEndOfStream: false) == header.Length;)
            {
                (int id, int length) = LoadedFiles.ReadHeader(header);
                pipes[i].ReadExactly(slab.Span(at, length));
                got[i].Add((id, at, length));
                at += length;
            }
        });
        string time = timing.Stop();
        foreach (NamedPipeServerStream pipe in pipes)
            pipe.Dispose();
        Report(slab, [.. got.SelectMany(g => g)], time);
    }

    private static void Report(Slab slab, List<(int Id, long Offset, int Length)> got, string time)
    {
        foreach ((int id, long offset, int length) in got)
            WorkerSide.Say($"file {id} {length} {Convert.ToHexString(SHA256.HashData(slab.Span(offset, length)))}");
        WorkerSide.Say($"done {time}");
    }
}
