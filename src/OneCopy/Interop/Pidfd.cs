using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>struct pollfd of poll(2).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct pollfd
{
    public int fd;
    public short events;
    public short revents;
}

/// <summary>pidfd_open(2): a descriptor that stays with one process, whatever becomes of its number; readable once it has ended.</summary>
internal static unsafe partial class Pidfd
{
    public const short POLLIN = 1;

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int sys_poll(pollfd* fds, nuint count, int milliseconds);

    /// <summary>ESRCH: no such process. Needs no rights over it.</summary>
    public static SysResult pidfd_open(int pid) => Syscall.Invoke(Syscall.SYS_pidfd_open, pid, 0);

    /// <summary>pidfd_send_signal(2): to that process and to no other, whatever its number means by now.</summary>
    public static SysResult pidfd_send_signal(int pidfd, int signal) => Syscall.Invoke(Syscall.SYS_pidfd_send_signal, pidfd, signal);

    /// <summary>EINTR is handed on.</summary>
    public static SysResult poll(pollfd* fds, int count, int milliseconds) => SysResult.From(sys_poll(fds, (nuint)count, milliseconds));

    /// <summary>Whether the process behind the descriptor has ended (a zombie has).</summary>
    public static bool HasExited(int pidfd)
    {
        pollfd p = new() { fd = pidfd, events = POLLIN };
        return poll(&p, 1, 0).Value > 0;
    }
}
