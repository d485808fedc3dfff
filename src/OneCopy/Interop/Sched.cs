using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>sched_getcpu(3).</summary>
internal static partial class Sched
{
    /// <summary>The processor that this thread is on now; -1 where that cannot be told. Answered without a system call, so too short to tell the runtime of it.</summary>
    [LibraryImport("libc")]
    [SuppressGCTransition]
    public static partial int sched_getcpu();
}
