using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.TestProcess;

/// <summary>Modes that make vectored calls where a process of their own is needed.</summary>
internal static class VectoredModes
{
    /// <summary>Not in PosixSignal, but its numbers are taken as they are.</summary>
    private const PosixSignal SIGXFSZ = (PosixSignal)25;

    public static void AddTo(Dictionary<string, Func<string[], int>> modes)
    {
        modes.Add("vectored-limit", Limit);
        modes.Add("vectored-terminal", Terminal);
        modes.Add("vectored-input", Input);
        modes.Add("vectored-calls", Calls);
    }

    /// <summary>FILE handled|default: says "ready", and at the next line writes 40 times 1000 bytes and says the error.</summary>
    private static int Limit(string[] args)
    {
        using PosixSignalRegistration? handled = args[1] is "handled" ? PosixSignalRegistration.Create(SIGXFSZ, context => context.Cancel = true) : null;
        byte[] bytes = new byte[40_000];
        for (int i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)(i % 251);
        using SafeFileHandle file = SafeFd.Open(args[0], OpenFlags.O_WRONLY);
        Console.WriteLine("ready");
        Console.ReadLine();
        try
        {
            VectoredIO.WriteAllAt(file, [.. Enumerable.Range(0, 40).Select(i => (ReadOnlyMemory<byte>)bytes.AsMemory(i * 1000, 1000))], 0);
        }
        catch (VectoredIOException e)
        {
            Console.WriteLine($"{e.ErrnoName} {e.Offset} after {e.BytesTransferred}");
        }
        return 0;
    }

    /// <summary>On a terminal: says what it knows, then reads twice, asynchronously, and says what came.</summary>
    private static int Terminal(string[] args)
    {
        using SafeFileHandle input = new(0, ownsHandle: false);
        using SafeFileHandle output = new(1, ownsHandle: false);
        Write($"terminal {VectoredIO.SupportedReadFlags(input)}\n");
        byte[] line = new byte[100];
        for (int i = 0; i < 2; i++)
        {
            long count = VectoredIO.ReadAsync(input, line).AsTask().GetAwaiter().GetResult();
            Write($"{count}: {System.Text.Encoding.ASCII.GetString(line, 0, (int)count).Trim()}\n");
        }
        return 0;

        void Write(string text) => VectoredIO.WriteAll(output, [System.Text.Encoding.ASCII.GetBytes(text)]);
    }

    /// <summary>COUNT: says "waiting" when it waits for so many bytes of standard input, and then what came.</summary>
    private static int Input(string[] args)
    {
        using SafeFileHandle input = new(0, ownsHandle: false);
        byte[] bytes = new byte[int.Parse(args[0])];
        Task<long> read = VectoredIO.ReadExactlyAsync(input, bytes).AsTask();
        Console.WriteLine(read.IsCompleted ? "not waiting" : "waiting");
        Console.WriteLine($"{read.GetAwaiter().GetResult()}: {System.Text.Encoding.ASCII.GetString(bytes).Trim()}");
        return 0;
    }

    /// <summary>FILE: one request of each kind, so that its calls can be counted.</summary>
    private static int Calls(string[] args)
    {
        using SafeFileHandle file = SafeFd.Open(args[0], OpenFlags.O_RDWR);
        byte[] a = new byte[11];
        byte[] b = new byte[13];
        ReadOnlyMemory<byte>[] many = [.. Enumerable.Repeat((ReadOnlyMemory<byte>)a, 2500)];
        VectoredIO.Write(file, [a, [], b]);
        VectoredIO.WriteAllAt(file, many, 24);
        VectoredIO.WriteAt(file, [a, b], 0, VectoredFlags.HighPriority);
        VectoredIO.ReadAt(file, [b, a], 0);
        VectoredIO.Read(file, [[], a, [], b]);
        VectoredIO.ReadExactlyAt(file, [a, b], 5, VectoredFlags.HighPriority);
        VectoredIO.Read(file, []);
        return 0;
    }
}
