using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>sched_getcpu(3), sched_getaffinity(2), sched_setaffinity(2).</summary>
internal static unsafe partial class Sched
{
    /// <summary>The processor that this thread is on now; -1 where that cannot be told. Answered without a system call, so too short to tell the runtime of it.</summary>
    [LibraryImport("libc")]
    [SuppressGCTransition]
    public static partial int sched_getcpu();

    [LibraryImport("libc", EntryPoint = "sched_getaffinity", SetLastError = true)]
    private static partial int sys_sched_getaffinity(int thread, nuint size, ulong* mask);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity", SetLastError = true)]
    private static partial int sys_sched_setaffinity(int thread, nuint size, ulong* mask);

    /// <param name="thread">0: the one that calls.</param>
    /// <param name="mask">A bit for each processor; as long as the kernel's own at least.</param>
    public static SysResult sched_getaffinity(int thread, Span<ulong> mask)
    {
        fixed (ulong* m = mask)
            return SysResult.From(sys_sched_getaffinity(thread, (nuint)mask.Length * sizeof(ulong), m));
    }

    /// <inheritdoc cref="sched_getaffinity"/>
    public static SysResult sched_setaffinity(int thread, ReadOnlySpan<ulong> mask)
    {
        fixed (ulong* m = mask)
            return SysResult.From(sys_sched_setaffinity(thread, (nuint)mask.Length * sizeof(ulong), m));
    }
}
