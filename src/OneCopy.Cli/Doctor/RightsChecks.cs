using System.Globalization;
using OneCopy.Interop;
using OneCopy.Memory;

namespace OneCopy.Cli.Doctor;

/// <summary>What stands between one process and another one's memory: Yama, seccomp, namespaces, capabilities.</summary>
internal static class RightsChecks
{
    private const ulong SysPtrace = 1UL << 19;

    public static IEnumerable<Check> All()
    {
        Dictionary<string, string> status = Status();
        bool capable = ulong.TryParse(status.GetValueOrDefault("CapEff"), NumberStyles.HexNumber, null, out ulong effective) && (effective & SysPtrace) != 0;
        yield return Yama(capable);
        yield return Seccomp(status.GetValueOrDefault("Seccomp"));
        yield return Check.Ok("CAP_SYS_PTRACE", capable ? "held" : "not held", capable ? null : "Not needed between processes of the same user and group.");
        yield return Check.Ok("user", $"{Prctl.getuid()}{(Prctl.geteuid() == Prctl.getuid() ? "" : $", effective {Prctl.geteuid()}")}",
            "Queues copy straight between processes of one user; between users, through shared memory.");
        yield return Check.Ok("group", $"{Prctl.getegid()}", "Processes of the same user in different primary groups may not reach each other without CAP_SYS_PTRACE.");
        yield return Dumpable();
        yield return Check.Ok("user namespace", $"{Link("user")}{(UserNamespace.IsInitial ? ", the system's first" : "")}",
            "From a child namespace nothing outside can be reached; the process outside copies then.");
        yield return Check.Ok("pid namespace", Link("pid"), "Processes of different pid namespaces (containers) exchange messages through shared memory.");
    }

    private static Check Dumpable() => Prctl.prctl(Prctl.PR_GET_DUMPABLE).Value switch
    {
        1 => Check.Ok("dumpable", "yes"),
        nint value => Check.Warning("dumpable", $"no ({value})", "This process is not dumpable (it changed its user, or was told so), so others of its user may not reach its memory.",
            "Open its queues with QueueOptions.SetDumpable, or call prctl(PR_SET_DUMPABLE, 1) after it has dropped its rights."),
    };

    private static Check Yama(bool capable)
    {
        string? text = ProcFile.ReadText("/proc/sys/kernel/yama/ptrace_scope")?.Trim();
        return text switch
        {
            null => Check.Ok("Yama ptrace_scope", "not there"),
            "0" => Check.Ok("Yama ptrace_scope", "0"),
            "1" or "2" when capable => Check.Ok("Yama ptrace_scope", text, "CAP_SYS_PTRACE overrides it."),
            "1" => Check.Warning("Yama ptrace_scope", text, "A process may reach only its own descendants; others send large messages through shared memory.",
                "sysctl kernel.yama.ptrace_scope=0, or open the queues with QueueOptions.AllowPtracer."),
            _ => Check.Warning("Yama ptrace_scope", text, "No process may pull from another one; large messages go through shared memory.", "Set kernel.yama.ptrace_scope to 0 (after 3, at the next boot)."),
        };
    }

    private static Check Seccomp(string? mode) => mode switch
    {
        "0" => Check.Ok("seccomp", "none"),
        "1" => Check.Ok("seccomp", "strict"),
        "2" => Check.Ok("seccomp", "filter", "Whether it blocks what OneCopy needs is found out by the other checks."),
        _ => Check.Ok("seccomp", "not shown"),
    };

    private static Dictionary<string, string> Status() => (ProcFile.ReadText("/proc/self/status") ?? "").Split('\n')
        .Select(l => l.Split(':', 2)).Where(p => p.Length == 2).ToDictionary(p => p[0], p => p[1].Trim(), StringComparer.Ordinal);

    private static string Link(string name)
    {
        try
        {
            return new FileInfo($"/proc/self/ns/{name}").LinkTarget ?? "not shown";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "not shown";
        }
    }
}
