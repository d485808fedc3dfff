namespace OneCopy.Interop;

/// <summary>signal(7), sent through a pidfd: to that very process, whoever has its number by now.</summary>
internal static class Signal
{
    public const int SIGKILL = 9;
    public const int SIGCONT = 18;
    public const int SIGSTOP = 19;

    /// <summary>ESRCH: it has ended and was reaped.</summary>
    public static SysResult pidfd_send_signal(int pidfd, int signal) => Syscall.Invoke(Syscall.SYS_pidfd_send_signal, pidfd, signal);
}
