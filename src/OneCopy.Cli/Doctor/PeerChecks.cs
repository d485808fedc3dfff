using OneCopy.Interop;
using OneCopy.Memory;
using OneCopy.Messaging;

namespace OneCopy.Cli.Doctor;

/// <summary>Whether queues of this user, started as the doctor was, could copy straight out of and into one process's memory, and why not.</summary>
internal static class PeerChecks
{
    public static IEnumerable<Check> Of(int pid)
    {
        string name = $"process {pid}";
        ProcessAccess access = ProcessMemory.CheckAccess(pid);
        if (access.IsAllowed && access.Method == TransferMethod.ProcMem)
            access = AccessExplanation.Of(pid, Errno.EPERM, TransferMethod.ProcessVm);
        yield return access.IsAllowed
            ? Check.Ok(name, "may be read and written", "A byte was read.")
            : Refused(name, access);
        if (access.IsAllowed && !ProcessIdentity.RunsAs(pid, Prctl.geteuid()))
        {
            yield return Check.Warning($"user of process {pid}", UserName.Of(ProcessStatus.Of(pid)?.Users ?? default),
                $"The system permits it, but queues touch only memory of their own user's processes, and this one is {UserName.Of(Prctl.geteuid())}'s; large messages go through shared memory.",
                "Run both as the same user.");
        }

        if (Stat.Of($"/proc/{pid}/ns/pid", out statx theirs).Succeeded && theirs.stx_ino != ProcessIdentity.PidNamespace)
        {
            yield return Check.Warning($"pid namespace of process {pid}", $"{theirs.stx_ino}",
                "It lives in another pid namespace, where processes have other numbers; large messages go through shared memory.",
                "Start both in the same pid namespace (Docker: --pid container:NAME).");
        }
    }

    private static Check Refused(string name, ProcessAccess access) => Check.Warning(name, $"refused ({Errno.NameOf(access.Errno)}, {access.Reason})",
        $"{access.Explanation} If the other process may reach this one, it copies; otherwise large messages go through shared memory, with two copies.",
        access.Remedy ?? "See the explanation.");
}
