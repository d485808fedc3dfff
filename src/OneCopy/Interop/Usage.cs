using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>struct timeval.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct timeval
{
    public long tv_sec;
    public long tv_usec;
}

/// <summary>struct rusage of getrusage(2).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct rusage
{
    public timeval ru_utime;
    public timeval ru_stime;
    public long ru_maxrss;
    public long ru_ixrss;
    public long ru_idrss;
    public long ru_isrss;
    public long ru_minflt;
    public long ru_majflt;
    public long ru_nswap;
    public long ru_inblock;
    public long ru_oublock;
    public long ru_msgsnd;
    public long ru_msgrcv;
    public long ru_nsignals;
    public long ru_nvcsw;
    public long ru_nivcsw;
}

/// <summary>getrusage(2) and clock_gettime(2): what a thread or a process has used.</summary>
internal static unsafe partial class Usage
{
    public const int RUSAGE_SELF = 0;
    public const int RUSAGE_THREAD = 1;

    public const int CLOCK_PROCESS_CPUTIME_ID = 2;
    public const int CLOCK_THREAD_CPUTIME_ID = 3;

    [LibraryImport("libc", EntryPoint = "clock_gettime", SetLastError = true)]
    private static partial int sys_clock_gettime(int clock, timespec* time);

    [LibraryImport("libc", EntryPoint = "getrusage", SetLastError = true)]
    private static partial int sys_getrusage(int who, rusage* usage);

    public static SysResult clock_gettime(int clock, out timespec time)
    {
        fixed (timespec* p = &time)
            return SysResult.From(sys_clock_gettime(clock, p));
    }

    public static SysResult getrusage(int who, out rusage usage)
    {
        fixed (rusage* p = &usage)
            return SysResult.From(sys_getrusage(who, p));
    }
}
