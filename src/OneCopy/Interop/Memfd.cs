using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>memfd_create(2), and the seals of fcntl(2) that such files can have.</summary>
internal static partial class Memfd
{
    public const uint MFD_CLOEXEC = 1;
    public const uint MFD_ALLOW_SEALING = 2;
    public const uint MFD_HUGETLB = 4;

    public const int F_SEAL_SEAL = 1;
    public const int F_SEAL_SHRINK = 2;
    public const int F_SEAL_GROW = 4;
    public const int F_SEAL_WRITE = 8;
    public const int F_SEAL_FUTURE_WRITE = 16;

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sys_memfd_create(string name, uint flags);

    /// <summary>Closed at exec. ENOMEM or EINVAL with MFD_HUGETLB: the system has no such pages.</summary>
    public static SysResult memfd_create(string name, uint flags) => SysResult.From(sys_memfd_create(name, flags | MFD_CLOEXEC));
}
