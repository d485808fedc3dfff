using System.Text.Json;
using Xunit;

namespace OneCopy.Tests.Cli;

public class DemoCommandTests
{
    [Fact]
    public void EveryFileArrivesOnceAndTheLanesAddUp()
    {
        using CliRoot root = new();
        long bytes = 0;
        int[] sizes = [0, 1, 300, 5_000, 32 * 1024 - 1, 32 * 1024, 100_000, 3_000_000];
        foreach (int size in sizes)
            root.Make($"in/d{size % 3}/f{size}", size);
        bytes = sizes.Sum(s => (long)s);
        JsonElement report = JsonDocument.Parse(Tool.Succeeds(
            "demo", "--input", root.PathOf("in"), "--producers", "3", "--consumers", "2", "--rounds", "2", "--json").Output).RootElement;
        Assert.Equal((sizes.Length, bytes), (report.GetProperty("messages").GetInt32(), report.GetProperty("bytes").GetInt64()));
        Assert.Equal((0, 0), (report.GetProperty("mismatches").GetInt32(), report.GetProperty("lost").GetInt32()));
        Assert.True(report.GetProperty("seconds").GetDouble() > 0);
        Assert.True(report.GetProperty("gigabytes_per_second").GetDouble() > 0);
        Assert.True(report.GetProperty("pipe_gigabytes_per_second").GetDouble() > 0);
        JsonElement lanes = report.GetProperty("lanes");
        Assert.Equal((3, 301L), Lane(lanes, "inline"));
        Assert.Equal((2, 5_000L + 32 * 1024 - 1), Lane(lanes, "arena"));
        Assert.Equal((3, 32 * 1024 + 3_100_000L), Lane(lanes, "attached"));
        Assert.Empty(Directory.EnumerateFileSystemEntries("/dev/shm", $"onecopy-demo-{report.GetProperty("process_id").GetInt32()}-*"));
    }

    [Fact]
    public void WhereTheCallsAreDeniedEverythingGoesThroughSharedMemoryAndItSaysWhy()
    {
        using CliRoot root = new();
        root.Make("in/one", 3_000_000);
        root.Make("in/two", 100_000);
        using ChildProcess demo = ChildProcess.Start("run-denied", "EPERM", DotnetHost.Path, Path.Combine(AppContext.BaseDirectory, "OneCopy.Cli.dll"),
            "demo", "--input", root.PathOf("in"), "--producers", "1", "--consumers", "1", "--rounds", "1", "--json");
        List<string> lines = [];
        while (lines.LastOrDefault() is not "}")
            lines.Add(demo.ReadLine());
        Assert.Equal(0, demo.WaitForExit());
        JsonElement report = JsonDocument.Parse(string.Join('\n', lines)).RootElement;
        Assert.Equal((0, 0), (report.GetProperty("mismatches").GetInt32(), report.GetProperty("lost").GetInt32()));
        Assert.Equal((2, 3_100_000L), Lane(report.GetProperty("lanes"), "arena"));
        Assert.Contains("seccomp", report.GetProperty("refused_because").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void ForPeopleItSaysWhatWentHow()
    {
        using CliRoot root = new();
        root.Make("in/one", 100_000);
        string text = Tool.Succeeds("demo", "--input", root.PathOf("in"), "--producers", "1", "--consumers", "1", "--rounds", "1").Output;
        Assert.StartsWith("1 file, 100 kB, from ", text, StringComparison.Ordinal);
        Assert.Contains("handed over by 1 producer to 1 consumer", text, StringComparison.Ordinal);
        Assert.Contains("SHA-256 is the same on both ends for 1 file", text, StringComparison.Ordinal);
        Assert.DoesNotContain(text.Split('\n'), l => l.EndsWith(' '));
    }

    [Fact]
    public void AnInputThatIsNotThereIsNamed()
    {
        Tool run = Tool.Run("demo", "--input", "/nowhere/at/all");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("/nowhere/at/all is not there", run.Error, StringComparison.Ordinal);
    }

    private static (int, long) Lane(JsonElement lanes, string name) =>
        (lanes.GetProperty(name).GetProperty("messages").GetInt32(), lanes.GetProperty(name).GetProperty("bytes").GetInt64());
}
