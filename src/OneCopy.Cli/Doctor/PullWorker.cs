using System.Globalization;
using System.Security.Cryptography;
using OneCopy.Cli.Processes;

namespace OneCopy.Cli.Doctor;

/// <summary>The doctor's hidden mode: has a secret in its memory, and reads another process's.</summary>
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
            WorkerSide.Say(Pull(int.Parse(command[1]), nuint.Parse(command[2], NumberStyles.HexNumber)));
        }
    });

    private static string Pull(int pid, nuint address)
    {
        try
        {
            using ProcessMemory memory = ProcessMemory.Open(pid);
            byte[] got = new byte[Length];
            memory.Read(address, got);
            return $"got {Convert.ToHexString(got)} {memory.Method}";
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
