using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;
using Xunit;

namespace OneCopy.Tests.Memory;

public class EndedProcessTests
{
    private static readonly byte[] s_buffer = new byte[10];

    [Fact]
    public void AProcessThatNeverWasIsAnError()
    {
        int unused = UnusedPid();
        OneCopyException e = Assert.Throws<OneCopyException>(() => ProcessMemory.Open(unused));
        Assert.Equal("ESRCH", e.ErrnoName);
        Assert.Contains($"There is no process {unused}", e.Message, StringComparison.Ordinal);
        Assert.Equal(AccessDenialReason.NoSuchProcess, ProcessMemory.CheckAccess(unused).Reason);
    }

    [Fact]
    public void AProcessThatEndsAfterItWasOpenedIsAnError()
    {
        using HeldMemory held = HeldMemory.Pages("w");
        using ProcessMemory memory = ProcessMemory.Open(held.Pid);
        memory.Read(held.Address, s_buffer);
        held.Process.Kill();
        Assert.True(memory.HasExited);
        foreach (Action touch in new Action[]
        {
            () => memory.Read(held.Address, s_buffer),
            () => memory.Write(held.Address, s_buffer),
            () => memory.TryRead(held.Address, s_buffer, out _),
            () => memory.Read([], Array.Empty<Memory<byte>>()),
            () => memory.Regions(),
        })
        {
            OneCopyException e = Assert.Throws<OneCopyException>(touch);
            Assert.Equal("ESRCH", e.ErrnoName);
            Assert.Contains($"There is no process {held.Pid}", e.Message, StringComparison.Ordinal);
        }
        Assert.Equal(AccessDenialReason.NoSuchProcess, memory.CheckAccess().Reason);
    }

    [Fact]
    public void ANumberOfAThreadIsAnError()
    {
        int thread = Directory.EnumerateDirectories("/proc/self/task").Select(t => int.Parse(Path.GetFileName(t))).First(t => t != Environment.ProcessId);
        OneCopyException e = Assert.Throws<OneCopyException>(() => ProcessMemory.Open(thread));
        Assert.Contains("The number is a thread's", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AZombieIsAnErrorInWords()
    {
        using ChildProcess parent = StartParentOfSleeper(out int zombie);
        Kill(zombie);
        Eventually.True(() => File.ReadAllText($"/proc/{zombie}/stat").Contains(") Z ", StringComparison.Ordinal), "the killed process is a zombie");

        OneCopyException e = Assert.Throws<OneCopyException>(() => ProcessMemory.Open(zombie));
        Assert.Equal("ESRCH", e.ErrnoName);
        Assert.Contains($"Process {zombie} (sleep) has ended and is a zombie: its parent {parent.Pid}", e.Message, StringComparison.Ordinal);
        ProcessAccess access = ProcessMemory.CheckAccess(zombie);
        Assert.Equal(AccessDenialReason.Zombie, access.Reason);
        Assert.Contains("Its memory is gone", access.Explanation, StringComparison.Ordinal);
    }

    [Fact]
    public void AProcessThatBecomesAZombieWhileItIsOpenIsAnError()
    {
        using ChildProcess parent = StartParentOfSleeper(out int child);
        using ProcessMemory memory = ProcessMemory.Open(child);
        Kill(child);
        Eventually.True(() => memory.HasExited, "the killed process has ended");
        OneCopyException e = Assert.Throws<OneCopyException>(() => memory.Read(4096, s_buffer));
        Assert.Contains("is a zombie", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AStartTimeThatIsNotItsOwnIsAnError()
    {
        using HeldMemory held = HeldMemory.Pages("w");
        using ProcessMemory memory = ProcessMemory.Open(held.Pid);
        Assert.NotEqual(0, memory.StartTime);
        using ProcessMemory again = ProcessMemory.Open(held.Pid, memory.StartTime);
        OneCopyException e = Assert.Throws<OneCopyException>(() => ProcessMemory.Open(held.Pid, memory.StartTime - 1));
        Assert.Equal("ESRCH", e.ErrnoName);
        Assert.Contains("its number now belongs to another one", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(TransferMethod.ProcessVm)]
    [InlineData(TransferMethod.ProcMem)]
    public void AReusedNumberIsNeverAStrangersMemory(TransferMethod method)
    {
        using HeldMemory held = HeldMemory.Pages("w");
        using ProcessMemory memory = ProcessMemory.Open(held.Pid, method);
        memory.Read(held.Address, s_buffer);
        held.Process.Kill();
        using ChildProcess stranger = StartWithPid(held.Pid);

        // The number works again, and the stranger may be touched; but not through what was opened for the first one.
        using ProcessMemory other = ProcessMemory.Open(held.Pid);
        nuint mapped = other.Regions().First(r => r.Protection.HasFlag(MemoryProtection.Read | MemoryProtection.Write)).Start;
        byte[] before = new byte[10];
        other.Read(mapped, before);

        Assert.True(memory.HasExited);
        OneCopyException read = Assert.Throws<OneCopyException>(() => memory.Read(mapped, s_buffer));
        OneCopyException write = Assert.Throws<OneCopyException>(() => memory.Write(mapped, "overwritten"u8));
        Assert.Throws<OneCopyException>(() => memory.Regions());
        foreach (OneCopyException e in new[] { read, write })
        {
            Assert.Equal("ESRCH", e.ErrnoName);
            Assert.Contains("has ended, and its number now belongs to another one (", e.Message, StringComparison.Ordinal);
        }
        byte[] after = new byte[10];
        other.Read(mapped, after);
        Assert.Equal(before, after);
        Assert.Throws<OneCopyException>(() => ProcessMemory.Open(held.Pid, memory.StartTime));
        stranger.Finish();
    }

    /// <summary>The shell starts a child and becomes, by exec, a program that never asks for its exit code.</summary>
    private static ChildProcess StartParentOfSleeper(out int sleeper)
    {
        ChildProcess parent = ChildProcess.StartProgram("sh", "-c", "sleep 100 >&2 & echo $!; exec cat");
        sleeper = int.Parse(parent.ReadLine());
        int child = sleeper;
        Eventually.True(() => File.ReadAllText($"/proc/{parent.Pid}/comm") is "cat\n", "the shell has become cat");
        Eventually.True(() => File.ReadAllText($"/proc/{child}/comm") is "sleep\n", "the shell's child has become sleep");
        return parent;
    }

    private static void Kill(int pid)
    {
        using System.Diagnostics.Process process = System.Diagnostics.Process.GetProcessById(pid);
        process.Kill();
    }

    /// <summary>A number that the kernel gives to nobody: above pid_max.</summary>
    private static int UnusedPid() => int.Parse(File.ReadAllText("/proc/sys/kernel/pid_max")) + 1;

    /// <summary>
    /// Starts a process that gets a number that was used before: the kernel goes on from ns_last_pid. Others on the machine start
    /// processes too, so it may take some attempts.
    /// </summary>
    private static ChildProcess StartWithPid(int pid)
    {
        const string LastPid = "/proc/sys/kernel/ns_last_pid";
        if (Prctl.geteuid() != 0 || Fcntl.open(LastPid, OpenFlags.O_WRONLY) is not { Succeeded: true } opened)
        {
            Assert.Skip($"Needs to write {LastPid} (root), to make the kernel use a number again.");
            return null!;
        }
        using SafeFileHandle close = new(opened.Value, ownsHandle: true);
        string script = $$"""
            for i in $(seq 1000); do
              echo {{pid - 1}} > {{LastPid}} || exit 3
              sleep 100 >&2 &
              if [ $! = {{pid}} ]; then echo again; read line; kill $!; exit 0; fi
              kill $!; wait $! 2>/dev/null
            done
            exit 4
            """;
        ChildProcess shell = ChildProcess.StartProgram("sh", "-c", script);
        Assert.Equal("again", shell.ReadLine());

        // The shell goes on before its child has become another program; then the memory changes no more.
        Eventually.True(() => File.ReadAllText($"/proc/{pid}/stat").Contains("(sleep) S ", StringComparison.Ordinal), "the new process sleeps");
        return shell;
    }
}
