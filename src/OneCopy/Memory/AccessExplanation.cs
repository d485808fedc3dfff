using OneCopy.Interop;

namespace OneCopy.Memory;

/// <summary>
/// Works out, after a transfer was refused, which of the kernel's rules refused it, in the order in which the kernel asks them
/// (__ptrace_may_access with PTRACE_MODE_ATTACH_REALCREDS, then the security modules). It explains; it never decides.
/// </summary>
internal static class AccessExplanation
{
    /// <summary>CAP_SYS_PTRACE of capabilities(7).</summary>
    private const ulong SysPtrace = 1UL << 19;

    /// <summary>The reason for <paramref name="errno"/>, which a transfer to or from <paramref name="pid"/> failed with just now.</summary>
    public static ProcessAccess Of(int pid, int errno, TransferMethod method, TransferDirection call = TransferDirection.Read)
    {
        ProcessStatus? target = ProcessStatus.Of(pid);
        (AccessDenialReason reason, string why, string remedy) = errno == Errno.ESRCH
            ? OfAbsence(pid, target)
            : OfRefusal(pid, errno, target, method, call);
        return new ProcessAccess(pid, reason, why, remedy, method, errno);
    }

    private static (AccessDenialReason, string, string) OfAbsence(int pid, ProcessStatus? target)
    {
        if (target is null)
        {
            return (AccessDenialReason.NoSuchProcess,
                $"There is no process {pid}: it has ended, or it lives in another pid namespace (container), where it has another number.",
                "Ask for the number that the process has here.");
        }
        if (target.IsZombie)
        {
            return (AccessDenialReason.Zombie,
                $"Process {pid} ({target.Name}) has ended and is a zombie: "
                    + $"its parent {target.ParentPid} has not yet asked for its exit code. Its memory is gone.",
                "There is nothing left to read.");
        }
        return (AccessDenialReason.NoMemory,
            $"Process {pid} ({target.Name}) has no memory of its own: a kernel thread, or a process that is just ending.",
            "There is nothing to read.");
    }

    private static (AccessDenialReason, string, string) OfRefusal(int pid, int errno, ProcessStatus? target, TransferMethod method, TransferDirection call)
    {
        // Where the call is blocked it says nothing about the target; where /proc/PID/mem was tried instead, the target's reasons come
        // first.
        if (method == TransferMethod.ProcessVm && OfBlockedCall(call) is (AccessDenialReason, string, string) blocked)
            return blocked;
        ProcessStatus? self = ProcessStatus.OfSelf();
        if (target is null || self is null)
        {
            return (AccessDenialReason.OtherUser,
                $"/proc does not show process {pid} (mounted with hidepid, most likely), so it runs as another user.",
                "Run this program as the target's user, or with CAP_SYS_PTRACE.");
        }
        return OfCredentials(pid, self, target) ?? OfSecurityModules(pid, self) ?? OfNamespaceAbove(pid, target) ?? OfBlockedCall(call) ?? (AccessDenialReason.Unknown,
            $"Process {pid} ({target.Name}) refuses ({Errno.NameOf(errno)}), though user, group, capabilities, dumpability "
                + "and Yama permit it: a security module (SELinux, AppArmor) or the kernel's lockdown.",
            "Look for a denial in the kernel's log (dmesg, ausearch -m avc).");
    }

    private static (AccessDenialReason, string, string)? OfBlockedCall(TransferDirection call) => ProcessVmProbe.IsBlocked(call, out int errno)
        ? (AccessDenialReason.Seccomp,
            $"This process may not even {(call == TransferDirection.Read ? "read its own memory with process_vm_readv" : "write its own memory with process_vm_writev")} ({Errno.NameOf(errno)}): "
                + "a seccomp filter (of a container, most likely) blocks the call, or the kernel was built without it.",
            "Allow process_vm_readv and process_vm_writev in the seccomp profile (Docker: --security-opt seccomp=…, or --cap-add SYS_PTRACE).")
        : null;

    private static (AccessDenialReason, string, string)? OfCredentials(int pid, ProcessStatus self, ProcessStatus target)
    {
        bool capable = (self.EffectiveCapabilities & SysPtrace) != 0;
        if (UserNamespace.Differs(pid) is true)
            return OfOtherNamespace(pid, target);
        if (!capable && !target.Users.AllAre(self.Users.Real))
        {
            return (AccessDenialReason.OtherUser,
                $"Process {pid} ({target.Name}) runs as user {UserName.Of(target.Users)}, this process as user {UserName.Of(self.Users.Real)}.",
                "Run both as the same user, or give this program CAP_SYS_PTRACE (setcap cap_sys_ptrace+ep, or --cap-add SYS_PTRACE).");
        }
        if (!capable && !target.Groups.AllAre(self.Groups.Real))
        {
            return (AccessDenialReason.OtherGroup,
                $"Process {pid} ({target.Name}) runs as group {target.Groups}, this process as group {self.Groups.Real}: the same user is not enough.",
                "Run both with the same primary group, or give this program CAP_SYS_PTRACE.");
        }
        if (!capable && (target.PermittedCapabilities & ~self.PermittedCapabilities) is not 0 and ulong more)
        {
            return (AccessDenialReason.MoreCapabilities,
                $"Process {pid} ({target.Name}) holds capabilities that this process lacks (mask {more:x}).",
                "Give this program the same capabilities or CAP_SYS_PTRACE, or take them from the target.");
        }
        if (!capable && IsNotDumpable(pid, target))
        {
            return (AccessDenialReason.NotDumpable,
                $"Process {pid} ({target.Name}) is not dumpable: it changed its user after its start, or was started set-user-id, or asked for it.",
                "Call prctl(PR_SET_DUMPABLE, 1) in the target after it has dropped its rights, or give this program CAP_SYS_PTRACE.");
        }
        return null;
    }

    /// <summary>
    /// A namespace above one's own does not show itself: the link to it is refused with the rest. In a namespace that is not the
    /// system's first one, with everything else permitted, it is the likeliest reason; with CAP_SYS_PTRACE, which reaches
    /// everything not above, nearly the only one.
    /// </summary>
    private static (AccessDenialReason, string, string)? OfNamespaceAbove(int pid, ProcessStatus target) =>
        !UserNamespace.IsInitial && UserNamespace.Differs(pid) is null ? OfOtherNamespace(pid, target) : null;

    private static (AccessDenialReason, string, string) OfOtherNamespace(int pid, ProcessStatus target) => (AccessDenialReason.UserNamespace,
        $"Process {pid} ({target.Name}) lives in another user namespace, and rights reach only down into the namespaces below one's own.",
        "Let the process outside the namespace do the transfer (it may reach in), or start both in the same one.");

    private static (AccessDenialReason, string, string)? OfSecurityModules(int pid, ProcessStatus self)
    {
        // Absent in a kernel without Yama, and in containers that hide it.
        if (!int.TryParse(ProcFile.ReadText("/proc/sys/kernel/yama/ptrace_scope"), out int scope))
            return null;
        bool capable = (self.EffectiveCapabilities & SysPtrace) != 0;
        return scope switch
        {
            1 when !capable && !IsDescendant(pid) => (AccessDenialReason.Yama,
                $"Yama (kernel.yama.ptrace_scope = 1) lets a process reach only its own descendants, and process {pid} is none of this one's.",
                "Call prctl(PR_SET_PTRACER, …) in the target to permit this process or one above it, or set kernel.yama.ptrace_scope = 0."),
            2 when !capable => (AccessDenialReason.Yama,
                "Yama (kernel.yama.ptrace_scope = 2) asks for CAP_SYS_PTRACE.",
                "Give this program CAP_SYS_PTRACE, or set kernel.yama.ptrace_scope to 1 or 0."),
            3 => (AccessDenialReason.Yama,
                "Yama (kernel.yama.ptrace_scope = 3) permits it to nobody until the next boot.",
                "Start the system with kernel.yama.ptrace_scope below 3."),
            _ => null,
        };
    }

    /// <summary>
    /// A process that is not dumpable has its files in /proc owned by root (of its namespace) in place of its effective user
    /// (task_dump_owner). The directory itself is exempt, so a file is asked. For a process of root this shows nothing.
    /// </summary>
    private static bool IsNotDumpable(int pid, ProcessStatus target) =>
        Stat.Of($"/proc/{pid}/status", out statx status).Succeeded && status.stx_uid != target.Users.Effective;

    private static bool IsDescendant(int pid)
    {
        // Bounded, since the tree may change under the walk.
        for (int depth = 0; pid > 1 && depth < 1_000; depth++)
        {
            if (pid == Environment.ProcessId)
                return true;
            pid = ProcessStatus.Of(pid)?.ParentPid ?? 0;
        }
        return false;
    }
}
