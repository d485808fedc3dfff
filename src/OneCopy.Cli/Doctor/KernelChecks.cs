using System.Runtime.InteropServices;
using OneCopy.Interop;
using OneCopy.Memory;

namespace OneCopy.Cli.Doctor;

/// <summary>What the kernel is and can do.</summary>
internal static unsafe class KernelChecks
{
    public static IEnumerable<Check> All()
    {
        yield return Kernel();
        yield return Architecture();
        yield return Check.Ok("page size", $"{Environment.SystemPageSize:N0} bytes");
        yield return ProcessVm(TransferDirection.Read);
        yield return ProcessVm(TransferDirection.Write);
        yield return FutexWaitv();
        yield return Guard();
        yield return HugePages();
        yield return MapCount();
        yield return MemLock();
    }

    private static Check Kernel()
    {
        string release = ProcFile.ReadText("/proc/sys/kernel/osrelease")?.Trim() ?? Environment.OSVersion.Version.ToString();

        // pidfd_open(2) is the youngest call that has no substitute here.
        return Environment.OSVersion.Version >= new Version(5, 3)
            ? Check.Ok("kernel", release)
            : Check.Problem("kernel", release, "OneCopy needs Linux 5.3 or later, for pidfd_open.", "Update the kernel.");
    }

    private static Check Architecture()
    {
        Architecture architecture = RuntimeInformation.ProcessArchitecture;
        return architecture is System.Runtime.InteropServices.Architecture.X64 or System.Runtime.InteropServices.Architecture.Arm64
            ? Check.Ok("architecture", $"{architecture}")
            : Check.Problem("architecture", $"{architecture}", "The bindings are for 64-bit x86 and ARM.", "Use a machine of one of them.");
    }

    private static Check ProcessVm(TransferDirection direction)
    {
        bool read = direction == TransferDirection.Read;
        string name = read ? "process_vm_readv" : "process_vm_writev";
        return ProcessVmProbe.IsBlocked(direction, out int errno)
            ? Check.Warning(name, Errno.NameOf(errno),
                $"This process may not even {(read ? "read" : "write")} its own memory with it: "
                + (errno == Errno.ENOSYS ? "the kernel was built without it (CONFIG_CROSS_MEMORY_ATTACH), or a seccomp filter says so. " : "a seccomp filter blocks the call. ")
                + (read ? "It pulls no message, and pushes none; " : "It pushes no message; ")
                + "what the other process cannot copy for it either goes through shared memory, with two copies.",
                "Allow process_vm_readv and process_vm_writev in the container's seccomp profile.")
            : Check.Ok(name, "works; 1,024 segments and 0x7ffff000 bytes in a call");
    }

    private static Check FutexWaitv() => Futex.WaitAny(null, 0, long.MaxValue).Errno == Errno.ENOSYS
        ? Check.Warning("futex_waitv", "missing", "One thread for each queue handle waits in place of one for all.", "Use Linux 5.16 or later, and allow the call where a seccomp filter hides it.")
        : Check.Ok("futex_waitv", "works");

    private static Check Guard() => MappingGuard.Refusal is { } refusal
        ? Check.Warning("truncated files", "not survived", $"{refusal}: a participant that truncates a file of a queue ends the processes that have it open.", "Let the process make memory executable that it has written (SELinux: execmem), as the runtime's compiler needs to as well.")
        : Check.Ok("truncated files", "survived; a file of a queue that loses its pages is an error");

    private static Check HugePages()
    {
        string enabled = Chosen("/sys/kernel/mm/transparent_hugepage/enabled");
        string shared = Chosen("/sys/kernel/mm/transparent_hugepage/shmem_enabled");
        return Check.Ok("huge pages", $"{enabled}; for shared memory: {shared}",
            enabled is "always" or "madvise" ? null : "Copies of many megabytes are somewhat slower without them.");
    }

    // The chosen one stands in brackets: always [madvise] never.
    private static string Chosen(string path)
    {
        string text = ProcFile.ReadText(path) ?? "";
        int from = text.IndexOf('[', StringComparison.Ordinal);
        int to = text.IndexOf(']', StringComparison.Ordinal);
        return from >= 0 && to > from ? text[(from + 1)..to] : "not there";
    }

    private static Check MapCount()
    {
        const int Usual = 65530;
        string text = ProcFile.ReadText("/proc/sys/vm/max_map_count")?.Trim() ?? "";
        return int.TryParse(text, out int count) && count < Usual
            ? Check.Warning("vm.max_map_count", text, $"Fewer than the usual {Usual:N0} mappings for each process; every queue handle takes some for each participant.", $"sysctl vm.max_map_count={Usual}")
            : Check.Ok("vm.max_map_count", text.Length > 0 ? text : "not shown");
    }

    private static Check MemLock()
    {
        string? line = ProcFile.ReadText("/proc/self/limits")?.Split('\n').FirstOrDefault(l => l.StartsWith("Max locked memory", StringComparison.Ordinal));
        string[] words = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];

        // "Max locked memory SOFT HARD bytes"; pages pinned by a pull do not count.
        return Check.Ok("memlock", words.Length > 3 ? (long.TryParse(words[3], out long bytes) ? Terminal.Sizes.Text(bytes) : words[3]) : "not shown");
    }
}
