using System.Diagnostics;
using System.Text.Json;
using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy.TestProcess;

/// <summary>
/// Processes that hold memory, and processes that touch another's. Both first take the steps that they are given:
/// <c>member=ID</c> (the one supplementary group, before user), <c>user=ID</c>, <c>group=ID</c>, <c>dumpable=0|1</c>, <c>seccomp=ERRNO[:read|:write|:affinity]</c>.
/// </summary>
internal static class MemoryModes
{
    public static void AddTo(Dictionary<string, Func<string[], int>> modes)
    {
        modes.Add("hold", Hold);
        modes.Add("touch", Touch);
        modes.Add("run-denied", RunDenied);
        modes.Add("leave-processor", LeaveProcessor);
    }

    /// <summary>The byte at an offset of held memory: no two pages are alike.</summary>
    public static byte PatternAt(long offset) => (byte)((offset * 31) + (offset >> 12) + 7);

    /// <summary>
    /// <c>hold STEP… pages=LAYOUT | reserve=BYTES</c>: prints the address, waits for the end of standard input. A layout has a
    /// letter for each page: w writable, r only readable, n without permission (all with the pattern), - not mapped. reserve: zeros
    /// that were never touched.
    /// </summary>
    private static int Hold(string[] args)
    {
        string[] rest = TakeSteps(args);
        string[] what = rest[0].Split('=');
        nint address = what[0] is "reserve" ? Reserve(nuint.Parse(what[1])) : MapPages(what[1]);
        Console.WriteLine(address);
        while (Console.ReadLine() is not null)
            continue;
        return 0;
    }

    /// <summary>
    /// <c>touch STEP… read|write PID ADDRESS LENGTH</c>: does it, and prints the outcome as one line of JSON. Write: the complement
    /// of the pattern.
    /// </summary>
    private static int Touch(string[] args)
    {
        string[] rest = TakeSteps(args);
        int pid = int.Parse(rest[1]);
        nuint address = nuint.Parse(rest[2]);
        byte[] bytes = new byte[int.Parse(rest[3])];
        TouchReport report = new();
        try
        {
            using ProcessMemory memory = ProcessMemory.Open(pid);
            for (int i = 0; rest[0] is "write" && i < bytes.Length; i++)
                bytes[i] = (byte)~PatternAt(i);
            TransferResult result = rest[0] is "write" ? memory.WritePartial(address, bytes) : memory.ReadPartial(address, bytes);
            report.Method = memory.Method.ToString();
            report.Bytes = result.Bytes;
            report.Fault = result.Fault.ToString();
            report.FaultOffset = result.FaultAddress is nuint at ? (long)(at - address) : -1;
            report.PatternMatches = bytes.AsSpan(0, (int)result.Bytes).ToArray().Select((b, i) => b == PatternAt(i)).All(same => same);
        }
        catch (OneCopyException e)
        {
            report.Error = e.ErrnoName;
            report.Message = e.Message;
        }
        ProcessAccess access = ProcessMemory.CheckAccess(pid);
        report.Reason = access.Reason.ToString();
        report.Access = access.ToString();
        Console.WriteLine(JsonSerializer.Serialize(report));
        return 0;
    }

    /// <summary><c>run-denied ERRNO PROGRAM ARGUMENT…</c>: another program, which inherits a seccomp filter against process_vm_*.</summary>
    private static int RunDenied(string[] args)
    {
        TakeSteps([$"seccomp={args[0]}"]);
        using Process program = Process.Start(new ProcessStartInfo(args[1], args[2..]))!;
        program.WaitForExit();
        return program.ExitCode;
    }

    /// <summary><c>leave-processor STEP…</c>: whether it could.</summary>
    private static int LeaveProcessor(string[] args)
    {
        TakeSteps(args);
        Console.WriteLine(ThreadMigration.TryLeaveProcessor());
        return 0;
    }

    internal static string[] TakeSteps(string[] args)
    {
        uint? member = null;
        int i = 0;
        for (; i < args.Length; i++)
        {
            string[] step = args[i].Split('=');
            switch (step[0])
            {
                case "user":
                    (member is { } id ? Credentials.setgroups(id) : Credentials.setgroups()).OrThrow("setgroups");
                    Credentials.setresuid(uint.Parse(step[1]), uint.Parse(step[1]), uint.Parse(step[1])).OrThrow("setresuid");
                    break;
                case "member":
                    member = uint.Parse(step[1]);
                    break;
                case "group":
                    Credentials.setresgid(uint.Parse(step[1]), uint.Parse(step[1]), uint.Parse(step[1])).OrThrow("setresgid");
                    break;
                case "dumpable":
                    Prctl.prctl(Prctl.PR_SET_DUMPABLE, int.Parse(step[1])).OrThrow("prctl");
                    break;
                case "seccomp":
                    string[] filter = step[1].Split(':');
                    nint[] calls = filter.Length == 1 ? [Syscall.SYS_process_vm_readv, Syscall.SYS_process_vm_writev]
                        : [filter[1] switch { "read" => Syscall.SYS_process_vm_readv, "write" => Syscall.SYS_process_vm_writev, _ => Syscall.SYS_sched_setaffinity }];
                    Seccomp.Deny(filter[0] is "ENOSYS" ? Errno.ENOSYS : Errno.EPERM, calls).OrThrow("seccomp");
                    break;
                default:
                    return args[i..];
            }
        }
        return [];
    }

    /// <summary>
    /// Far below where the kernel puts mappings by itself (from the top down): a page that is taken away again stays away, and is
    /// not the first that fits the runtime's next mapping.
    /// </summary>
    private const long FarBelow = 0x10_0000_0000;

    private static nint Reserve(nuint length, nint hint = 0) =>
        Mman.mmap(hint, length, Prot.Read | Prot.Write, Map.Private | Map.Anonymous | Map.NoReserve, -1, 0).OrThrow("mmap");

    private static unsafe nint MapPages(string layout)
    {
        int page = Environment.SystemPageSize;

        // A page more on each side, taken away again: what is outside the layout is not mapped.
        nint start = Reserve((nuint)((layout.Length + 2) * page), unchecked((nint)FarBelow)) + page;
        for (long i = 0; i < (long)layout.Length * page; i++)
            ((byte*)start)[i] = PatternAt(i);
        string all = $"-{layout}-";
        for (int i = 0; i < all.Length; i++)
        {
            nint address = start + ((i - 1) * page);
            _ = all[i] switch
            {
                '-' => Mman.munmap(address, (nuint)page).OrThrow("munmap"),
                'n' => Mman.mprotect(address, (nuint)page, Prot.None).OrThrow("mprotect"),
                'r' => Mman.mprotect(address, (nuint)page, Prot.Read).OrThrow("mprotect"),
                _ => 0,
            };
        }
        return start;
    }
}

/// <summary>What a process that touched another one's memory has to say.</summary>
internal sealed class TouchReport
{
    public string? Method { get; set; }

    public long Bytes { get; set; }

    public string? Fault { get; set; }

    /// <summary>Bytes from the address asked for to the one that failed; -1 without a fault.</summary>
    public long FaultOffset { get; set; } = -1;

    public bool PatternMatches { get; set; }

    public string? Error { get; set; }

    public string? Message { get; set; }

    /// <summary>The reason that the access check gives.</summary>
    public string? Reason { get; set; }

    public string? Access { get; set; }
}
