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
    Shared = 0x01,
    Private = 0x02,
    Fixed = 0x10,
    Anonymous = 0x20,
    NoReserve = 0x4000,
}

/// <summary>MADV_* of madvise(2).</summary>
internal enum Madv
{
    HugePage = 14,
}

/// <summary>sys/mman.h.</summary>
internal static partial class Mman
{
    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint sys_mmap(nint address, nuint length, int prot, int flags, int fd, long offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int sys_munmap(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static partial int sys_mprotect(nint address, nuint length, int prot);

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    private static partial int sys_madvise(nint address, nuint length, int advice);

    public static SysResult mmap(nint address, nuint length, Prot prot, Map flags, int fd, long offset) =>
        SysResult.From(sys_mmap(address, length, (int)prot, (int)flags, fd, offset));

    public static SysResult munmap(nint address, nuint length) => SysResult.From(sys_munmap(address, length));

    public static SysResult mprotect(nint address, nuint length, Prot prot) => SysResult.From(sys_mprotect(address, length, (int)prot));

    public static SysResult madvise(nint address, nuint length, Madv advice) => SysResult.From(sys_madvise(address, length, (int)advice));
}
