using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>epoll(7) and eventfd(2): one thread that waits for many descriptors, and a descriptor that wakes it.</summary>
internal static unsafe partial class Epoll
{
    public const int EPOLL_CTL_ADD = 1;
    public const int EPOLL_CTL_DEL = 2;
    public const uint EPOLLIN = 1;
    public const uint EPOLLOUT = 4;
    public const uint EPOLLONESHOT = 1u << 30;
    public const int EPOLL_CLOEXEC = 0x80000;

    public const int EFD_CLOEXEC = 0x80000;
    public const int EFD_NONBLOCK = 0x800;

    /// <summary>struct epoll_event is packed on x86-64 and aligned elsewhere: 12 bytes here, 16 there.</summary>
    private static readonly bool s_packed = RuntimeInformation.ProcessArchitecture == Architecture.X64;

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    private static partial int sys_epoll_create1(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    private static partial int sys_epoll_ctl(int epoll, int operation, int fd, byte* e);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    private static partial int sys_epoll_wait(int epoll, byte* events, int count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    private static partial int sys_eventfd(uint value, int flags);

    public static int EventSize => s_packed ? 12 : 16;

    public static int DataOffset => s_packed ? 4 : 8;

    public static SysResult epoll_create1() => SysResult.From(sys_epoll_create1(EPOLL_CLOEXEC));

    /// <summary>Closed at exec, non-blocking.</summary>
    public static SysResult eventfd() => SysResult.From(sys_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));

    public static SysResult epoll_ctl(int epoll, int operation, int fd, uint events, long data)
    {
        byte* e = stackalloc byte[16];
        Unsafe.WriteUnaligned(e, events);
        Unsafe.WriteUnaligned(e + DataOffset, data);
        return SysResult.From(sys_epoll_ctl(epoll, operation, fd, e));
    }

    /// <summary>The data words of those that are ready, into <paramref name="ready"/>; EINTR is handed on.</summary>
    public static SysResult epoll_wait(int epoll, Span<long> ready, int milliseconds)
    {
        byte* events = stackalloc byte[16 * ready.Length];
        SysResult r = SysResult.From(sys_epoll_wait(epoll, events, ready.Length, milliseconds));
        for (int i = 0; i < r.Value; i++)
            ready[i] = Unsafe.ReadUnaligned<long>(events + (i * EventSize) + DataOffset);
        return r;
    }
}
