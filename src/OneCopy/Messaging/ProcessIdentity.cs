using System.Runtime.InteropServices;
using System.Security.Cryptography;
using OneCopy.Interop;
using OneCopy.Memory;

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

    public static ulong StartTime { get; } = (ulong)ProcessStatus.StartTimeOf(Pid);

    public static ulong PidNamespace { get; } = PidNamespaceOf("self");

    public static nuint NonceAddress => (nuint)s_nonce;

    public static ReadOnlySpan<byte> Nonce => new(s_nonce, ParticipantLayout.NonceLength);

    /// <summary>Whether that very process is there and has not ended; a zombie has.</summary>
    public static bool IsRunning(int pid, ulong startTime) =>
        (ulong)ProcessStatus.StartTimeOf(pid) == startTime && ProcessStatus.Of(pid) is { IsZombie: false };

    /// <summary>Whether it is stopped, by a signal or a debugger: then it does nothing, for as long as it takes.</summary>
    public static bool IsStopped(int pid) => ProcessStatus.Of(pid) is { State: 'T' or 't' };

    /// <summary>Whether the process runs as this user and no other; its /proc/PID/status says so.</summary>
    public static bool RunsAs(int pid, uint uid) => ProcessStatus.Of(pid)?.Users.AllAre(uid) ?? false;

    private static ulong PidNamespaceOf(string pid) => Stat.Of($"/proc/{pid}/ns/pid", out statx s).Succeeded ? s.stx_ino : 0;

    private static byte* MakeNonce()
    {
        byte* p = (byte*)NativeMemory.AlignedAlloc(ParticipantLayout.NonceLength, ParticipantLayout.NonceLength);
        RandomNumberGenerator.Fill(new Span<byte>(p, ParticipantLayout.NonceLength));
        return p;
    }
}
