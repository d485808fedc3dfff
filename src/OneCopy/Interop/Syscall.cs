using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>
/// syscall(2), for calls that have no wrapper in the C library, or none in those of the last years. syscall is variadic in C;
/// on the two targets, x86-64 and arm64 Linux, variadic integer arguments travel in the same registers as fixed ones.
/// </summary>
internal static partial class Syscall
{
    /// <summary>New calls have one number on every architecture (asm-generic/unistd.h); these are older than that rule.</summary>
    public static readonly nint SYS_gettid = Number(x64: 186, arm64: 178);
    public static readonly nint SYS_futex = Number(x64: 202, arm64: 98);
    public static readonly nint SYS_sched_setaffinity = Number(x64: 203, arm64: 122);
    public static readonly nint SYS_perf_event_open = Number(x64: 298, arm64: 241);
    public static readonly nint SYS_process_vm_readv = Number(x64: 310, arm64: 270);
    public static readonly nint SYS_process_vm_writev = Number(x64: 311, arm64: 271);
    public static readonly nint SYS_seccomp = Number(x64: 317, arm64: 277);

    public const int SYS_pidfd_send_signal = 424;
    public const int SYS_fsopen = 430;
    public const int SYS_fsconfig = 431;
    public const int SYS_fsmount = 432;
    public const int SYS_pidfd_open = 434;
    public const int SYS_futex_waitv = 449;

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint sys_syscall(nint number, nint a, nint b, nint c, nint d, nint e, nint f);

    public static SysResult Invoke(nint number, nint a, nint b, nint c = 0, nint d = 0, nint e = 0, nint f = 0) =>
        SysResult.From(sys_syscall(number, a, b, c, d, e, f));

    private static nint Number(int x64, int arm64) => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => x64,
        Architecture.Arm64 => arm64,
        _ => throw new PlatformNotSupportedException("OneCopy runs on x86-64 and arm64 Linux."),
    };
}
