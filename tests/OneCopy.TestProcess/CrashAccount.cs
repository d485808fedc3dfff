using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Text;
using OneCopy.Interop;

namespace OneCopy.TestProcess;

/// <summary>
/// What a process of the crash matrix sent and got. Each payload says who sent it, which of its messages it is and how long it is, and every
/// byte tells its place. A victim says each event at once, with one write(2), so that nothing it did before its end is unsaid.
/// </summary>
internal sealed class CrashAccount(int actor)
{
    public const int HeadLength = 16;

    private readonly ConcurrentQueue<string> _events = new();
    private int _number;

    /// <summary>Whether events are said at once, as "e …" lines, and not only in the report.</summary>
    public bool SaysAtOnce { get; set; }

    public string Report => string.Join(' ', _events);

    /// <summary>Events are words separated by bars: what|message|….</summary>
    public void Add(string what, string message, params ReadOnlySpan<string> more)
    {
        string line = string.Join('|', [what, message, .. more]);
        _events.Enqueue(line);
        if (SaysAtOnce)
            WriteLine("e " + line);
    }

    /// <summary>A payload of its own for each message; at least <see cref="HeadLength"/> bytes.</summary>
    public string Fill(Span<byte> payload)
    {
        int number = Interlocked.Increment(ref _number);
        BinaryPrimitives.WriteInt32LittleEndian(payload, actor);
        BinaryPrimitives.WriteInt32LittleEndian(payload[4..], number);
        BinaryPrimitives.WriteInt32LittleEndian(payload[8..], payload.Length);
        BinaryPrimitives.WriteInt32LittleEndian(payload[12..], 0x2A2A2A2A);
        for (int i = HeadLength; i < payload.Length; i++)
            payload[i] = ByteAt(i, actor, number);
        return $"{actor}:{number}";
    }

    /// <summary>Which message it is, and "ok" or "garbage".</summary>
    public static (string Message, string Verdict) Examine(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < HeadLength)
            return ("?", "garbage");
        int sender = BinaryPrimitives.ReadInt32LittleEndian(payload);
        int number = BinaryPrimitives.ReadInt32LittleEndian(payload[4..]);
        bool good = BinaryPrimitives.ReadInt32LittleEndian(payload[8..]) == payload.Length && sender is > 0 and < 100 && number > 0;
        for (int i = HeadLength; good && i < payload.Length; i++)
            good = payload[i] == ByteAt(i, sender, number);
        return ($"{sender}:{number}", good ? "ok" : "garbage");
    }

    /// <summary>To standard output in one system call, past all buffers.</summary>
    public static unsafe void WriteLine(string line)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(line + "\n");
        fixed (byte* p = bytes)
        {
            for (int done = 0; done < bytes.Length;)
                done += (int)Fcntl.write(1, p + done, (nuint)(bytes.Length - done)).OrThrow("write");
        }
    }

    private static byte ByteAt(int i, int sender, int number) => (byte)((i * 7) + (i >> 8) + (number * 13) + (sender * 31));
}
