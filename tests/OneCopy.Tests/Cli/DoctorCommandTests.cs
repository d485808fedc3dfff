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
        foreach (JsonElement check in checks)
        {
            string status = check.GetProperty("status").GetString()!;
            Assert.Contains(status, (string[])["ok", "warning", "problem"], StringComparer.Ordinal);
            Assert.Equal(!string.Equals(status, "ok", StringComparison.Ordinal), check.TryGetProperty("remedy", out _));
        }

        bool problem = checks.Any(c => c.GetProperty("status").ValueEquals("problem"));
        Assert.Equal(problem ? 1 : 0, run.ExitCode);

        // Where this process may pull from a child, two children of one parent may, as long as Yama is not asked.
        Assert.All(checks.Where(c => c.GetProperty("name").GetString()!.StartsWith("pull", StringComparison.Ordinal)),
            c => Assert.False(c.GetProperty("status").ValueEquals("problem")));
    }

    [Fact]
    public void ForPeopleItEndsWithASentence() => Assert.Contains("OneCopy", Tool.Succeeds("doctor").Output.TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
}
