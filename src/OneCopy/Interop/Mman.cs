using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>PROT_* of mmap(2).</summary>
[Flags]
internal enum Prot
{
    None = 0,
    Read = 1,
    Write = 2,
    Exec = 4,
}

/// <summary>MAP_* of mmap(2).</summary>
[Flags]
internal enum Map
{
    None = 0,
    Shared = 0x01,
    Private = 0x02,
    Fixed = 0x10,
    Anonymous = 0x20,
    NoReserve = 0x4000,
    HugeTlb = 0x40000,
    Fixed_NoReplace = 0x100000,
}

/// <summary>MADV_* of madvise(2).</summary>
internal enum Madv
{
    Normal = 0,
    Random = 1,
    Sequential = 2,
    WillNeed = 3,
    DontNeed = 4,
    Free = 8,
    Remove = 9,
    DontFork = 10,
    DoFork = 11,
    Mergeable = 12,
    Unmergeable = 13,
    HugePage = 14,
    NoHugePage = 15,
    DontDump = 16,
    DoDump = 17,
    Cold = 20,
    PageOut = 21,
    Populate_Read = 22,
    Populate_Write = 23,
    Collapse = 25,
}

/// <summary>MS_* of msync(2).</summary>
[Flags]
internal enum Msync
{
    Async = 1,
    Invalidate = 2,
    Sync = 4,
}

/// <summary>sys/mman.h.</summary>
internal static partial class Mman
{
    /// <summary>Where the size of huge pages lies in the flags of mmap, as its logarithm; memfd_create has it in the same place.</summary>
    public const int MAP_HUGE_SHIFT = 26;

    public const int MREMAP_MAYMOVE = 1;
    public const int MREMAP_FIXED = 2;

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint sys_mmap(nint address, nuint length, int prot, int flags, int fd, long offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int sys_munmap(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "mremap", SetLastError = true)]
    private static partial nint sys_mremap(nint address, nuint length, nuint newLength, int flags, nint newAddress);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static partial int sys_mprotect(nint address, nuint length, int prot);

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    private static partial int sys_madvise(nint address, nuint length, int advice);

    [LibraryImport("libc", EntryPoint = "msync", SetLastError = true)]
    private static partial int sys_msync(nint address, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "mlock", SetLastError = true)]
    private static partial int sys_mlock(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "munlock", SetLastError = true)]
    private static partial int sys_munlock(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "mincore", SetLastError = true)]
    private static unsafe partial int sys_mincore(nint address, nuint length, byte* pages);

    public static SysResult mmap(nint address, nuint length, Prot prot, Map flags, int fd, long offset) =>
        SysResult.From(sys_mmap(address, length, (int)prot, (int)flags, fd, offset));

    public static SysResult munmap(nint address, nuint length) => SysResult.From(sys_munmap(address, length));

    /// <summary>With MREMAP_FIXED: what is mapped there goes, in the same step.</summary>
    public static SysResult mremap(nint address, nuint length, nuint newLength, int flags, nint newAddress) =>
        SysResult.From(sys_mremap(address, length, newLength, flags, newAddress));

    public static SysResult mprotect(nint address, nuint length, Prot prot) => SysResult.From(sys_mprotect(address, length, (int)prot));

    public static SysResult madvise(nint address, nuint length, Madv advice) => SysResult.From(sys_madvise(address, length, (int)advice));

    public static SysResult msync(nint address, nuint length, Msync flags) => SysResult.From(sys_msync(address, length, (int)flags));

    public static SysResult mlock(nint address, nuint length) => SysResult.From(sys_mlock(address, length));

    public static SysResult munlock(nint address, nuint length) => SysResult.From(sys_munlock(address, length));

    /// <summary>One byte for each page, of which bit 0 alone means anything. EAGAIN (the kernel has no memory for it just now) is handed on.</summary>
    public static unsafe SysResult mincore(nint address, nuint length, byte* pages) => SysResult.From(sys_mincore(address, length, pages));
}
