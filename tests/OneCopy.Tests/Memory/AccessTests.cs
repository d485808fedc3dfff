using OneCopy.TestProcess;
using Xunit;

namespace OneCopy.Tests.Memory;

/// <summary>Who may touch whom. The processes that are refused are children of other users, so these tests need root.</summary>
public class AccessTests
{
    private const string Nobody = "user=65534";
    private const string NoGroup = "group=65534";

    [Fact]
    public void APermittedProcessIsReadAndTheCheckSaysSo()
    {
        using HeldMemory held = HeldMemory.Pages("w");
        ProcessAccess access = ProcessMemory.CheckAccess(held.Pid);
        Assert.True(access.IsAllowed, access.ToString());
        Assert.Equal((AccessDenialReason.None, 0, TransferMethod.ProcessVm), (access.Reason, access.Errno, access.Method));
        Assert.Null(access.Remedy);
        Assert.Contains("a byte was read", access.Explanation, StringComparison.Ordinal);
    }

    [Fact]
    public void AProcessOfAnotherUserIsRefusedInWords()
    {
        Requires.Root();
        using HeldMemory held = HeldMemory.Pages("w");
        TouchReport report = held.Touch("read", 100, NoGroup, Nobody);
        Assert.Equal(("EPERM", "OtherUser"), (report.Error, report.Reason));
        Assert.Contains($"Process {held.Pid} (", report.Message, StringComparison.Ordinal);
        Assert.Contains("runs as user 0 (root), this process as user 65534 (nobody)", report.Message, StringComparison.Ordinal);
        Assert.Contains("Run both as the same user", report.Message, StringComparison.Ordinal);
        Assert.Contains("process_vm_readv on process", report.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheSameUserInAnotherGroupIsRefused()
    {
        Requires.Root();
        using HeldMemory held = HeldMemory.Pages("w", "group=65533", Nobody, "dumpable=1");
        TouchReport report = held.Touch("read", 100, NoGroup, Nobody);
        Assert.Equal(("EPERM", "OtherGroup"), (report.Error, report.Reason));
        Assert.Contains("group 65533, this process as group 65534", report.Message, StringComparison.Ordinal);
    }

    /// <summary>A daemon that has dropped its rights is not dumpable, though it now runs as the same user.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("dumpable=0")]
    public void ATargetThatIsNotDumpableIsRefused(string dumpable)
    {
        Requires.Root();
        using HeldMemory held = HeldMemory.Pages("w", dumpable.Length == 0 ? [NoGroup, Nobody] : [NoGroup, Nobody, dumpable]);
        TouchReport report = held.Touch("read", 100, NoGroup, Nobody);
        Assert.Equal(("EPERM", "NotDumpable"), (report.Error, report.Reason));
        Assert.Contains("is not dumpable", report.Message, StringComparison.Ordinal);
        Assert.Contains("PR_SET_DUMPABLE", report.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheRemedyForItHelps()
    {
        Requires.Root();
        Requires.NoYama();
        using HeldMemory held = HeldMemory.Pages("w", NoGroup, Nobody, "dumpable=1");
        TouchReport report = held.Touch("read", 100, NoGroup, Nobody);
        Assert.Equal((null, "None", 100L, true), (report.Message, report.Reason, report.Bytes, report.PatternMatches));
    }

    [Theory]
    [InlineData("EPERM")]
    [InlineData("ENOSYS")]
    public void ABlockedCallFallsBackToTheFile(string errno)
    {
        Requires.NoYama();
        using HeldMemory held = HeldMemory.Pages("wwrn");
        TouchReport read = held.Touch("read", 4 * HeldMemory.Page, $"seccomp={errno}");
        Assert.Equal((null, "ProcMem", 3 * (long)HeldMemory.Page, true), (read.Message, read.Method, read.Bytes, read.PatternMatches));
        Assert.Equal(("Remote", 3 * (long)HeldMemory.Page, "None"), (read.Fault, read.FaultOffset, read.Reason));

        TouchReport written = held.Touch("write", 4 * HeldMemory.Page, $"seccomp={errno}");
        Assert.Equal((null, "ProcMem", 2 * (long)HeldMemory.Page), (written.Message, written.Method, written.Bytes));
        Assert.Equal(("Remote", 2 * (long)HeldMemory.Page), (written.Fault, written.FaultOffset));
        using ProcessMemory memory = ProcessMemory.Open(held.Pid);
        Assert.Equal((byte)~MemoryModes.PatternAt(0), memory.Read<byte>(held.Address));
        Assert.Equal(MemoryModes.PatternAt(2 * (long)HeldMemory.Page), memory.Read<byte>(held.Address + (2 * HeldMemory.Page)));
    }

    /// <summary>The file asks for the same rights, so that a blocked call does not hide the target's own reason.</summary>
    [Fact]
    public void ABlockedCallAndAnotherUserIsTheOtherUsersReason()
    {
        Requires.Root();
        using HeldMemory held = HeldMemory.Pages("w");
        TouchReport report = held.Touch("read", 100, "seccomp=EPERM", NoGroup, Nobody);
        Assert.Equal(("EACCES", "OtherUser"), (report.Error, report.Reason));
    }

    /// <summary>Root without CAP_SYS_PTRACE, as in a container, may not touch root with it: setpriv does what a container would.</summary>
    [Fact]
    public void ATargetWithMoreCapabilitiesIsRefused()
    {
        Requires.Root();
        string[] prefix = ["--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace", "--"];
        Requires.Program("setpriv", prefix);
        using HeldMemory held = HeldMemory.Pages("w");
        TouchReport report = held.TouchThrough(["setpriv", .. prefix], "read", HeldMemory.Page);
        Assert.Equal(("EPERM", "MoreCapabilities"), (report.Error, report.Reason));
        Assert.Contains("cap_sys_ptrace", report.Message, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>A process in a user namespace below may not reach up; the other way is permitted.</summary>
    [Fact]
    public void AUserNamespaceIsReachedFromOutsideOnly()
    {
        Requires.Root();
        string[] prefix = ["--user", "--map-root-user", "--"];
        Requires.Program("unshare", prefix);
        using HeldMemory outside = HeldMemory.Pages("w");
        TouchReport report = outside.TouchThrough(["unshare", .. prefix], "read", HeldMemory.Page);
        Assert.Equal(("EPERM", "UserNamespace"), (report.Error, report.Reason));
        Assert.Contains("lives in another user namespace", report.Message, StringComparison.Ordinal);

        using HeldMemory inside = HeldMemory.PagesThrough(["unshare", .. prefix], "w");
        Assert.True(ProcessMemory.CheckAccess(inside.Pid).IsAllowed);
    }
}
