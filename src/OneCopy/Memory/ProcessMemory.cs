using OneCopy.Memory;

namespace OneCopy;

/// <summary>
/// The memory of another process (or of this one), read and written with process_vm_readv(2) and process_vm_writev(2): one
/// copy, straight from its pages into the caller's buffers.
/// </summary>
/// <remarks>
/// <para>
/// The rights needed are those of a debugger: ptrace(2), "Ptrace access mode checking", PTRACE_MODE_ATTACH_REALCREDS. A refusal
/// is a <see cref="ProcessAccessDeniedException"/> that says why; <see cref="CheckAccess(int)"/> asks beforehand.
/// </para>
/// <para>
/// The target is pinned by a pidfd. If it ends, everything here fails with ESRCH, also when its number was given to another
/// process: bytes read are handed on only after the target was seen alive behind the copy. (After a failure with ESRCH the
/// buffers may hold bytes all the same; they are nobody's.) A write checks before the call as well; between that check and the
/// call, some microseconds, the target would have to end, be waited for by its parent, and its number go round to a process
/// that this one may also write to. Where even that must not be, open with <see cref="TransferMethod.ProcMem"/>, which holds
/// the memory itself. An execve(2) in the target keeps the process and changes its memory: addresses learned before it mean
/// nothing after it.
/// </para>
/// <para>
/// A copy is not a snapshot: the target runs on, and words may change while they are copied. A transfer cannot be cancelled; it
/// waits for as long as a page fault in the target does (memory on a slow or hanging file system). Any number of threads may
/// use one object; <see cref="Dispose"/> waits for none of them.
/// </para>
/// </remarks>
public sealed partial class ProcessMemory : IDisposable
{
    private readonly PinnedProcess _target;
    private volatile TransferMethod _method;

    private ProcessMemory(PinnedProcess target, TransferMethod method)
    {
        _target = target;
        _method = method;
    }

    /// <summary>The target's number, in this process's pid namespace.</summary>
    public int ProcessId => _target.Pid;

    /// <summary>
    /// When the target began, in clock ticks since boot (field 22 of /proc/PID/stat, proc_pid_stat(5)); with
    /// <see cref="ProcessId"/> it names one process and no later one. 0 where /proc does not show the process.
    /// </summary>
    public long StartTime => _target.StartTime;

    /// <summary>Whether the target has ended; a zombie has.</summary>
    public bool HasExited => _target.HasExited;

    /// <summary>
    /// The way that bytes take. It changes to <see cref="TransferMethod.ProcMem"/> by itself when a seccomp filter blocks the
    /// calls.
    /// </summary>
    public TransferMethod Method => _method;

    /// <summary>Pins a process. Whether its memory may be touched is found out by the first transfer.</summary>
    /// <param name="pid">Its number in this process's pid namespace; this process's own is allowed.</param>
    /// <exception cref="OneCopyException">ESRCH: there is no such process, or it is a zombie. EINVAL or ENOENT: the number is a
    /// thread's. See pidfd_open(2).</exception>
    public static ProcessMemory Open(int pid) => Open(pid, ProcessVmProbe.IsBlocked(out _) ? TransferMethod.ProcMem : TransferMethod.ProcessVm);

    /// <summary>Pins a process, and chooses the way that bytes take.</summary>
    /// <param name="pid">Its number in this process's pid namespace.</param>
    /// <param name="method"><see cref="TransferMethod.ProcMem"/> is slower, and its writes cannot reach another process in any
    /// case.</param>
    /// <exception cref="OneCopyException">As for <see cref="Open(int)"/>.</exception>
    public static ProcessMemory Open(int pid, TransferMethod method)
    {
        if (method is not (TransferMethod.ProcessVm or TransferMethod.ProcMem))
            throw new ArgumentOutOfRangeException(nameof(method), method, "Not a way to transfer.");
        return new ProcessMemory(PinnedProcess.Open(pid), method);
    }

    /// <summary>Pins a process that was known before, and no other one that has its number by now.</summary>
    /// <param name="pid">Its number in this process's pid namespace.</param>
    /// <param name="startTime">Its <see cref="StartTime"/>, as it was learned then.</param>
    /// <exception cref="OneCopyException">ESRCH: that process has ended. Else as for <see cref="Open(int)"/>.</exception>
    public static ProcessMemory Open(int pid, long startTime)
    {
        ProcessMemory memory = Open(pid);
        if (memory.StartTime == startTime)
            return memory;
        memory.Dispose();
        throw PinnedProcess.Ended("pidfd_open", pid, startTime);
    }

    /// <summary>Lets go of the target; it is not affected.</summary>
    public void Dispose() => _target.Dispose();
}
