using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>struct rlimit of getrlimit(2).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct rlimit
{
    public ulong rlim_cur;
    public ulong rlim_max;
}

/// <summary>sys/resource.h.</summary>
internal static unsafe partial class Resource
{
    public const int RLIMIT_FSIZE = 1;
    public const ulong RLIM_INFINITY = ulong.MaxValue;

    [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
    private static partial int sys_getrlimit(int resource, rlimit* limit);

    public static SysResult getrlimit(int resource, out rlimit limit)
    {
        fixed (rlimit* p = &limit)
            return SysResult.From(sys_getrlimit(resource, p));
    }
}
