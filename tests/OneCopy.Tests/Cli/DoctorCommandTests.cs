using System.Text.Json;
using Xunit;

namespace OneCopy.Tests.Cli;

public class DoctorCommandTests
{
    [Fact]
    public void EveryCheckHasAStatusAndWhatIsNotFineHasARemedy()
    {
        Tool run = Tool.Run("doctor", "--json");
        JsonElement[] checks = [.. JsonDocument.Parse(run.Output).RootElement.GetProperty("checks").EnumerateArray()];
        string[] names = [.. checks.Select(c => c.GetProperty("name").GetString()!)];
        Assert.Contains("kernel", names, StringComparer.Ordinal);
        Assert.Contains("/dev/shm", names, StringComparer.Ordinal);
        Assert.Contains("Yama ptrace_scope", names, StringComparer.Ordinal);
        Assert.Contains("seccomp", names, StringComparer.Ordinal);
        Assert.Equal(2, names.Count(n => n.StartsWith("pull", StringComparison.Ordinal)));
        Assert.Equal(2, names.Count(n => n.StartsWith("push", StringComparison.Ordinal)));
        foreach (JsonElement check in checks)
        {
            string status = check.GetProperty("status").GetString()!;
            Assert.Contains(status, (string[])["ok", "warning", "problem"], StringComparer.Ordinal);
            Assert.Equal(!string.Equals(status, "ok", StringComparison.Ordinal), check.TryGetProperty("remedy", out _));
        }

        bool problem = checks.Any(c => c.GetProperty("status").ValueEquals("problem"));
        Assert.Equal(problem ? 1 : 0, run.ExitCode);

        // Where this process may pull from a child, two children of one parent may, as long as Yama is not asked.
        Assert.All(checks.Where(c => c.GetProperty("name").GetString()![..4] is "pull" or "push"),
            c => Assert.False(c.GetProperty("status").ValueEquals("problem")));
    }

    /// <summary>The calls are denied to the doctor: each refusal by its name, with what helps.</summary>
    [Theory]
    [InlineData("EPERM", "a seccomp filter blocks the call")]
    [InlineData("ENOSYS", "CONFIG_CROSS_MEMORY_ATTACH")]
    public void ASeccompFilterIsNamed(string errno, string words)
    {
        using ChildProcess doctor = ChildProcess.Start("run-denied", errno, DotnetHost.Path, Path.Combine(AppContext.BaseDirectory, "OneCopy.Cli.dll"), "doctor", "--json");
        List<string> lines = [];
        while (lines.LastOrDefault() is not "}")
            lines.Add(doctor.ReadLine());
        JsonElement[] checks = [.. JsonDocument.Parse(string.Join('\n', lines)).RootElement.GetProperty("checks").EnumerateArray()];
        foreach (string call in (string[])["process_vm_readv", "process_vm_writev"])
        {
            JsonElement check = Assert.Single(checks, c => c.GetProperty("name").ValueEquals(call));
            Assert.Equal((errno, "warning"), (check.GetProperty("value").GetString(), check.GetProperty("status").GetString()));
            Assert.Contains(words, check.GetProperty("detail").GetString(), StringComparison.Ordinal);
            Assert.Contains("seccomp profile", check.GetProperty("remedy").GetString(), StringComparison.Ordinal);
        }
    }

    /// <summary>Measured once for a user and a machine, and anew when that is asked for; never where the call is denied.</summary>
    [Fact]
    public void The_attach_threshold_is_measured_and_kept()
    {
        using TestFolder caches = new();
        foreach ((string[] before, string[] arguments, string source) in new (string[], string[], string)[]
        {
            ([DotnetHost.Path, ChildProcess.TestProcessPath, "run-denied", "EPERM"], [], "default"),
            ([], [], "measured"),
            ([], [], "cache"),
            ([], ["--calibrate"], "measured"),
            (["env", "ONECOPY_ATTACH_THRESHOLD=12345"], [], "environment"),
        })
        {
            string command = string.Join(' ', [.. before, DotnetHost.Path, Path.Combine(AppContext.BaseDirectory, "OneCopy.Cli.dll"), "doctor", "--json", .. arguments]);
            string output = IO.CopyFolder.Run("env", "-u", "ONECOPY_ATTACH_THRESHOLD", $"XDG_CACHE_HOME={caches.Path}", "sh", "-c", $"{command} || true");
            JsonElement threshold = JsonDocument.Parse(output[output.IndexOf('{', StringComparison.Ordinal)..]).RootElement.GetProperty("attach_threshold");
            Assert.Equal(source, threshold.GetProperty("source").GetString());
            Assert.Equal(Path.Combine(caches.Path, "onecopy", "lane-costs"), threshold.GetProperty("file").GetString());
            long bytes = threshold.GetProperty("bytes").GetInt64();
            if (source is "default" or "environment")
                Assert.Equal(source is "default" ? 32768 : 12345, bytes);
            else
                Assert.InRange(bytes, 8192, 131072);
            if (source is "measured" or "cache")
                Assert.Equal(7, threshold.GetProperty("costs").GetArrayLength());
        }
    }

    /// <summary>A process that cannot be reached is named with the reason, whatever it is.</summary>
    [Theory]
    [InlineData("group=65534 user=65534 dumpable=1", "", "user of process", "but queues touch only memory of their own user's processes")]
    [InlineData("group=65534 user=65534", "setpriv --reuid=65534 --regid=65534 --clear-groups --", "process", "NotDumpable")]
    [InlineData("group=65533 user=65534 dumpable=1", "setpriv --reuid=65534 --regid=65534 --clear-groups --", "process", "OtherGroup")]
    [InlineData("", "setpriv --reuid=65534 --regid=65534 --clear-groups --", "process", "OtherUser")]
    [InlineData("", "setpriv --bounding-set=-sys_ptrace --inh-caps=-sys_ptrace --", "process", "MoreCapabilities")]
    [InlineData("", "unshare --user --map-root-user --", "process", "UserNamespace")]
    public void AProcessThatCannotBeReachedIsNamed(string steps, string behind, string name, string reason)
    {
        Requires.Root();
        string[] prefix = behind.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (prefix.Length > 0)
        {
            Requires.Program(prefix[0], prefix[1..]);
            Requires.CanRead(prefix, Path.Combine(AppContext.BaseDirectory, "OneCopy.Cli.dll"));
        }

        using ChildProcess held = ChildProcess.Start("hold", [.. steps.Split(' ', StringSplitOptions.RemoveEmptyEntries), "pages=w"]);
        held.ReadLine();
        AssertNamed(prefix, held.Pid, name, reason);
    }

    [Fact]
    public void AProcessOfAnotherPidNamespaceIsNamed()
    {
        Requires.Root();
        string[] inside = ["unshare", "--pid", "--fork", "--kill-child", "--"];
        Requires.Program(inside[0], inside[1..]);
        using ChildProcess held = ChildProcess.StartProgram(inside[0], [.. inside[1..], DotnetHost.Path, ChildProcess.TestProcessPath, "hold", "pages=w"]);
        held.ReadLine();
        int child = int.Parse(File.ReadAllText($"/proc/{held.Pid}/task/{held.Pid}/children").Trim());
        AssertNamed([], child, "pid namespace of process", "It lives in another pid namespace");
    }

    private static void AssertNamed(string[] behind, int pid, string name, string reason)
    {
        string[] command = [.. behind, DotnetHost.Path, Path.Combine(AppContext.BaseDirectory, "OneCopy.Cli.dll"), "doctor", "--json", "--pid", $"{pid}"];
        using ChildProcess doctor = ChildProcess.StartProgram(command[0], command[1..]);
        List<string> lines = [];
        while (lines.LastOrDefault() is not "}")
            lines.Add(doctor.ReadLine());
        JsonElement check = JsonDocument.Parse(string.Join('\n', lines)).RootElement.GetProperty("checks").EnumerateArray()
            .Single(c => c.GetProperty("name").ValueEquals($"{name} {pid}"));
        Assert.Equal("warning", check.GetProperty("status").GetString());
        Assert.Contains(reason, $"{check.GetProperty("value")} {check.GetProperty("detail")}", StringComparison.Ordinal);
        Assert.True(check.TryGetProperty("remedy", out _));
    }

    [Fact]
    public void ForPeopleItEndsWithASentence() => Assert.Contains("OneCopy", Tool.Succeeds("doctor").Output.TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
}
