using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>struct timespec of time(2), 64-bit.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct timespec
{
    public long tv_sec;
    public long tv_nsec;
}

/// <summary>struct futex_waitv of linux/futex.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct futex_waitv
{
    public ulong val;
    public ulong uaddr;
    public uint flags;
    public uint __reserved;
}

/// <summary>linux/futex.h: waiting on a 32-bit word and waking those who do. Always the shared kind: the words are in files.</summary>
internal static unsafe partial class Futex
{
    public const int FUTEX_WAKE = 1;
    public const int FUTEX_WAIT_BITSET = 9;
    public const uint FUTEX_BITSET_MATCH_ANY = 0xffffffff;
    public const uint FUTEX2_SIZE_U32 = 2;
    public const int FUTEX_WAITV_MAX = 128;
    public const int CLOCK_MONOTONIC = 1;

    /// <summary>
    /// Sleeps while *<paramref name="word"/> is <paramref name="expected"/>. EAGAIN: it was not; ETIMEDOUT: the deadline, in
    /// nanoseconds of CLOCK_MONOTONIC, passed; EINTR is handed on, the caller looks at the word again anyway.
    /// </summary>
    public static SysResult Wait(uint* word, uint expected, long deadline)
    {
        timespec until = ToTimespec(deadline);
        return Syscall.Invoke(
            Syscall.SYS_futex,
            (nint)word,
            FUTEX_WAIT_BITSET,
            (nint)expected,
            deadline == long.MaxValue ? 0 : (nint)(&until),
            0,
            unchecked((nint)FUTEX_BITSET_MATCH_ANY));
    }

    /// <summary>Wakes up to <paramref name="count"/> sleepers; the value is how many.</summary>
    public static SysResult Wake(uint* word, int count) => Syscall.Invoke(Syscall.SYS_futex, (nint)word, FUTEX_WAKE, count);

    /// <summary>Sleeps on several words at once (Linux 5.16; ENOSYS before). The value is the index of one that was woken.</summary>
    public static SysResult WaitAny(futex_waitv* waiters, int count, long deadline)
    {
        timespec until = ToTimespec(deadline);
        return Syscall.Invoke(
            Syscall.SYS_futex_waitv,
            (nint)waiters,
            count,
            0,
            deadline == long.MaxValue ? 0 : (nint)(&until),
            CLOCK_MONOTONIC);
    }

    private static timespec ToTimespec(long nanoseconds) =>
        new() { tv_sec = nanoseconds / 1_000_000_000, tv_nsec = nanoseconds % 1_000_000_000 };
}
