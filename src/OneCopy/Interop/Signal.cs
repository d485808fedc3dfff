using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>struct sigaction of sigaction(2), as the C library has it; the kernel's own is another.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct sigaction
{
    public nint sa_handler;
    public fixed ulong sa_mask[16];
    public int sa_flags;
    public nint sa_restorer;
}

/// <summary>signal.h: what happens at a signal.</summary>
internal static unsafe partial class Signal
{
    public const int SIGBUS = 7;
    public const int SIGKILL = 9;
    public const int SIGCONT = 18;
    public const int SIGSTOP = 19;
    public const int SA_SIGINFO = 4;
    public const int SA_ONSTACK = 0x08000000;
    public const int SA_RESTART = 0x10000000;

    [LibraryImport("libc", EntryPoint = "sigaction", SetLastError = true)]
    private static partial int sys_sigaction(int signal, sigaction* action, sigaction* before);

    /// <summary>What happens at a signal now.</summary>
    public static SysResult Get(int signal, out sigaction now)
    {
        fixed (sigaction* p = &now)
            return SysResult.From(sys_sigaction(signal, null, p));
    }

    public static SysResult Set(int signal, sigaction action, out sigaction before)
    {
        fixed (sigaction* p = &before)
            return SysResult.From(sys_sigaction(signal, &action, p));
    }
}
