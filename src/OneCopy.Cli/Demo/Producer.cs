using System.IO.Pipes;
using OneCopy.Cli.Processes;

namespace OneCopy.Cli.Demo;

/// <summary>The demo's hidden mode that has files in its memory and hands them over.</summary>
internal static class Producer
{
    /// <summary>
    /// How many sends of one producer are under way at a time: it has the files anyway. With 16 the producer is woken for nearly every message,
    /// and that took a sixth of the processor time. Fewer than the blocks of a participant (1,024).
    /// </summary>
    private const int InFlight = 256;

    public static int Run(string root) => WorkerSide.Run(side =>
    {
        using MessageQueue queue = MessageQueue.Open(DemoRun.QueueName, new QueueOptions { Root = root, AttachThreshold = DemoRun.AttachThreshold });
        LoadedFiles? loaded = null;
        while (true)
        {
            string[] command = side.Hear();
            switch (command[0])
            {
                case "load":
                    loaded?.Dispose();
                    loaded = Load(side, int.Parse(command[1]));
                    break;
                case "queue":
                    Time(side, () => Send(queue, loaded!.Files));
                    break;
                case Pipes.Asynchronous or Pipes.Blocking:
                    SendByPipes(side, loaded!.Files, command[0], command[1..]);
                    break;
                default:
                    throw new IOException($"What is \"{command[0]}\"?");
            }
        }
    });

    private static LoadedFiles Load(WorkerSide side, int count)
    {
        List<DemoFile> share = [];
        for (int i = 0; i < count; i++)
        {
            string[] file = side.Hear();
            share.Add(new DemoFile(int.Parse(file[0]), Uri.UnescapeDataString(file[2]), int.Parse(file[1])));
        }

        LoadedFiles loaded = new(share);
        foreach (LoadedFile file in loaded.Files)
            WorkerSide.Say($"file {file.Id} {file.Content.Length} {file.Hash}");
        WorkerSide.Say("loaded");
        return loaded;
    }

    private static void Send(MessageQueue queue, List<LoadedFile> files)
    {
        int next = -1;
        async Task SendSome()
        {
            while (Interlocked.Increment(ref next) is int i && i < files.Count)
                await queue.SendAsync(files[i].Content, files[i].Options);
        }

        Task.WaitAll([.. Enumerable.Range(0, Math.Min(InFlight, files.Count)).Select(_ => SendSome())]);
    }

    private static void SendByPipes(WorkerSide side, List<LoadedFile> files, string kind, string[] paths)
    {
        NamedPipeClientStream[] pipes = [.. paths.Select(p => Pipes.Connect(p, kind))];
        List<LoadedFile>[] shares = DemoPlan.Deal(files, pipes.Length, f => f.Content.Length);
        Time(side, () => Pipes.Run(kind, pipes.Length, Write, WriteAsync));

        void Write(int i)
        {
            foreach (LoadedFile file in shares[i])
                pipes[i].Write(file.Framed.Span);
            pipes[i].Dispose();
        }

        async Task WriteAsync(int i)
        {
            foreach (LoadedFile file in shares[i])
                await pipes[i].WriteAsync(file.Framed);
            await pipes[i].DisposeAsync();
        }
    }

    /// <summary>The barrier, and the hand-over between two looks at the clock (CLOCK_MONOTONIC, the same in every process).</summary>
    private static void Time(WorkerSide side, Action handOver)
    {
        WorkerSide.Say("ready");
        side.Hear();
        Timing timing = Timing.Start();
        handOver();
        WorkerSide.Say($"done {timing.Stop()}");
    }
}
