using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>Sentences for refusals: of this library's own rules, and of what other participants were refused.</summary>
internal static class RefusalText
{
    public static ProcessAccess OfRule(Participant peer, AccessDenialReason rule) => rule switch
    {
        AccessDenialReason.PidNamespace => new ProcessAccess(peer.Pid, rule,
            $"The process of participant {peer.Index} lives in another pid namespace, where it has the number {peer.Pid}; here that is nobody or somebody else.",
            "Start both in the same pid namespace (Docker: --pid container:NAME).", TransferMethod.ProcessVm, Errno.ESRCH),
        AccessDenialReason.NoSuchProcess => new ProcessAccess(peer.Pid, rule,
            $"{peer.Path} says that it belongs to this process, and it does not.", "Find out who wrote it; delete the queue.", TransferMethod.ProcessVm, Errno.ESRCH),
        _ => new ProcessAccess(peer.Pid, AccessDenialReason.OtherUser,
            $"Process {peer.Pid} runs as user {peer.Uid} (its file belongs to user {peer.FileUid}), this process as user {Prctl.geteuid()}. " +
            "Queues touch only memory of their own user's processes, even where the system would permit more.",
            "Run both as the same user.", TransferMethod.ProcessVm, Errno.EPERM),
    };

    /// <summary>In general, for those who cannot look from where it was refused.</summary>
    public static string Of(AccessDenialReason reason, CopyDirection direction) => reason switch
    {
        AccessDenialReason.OtherUser => "They run as different users. Run both as the same user.",
        AccessDenialReason.OtherGroup => "They run as different groups. Run both with the same primary group.",
        AccessDenialReason.MoreCapabilities => "The other process holds capabilities that this one lacks. Give both the same, or this one CAP_SYS_PTRACE.",
        AccessDenialReason.NotDumpable => "The other process is not dumpable. Open its queue with QueueOptions.SetDumpable, or call prctl(PR_SET_DUMPABLE, 1) there.",
        AccessDenialReason.Yama => "Yama forbids it (kernel.yama.ptrace_scope). Set it to 0, or open the other's queue with QueueOptions.AllowPtracer.",
        AccessDenialReason.Seccomp => $"A seccomp filter blocks {(direction == CopyDirection.Pull ? "process_vm_readv" : "process_vm_readv or process_vm_writev")} in this process. Allow both in its profile.",
        AccessDenialReason.UserNamespace => "The other process lives in a user namespace that is not below this one's. Start both in the same one.",
        AccessDenialReason.PidNamespace => "They live in different pid namespaces. Start both in the same one.",
        AccessDenialReason.NoSuchProcess or AccessDenialReason.Zombie or AccessDenialReason.NoMemory => "The other process was gone, or not the one that its file names.",
        _ => "A security module (SELinux, AppArmor) or the kernel's lockdown forbids it, most likely.",
    };
}
