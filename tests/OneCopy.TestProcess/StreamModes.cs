using System.IO.Pipelines;

namespace OneCopy.TestProcess;

/// <summary>Ends of streams and pipes. The first two arguments are the root and the queue's name.</summary>
internal static class StreamModes
{
    public static void AddTo(Dictionary<string, Func<string[], int>> modes)
    {
        modes.Add("stream-write", Write);
        modes.Add("stream-read", Read);
        modes.Add("pipe-write", args => WritePipe(args).GetAwaiter().GetResult());
        modes.Add("pipe-read", args => ReadPipe(args).GetAwaiter().GetResult());
    }

    /// <summary>What byte a stream of the tests has at a position.</summary>
    internal static byte At(long position) => (byte)((position * 31) + (position >> 8));

    /// <summary>ROOT NAME COUNT: writes so many bytes in pieces, flushes, says "written", and completes at the end of standard input.</summary>
    private static int Write(string[] args)
    {
        using MessageQueue queue = QueueModes.Open(args);
        using Stream stream = QueueStream.CreateWriter(queue);
        byte[] piece = new byte[100_003];
        long count = long.Parse(args[2]);
        for (long done = 0; done < count;)
        {
            int length = (int)Math.Min(piece.Length, count - done);
            for (int i = 0; i < length; i++)
                piece[i] = At(done + i);
            stream.Write(piece.AsSpan(0, length));
            done += length;
        }

        stream.Flush();
        Console.WriteLine("written");
        Console.In.ReadToEnd();
        return 0;
    }

    /// <summary>ROOT NAME [hold]: reads to the end and says "read COUNT ok|wrong", or what it failed with. hold: stops after the first bytes, says "reading", and waits.</summary>
    private static int Read(string[] args)
    {
        using MessageQueue queue = QueueModes.Open(args);
        using Stream stream = QueueStream.CreateReader(queue);
        byte[] piece = new byte[50_021];
        long position = 0;
        bool right = true;
        try
        {
            for (int count; (count = stream.Read(piece)) > 0; position += count)
            {
                for (int i = 0; i < count; i++)
                    right &= piece[i] == At(position + i);
                if (!args.Contains("hold"))
                    continue;
                Console.WriteLine("reading");
                Console.In.ReadToEnd();
            }

            Console.WriteLine($"read {position} {(right ? "ok" : "wrong")}");
        }
        catch (IOException e)
        {
            Console.WriteLine($"{e.GetType().Name} after {position} {(right ? "ok" : "wrong")}: {e.Message}");
        }

        return 0;
    }

    /// <summary>ROOT NAME COUNT [endless]: the same with a pipe. endless: goes on until the reader is no more, and says how that was told.</summary>
    private static async Task<int> WritePipe(string[] args)
    {
        await using MessageQueue queue = QueueModes.Open(args);
        PipeWriter writer = QueuePipe.CreateWriter(queue);
        long count = args.Contains("endless") ? long.MaxValue : long.Parse(args[2]);
        try
        {
            for (long done = 0; done < count;)
            {
                Memory<byte> memory = writer.GetMemory(1000);
                int length = (int)Math.Min(memory.Length, count - done);
                for (int i = 0; i < length; i++)
                    memory.Span[i] = At(done + i);
                writer.Advance(length);
                done += length;
                if ((await writer.FlushAsync()).IsCompleted)
                {
                    Console.WriteLine("completed");
                    break;
                }
            }
        }
        catch (IOException e)
        {
            Console.WriteLine($"{e.GetType().Name}: {e.Message}");
        }

        await writer.CompleteAsync();
        Console.WriteLine("written");
        Console.In.ReadToEnd();
        return 0;
    }

    /// <summary>ROOT NAME: reads a pipe to its end, a number of bytes at a time that is not the writer's, and says "read COUNT ok|wrong".</summary>
    private static async Task<int> ReadPipe(string[] args)
    {
        await using MessageQueue queue = QueueModes.Open(args);
        PipeReader reader = QueuePipe.CreateReader(queue);
        long position = 0;
        bool right = true;
        while (true)
        {
            ReadResult result = await reader.ReadAtLeastAsync(7_001);
            foreach (ReadOnlyMemory<byte> piece in result.Buffer)
            {
                for (int i = 0; i < piece.Length; i++)
                    right &= piece.Span[i] == At(position + i);
                position += piece.Length;
            }

            reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
                break;
        }

        await reader.CompleteAsync();
        Console.WriteLine($"read {position} {(right ? "ok" : "wrong")}");
        return 0;
    }
}
