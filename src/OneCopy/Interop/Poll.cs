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

/// <summary>poll(2) for one descriptor.</summary>
internal static unsafe partial class Poll
{
    public const short POLLIN = 1;
    public const short POLLOUT = 4;

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int sys_poll(pollfd* fds, nuint count, int milliseconds);

    /// <summary>1: it is ready, or has failed; 0: not in time. EINTR is handed on. -1 milliseconds: as long as it takes.</summary>
    public static SysResult poll(int fd, short events, int milliseconds)
    {
        pollfd p = new() { fd = fd, events = events };
        return SysResult.From(sys_poll(&p, 1, milliseconds));
    }
}
