using System.Globalization;
using System.Security.Cryptography;
using OneCopy.Cli.Processes;

namespace OneCopy.Cli.Doctor;

/// <summary>The doctor's hidden mode: has a secret in its memory, and reads and writes another process's.</summary>
internal static unsafe class PullWorker
{
    private const int Length = 32;

    public static int Run() => WorkerSide.Run(side =>
    {
        byte* secret = (byte*)System.Runtime.InteropServices.NativeMemory.Alloc(Length);
        RandomNumberGenerator.Fill(new Span<byte>(secret, Length));
        WorkerSide.Say($"secret {(nuint)secret:x} {Convert.ToHexString(new ReadOnlySpan<byte>(secret, Length))}");
        while (true)
        {
            string[] command = side.Hear();
            WorkerSide.Say(command[0] switch
            {
                "pull" => Pull(int.Parse(command[1]), nuint.Parse(command[2], NumberStyles.HexNumber)),
                "push" => Push(int.Parse(command[1]), nuint.Parse(command[2], NumberStyles.HexNumber)),
                _ => $"is {Convert.ToHexString(new ReadOnlySpan<byte>(secret, Length))}",
            });
        }
    });

    private static string Pull(int pid, nuint address) => Try(() =>
    {
        using ProcessMemory memory = ProcessMemory.Open(pid);
        byte[] got = new byte[Length];
        memory.Read(address, got);
        return $"got {Convert.ToHexString(got)} {memory.Method}";
    });

    private static string Push(int pid, nuint address) => Try(() =>
    {
        using ProcessMemory memory = ProcessMemory.Open(pid);
        byte[] random = RandomNumberGenerator.GetBytes(Length);
        memory.Write(address, random);
        return $"put {Convert.ToHexString(random)} {memory.Method}";
    });

    private static string Try(Func<string> transfer)
    {
        try
        {
            return transfer();
        }
        catch (ProcessAccessDeniedException e)
        {
            // One line, in two parts.
            return $"denied {Uri.EscapeDataString(e.Access.Explanation)} {Uri.EscapeDataString(e.Remedy)}";
        }
        catch (OneCopyException e)
        {
            return $"denied {Uri.EscapeDataString(e.Message)} {Uri.EscapeDataString("See the message.")}";
        }
    }
}
