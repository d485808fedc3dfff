using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>prctl(2), and who this process is: getuid(2) and its kin.</summary>
internal static partial class Prctl
{
    public const int PR_GET_DUMPABLE = 3;
    public const int PR_SET_DUMPABLE = 4;
    public const int PR_SET_NO_NEW_PRIVS = 38;
    public const int PR_SET_PTRACER = 0x59616d61;
    public const int PR_SET_PTRACER_ANY = -1;

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static partial int sys_prctl(int option, nint a, nint b, nint c, nint d);

    [LibraryImport("libc")]
    public static partial uint getuid();

    [LibraryImport("libc")]
    public static partial uint geteuid();

    [LibraryImport("libc")]
    public static partial uint getegid();

    public static SysResult prctl(int option, nint a = 0, nint b = 0, nint c = 0, nint d = 0) => SysResult.From(sys_prctl(option, a, b, c, d));
}
