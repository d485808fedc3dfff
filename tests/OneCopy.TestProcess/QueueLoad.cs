using System.Buffers.Binary;
using System.Diagnostics;

namespace OneCopy.TestProcess;

/// <summary>
/// Many messages of log-uniform sizes between many processes. Each message carries its producer, its number and a check of its
/// bytes; the consumers keep account of every one.
/// </summary>
internal static class QueueLoad
{
    // Producer, number, seed of the bytes: in front of the payload as far as it is long enough; shorter ones go in a header.
    private const int HeadLength = 16;

    /// <summary>ROOT NAME PRODUCER COUNT MAX-LENGTH: says "ready", begins at a line, says "produced SECONDS".</summary>
    public static int Produce(string[] args)
    {
        using MessageQueue queue = QueueModes.Open(args);
        int producer = int.Parse(args[2]);
        int count = int.Parse(args[3]);
        int max = int.Parse(args[4]);
        Random random = new(producer);
        byte[][] pool = [.. Enumerable.Range(0, 16).Select(_ => new byte[max + HeadLength])];
        foreach (byte[] b in pool)
            random.NextBytes(b);
        Console.WriteLine("ready");
        Console.ReadLine();
        long start = Stopwatch.GetTimestamp();
        ValueTask[] inFlight = new ValueTask[pool.Length];
        for (int i = 0; i < count; i++)
        {
            int slot = i % pool.Length;
            inFlight[slot].AsTask().GetAwaiter().GetResult();
            int length = (int)Math.Min(max, Math.Exp(random.NextDouble() * Math.Log(max + 2)) - 1);
            byte[] buffer = pool[slot];
            inFlight[slot] = SendOne(queue, buffer, producer, i, length);
        }

        foreach (ValueTask task in inFlight)
            task.AsTask().GetAwaiter().GetResult();
        Console.WriteLine($"produced {Stopwatch.GetElapsedTime(start).TotalSeconds}");
        Console.In.ReadToEnd();
        return 0;
    }

    private static ValueTask SendOne(MessageQueue queue, byte[] buffer, int producer, int number, int length)
    {
        if (length < HeadLength)
        {
            // Too short to say who it is: a property does.
            MessageProperties properties = new() { MessageId = $"{producer} {number}" };
            queue.Send(buffer.AsSpan(0, length), new SendOptions { Properties = properties });
            return ValueTask.CompletedTask;
        }

        BinaryPrimitives.WriteInt32LittleEndian(buffer, producer);
        BinaryPrimitives.WriteInt32LittleEndian(buffer.AsSpan(4), number);
        BinaryPrimitives.WriteInt32LittleEndian(buffer.AsSpan(8), length);
        BinaryPrimitives.WriteUInt32LittleEndian(buffer.AsSpan(12), Check(buffer.AsSpan(HeadLength, length - HeadLength)));
        if (number % 3 == 0)
        {
            queue.Send(buffer.AsSpan(0, length));
            return ValueTask.CompletedTask;
        }

        return queue.SendAsync(buffer.AsMemory(0, length));
    }

    /// <summary>ROOT NAME PRODUCERS COUNT MAX-LENGTH OUT: receives until a line comes; writes its account to OUT and says "consumed N BAD".</summary>
    public static int Consume(string[] args)
    {
        using MessageQueue queue = QueueModes.Open(args);
        int producers = int.Parse(args[2]);
        int count = int.Parse(args[3]);
        byte[] account = new byte[producers * count];
        byte[] buffer = new byte[int.Parse(args[4]) + HeadLength];
        long consumed = 0;
        long bad = 0;
        using CancellationTokenSource stop = new();
        Console.WriteLine("ready");
        Task stopping = Task.Run(() =>
        {
            Console.ReadLine();
            stop.Cancel();
        });
        try
        {
            while (true)
            {
                using ReceivedMessage message = queue.Receive(null, stop.Token);
                int length = (int)message.Length;
                message.CopyTo(buffer);
                (int producer, int number, bool good) = Examine(buffer.AsSpan(0, length), message);
                message.Complete();
                account[(producer * count) + number]++;
                consumed++;
                bad += good ? 0 : 1;
            }
        }
        catch (OperationCanceledException)
        {
        }

        stopping.Wait();
        File.WriteAllBytes(args[5], account);
        Console.WriteLine($"consumed {consumed} {bad}");
        return 0;
    }

    private static (int Producer, int Number, bool Good) Examine(ReadOnlySpan<byte> payload, ReceivedMessage message)
    {
        if (payload.Length < HeadLength)
        {
            int[] id = [.. message.Properties.MessageId!.Split(' ').Select(int.Parse)];
            return (id[0], id[1], true);
        }

        int producer = BinaryPrimitives.ReadInt32LittleEndian(payload);
        int number = BinaryPrimitives.ReadInt32LittleEndian(payload[4..]);
        bool good = BinaryPrimitives.ReadInt32LittleEndian(payload[8..]) == payload.Length
            && BinaryPrimitives.ReadUInt32LittleEndian(payload[12..]) == Check(payload[HeadLength..]);
        return (producer, number, good);
    }

    /// <summary>The first and last 4 KiB and a word of every page between: as good as all of it against a wrong copy, and much faster.</summary>
    private static uint Check(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        int edge = Math.Min(bytes.Length, 4096) & ~7;
        for (int i = 0; i < edge; i += 8)
            sum = System.Numerics.BitOperations.Crc32C(sum, BinaryPrimitives.ReadUInt64LittleEndian(bytes[i..]));
        for (int i = edge; i + 8 <= bytes.Length; i += 512)
            sum = System.Numerics.BitOperations.Crc32C(sum, BinaryPrimitives.ReadUInt64LittleEndian(bytes[i..]));
        int at = Math.Max(edge, bytes.Length - edge);
        for (; at + 8 <= bytes.Length; at += 8)
            sum = System.Numerics.BitOperations.Crc32C(sum, BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]));
        for (; at < bytes.Length; at++)
            sum = System.Numerics.BitOperations.Crc32C(sum, bytes[at]);
        return sum;
    }
}
