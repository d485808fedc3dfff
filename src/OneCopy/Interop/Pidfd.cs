namespace OneCopy.Interop;

/// <summary>pidfd_open(2): a descriptor that stays with one process, whatever becomes of its number; readable once it has ended.</summary>
internal static class Pidfd
{
    /// <summary>ESRCH: no such process. Needs no rights over it.</summary>
    public static SysResult pidfd_open(int pid) => Syscall.Invoke(Syscall.SYS_pidfd_open, pid, 0);

    /// <summary>pidfd_send_signal(2): to that process and to no other, whatever its number means by now.</summary>
    public static SysResult pidfd_send_signal(int pidfd, int signal) => Syscall.Invoke(Syscall.SYS_pidfd_send_signal, pidfd, signal);

    /// <summary>Whether the process behind the descriptor has ended (a zombie has).</summary>
    public static bool HasExited(int pidfd) => Poll.poll(pidfd, Poll.POLLIN, 0).Value > 0;
}
