namespace OneCopy;

/// <summary>Why one process may not touch another's memory; the rules are in ptrace(2), "Ptrace access mode checking".</summary>
public enum AccessDenialReason
{
    /// <summary>It may.</summary>
    None,

    /// <summary>No process has this number in this process's pid namespace.</summary>
    NoSuchProcess,

    /// <summary>The process has ended, and only waits for its parent to ask for its exit code: its memory is gone.</summary>
    Zombie,

    /// <summary>A kernel thread, or a process in the middle of its exit: there is no memory to reach.</summary>
    NoMemory,

    /// <summary>This process's real user id is not the target's real, effective and saved one.</summary>
    OtherUser,

    /// <summary>This process's real group id is not the target's real, effective and saved one.</summary>
    OtherGroup,

    /// <summary>The target holds capabilities that this process does not.</summary>
    MoreCapabilities,

    /// <summary>The target is not dumpable: it changed its user, was started set-user-id, or asked for it with prctl(2).</summary>
    NotDumpable,

    /// <summary>The Yama security module: kernel.yama.ptrace_scope.</summary>
    Yama,

    /// <summary>A seccomp filter of this process blocks the call, and /proc/PID/mem is no way round it here.</summary>
    Seccomp,

    /// <summary>The target lives in a user namespace over which this process has no rights.</summary>
    UserNamespace,

    /// <summary>The target lives in another pid namespace, where it has another number.</summary>
    PidNamespace,

    /// <summary>None of the above was found: another security module (SELinux, AppArmor) or the kernel's lockdown.</summary>
    Unknown,
}

/// <summary>Whether this process may read and write another one's memory; if not, why, and what helps.</summary>
/// <param name="ProcessId">The target.</param>
/// <param name="Reason"><see cref="AccessDenialReason.None"/> if it may.</param>
/// <param name="Explanation">A sentence that says what is so.</param>
/// <param name="Remedy">A sentence that says what to do, or null if it may.</param>
/// <param name="Method">The way the bytes take, or would take.</param>
/// <param name="Errno">errno(3) of the transfer that was tried; 0 if it may.</param>
public sealed record ProcessAccess(
    int ProcessId,
    AccessDenialReason Reason,
    string Explanation,
    string? Remedy,
    TransferMethod Method,
    int Errno)
{
    /// <summary>Whether a real transfer was permitted.</summary>
    public bool IsAllowed => Reason == AccessDenialReason.None;

    /// <summary>The explanation, and the remedy if there is one.</summary>
    public override string ToString() => Remedy is null ? Explanation : $"{Explanation} {Remedy}";
}

/// <summary>This process may not touch the target's memory. The reason was worked out after the refusal.</summary>
public sealed class ProcessAccessDeniedException : OneCopyException
{
    internal ProcessAccessDeniedException(string call, ProcessAccess access)
        : base(call, access.Errno, $"process {access.ProcessId}", access.ToString())
    {
        Access = access;
    }

    /// <summary>What was found out.</summary>
    public ProcessAccess Access { get; }

    /// <summary>Why.</summary>
    public AccessDenialReason Reason => Access.Reason;

    /// <summary>A sentence that says what to do.</summary>
    public string Remedy => Access.Remedy ?? "";
}
