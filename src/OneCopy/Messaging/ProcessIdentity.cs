using System.Runtime.InteropServices;
using System.Security.Cryptography;
using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>Who this process is, and the nonce by which others know its memory.</summary>
internal static unsafe class ProcessIdentity
{
    /// <summary>
    /// 16 random bytes in private memory. A pull reads them behind the payload, in the same call: right = the process is
    /// alive, is the one that published them, and has not replaced its memory by exec. Never freed: it is as old as the process.
    /// </summary>
    private static readonly byte* s_nonce = MakeNonce();

    public static int Pid { get; } = Environment.ProcessId;

    public static ulong StartTime { get; } = StartTimeOf(Pid) ?? 0;

    public static ulong PidNamespace { get; } = PidNamespaceOf("self");

    public static nuint NonceAddress => (nuint)s_nonce;

    public static ReadOnlySpan<byte> Nonce => new(s_nonce, ParticipantLayout.NonceLength);

    /// <summary>Field 22 of /proc/PID/stat (proc_pid_stat(5)): with the pid it names one process for ever, until the next boot.</summary>
    public static ulong? StartTimeOf(int pid)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{pid}/stat");

            // The second field is the command's name in parentheses and may hold anything, spaces and parentheses too.
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return ulong.Parse(fields[19]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or IndexOutOfRangeException)
        {
            return null;
        }
    }

    /// <summary>Whether the process runs as this effective user and no other; its /proc/PID/status says so.</summary>
    public static bool RunsAs(int pid, uint uid)
    {
        try
        {
            foreach (string line in File.ReadLines($"/proc/{pid}/status"))
            {
                if (line.StartsWith("Uid:", StringComparison.Ordinal))
                    return line[4..].Split('\t', StringSplitOptions.RemoveEmptyEntries).All(u => uint.Parse(u) == uid);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            // It has ended.
        }

        return false;
    }

    private static ulong PidNamespaceOf(string pid) => Stat.Of($"/proc/{pid}/ns/pid", out statx s).Succeeded ? s.stx_ino : 0;

    private static byte* MakeNonce()
    {
        byte* p = (byte*)NativeMemory.AlignedAlloc(ParticipantLayout.NonceLength, ParticipantLayout.NonceLength);
        RandomNumberGenerator.Fill(new Span<byte>(p, ParticipantLayout.NonceLength));
        return p;
    }
}
