using System.Text.Json;
using Xunit;

namespace OneCopy.Tests.Cli;

public sealed class TortureCommandTests
{
    [Fact]
    public void Nothing_is_lost_doubled_or_left_while_processes_are_killed()
    {
        Tool run = Tool.Run("torture", "--minutes", "0.2", "--processes", "5", "--seed", "20", "--json");
        JsonElement report = JsonDocument.Parse(run.Output).RootElement;
        Assert.True(run.ExitCode == 0, $"It ended with {run.ExitCode}:\n{run.Output}\n{run.Error}");
        Assert.True(report.GetProperty("good").GetBoolean());
        Assert.InRange(report.GetProperty("kills").GetInt32(), 5, int.MaxValue);
        Assert.InRange(report.GetProperty("promised").GetInt64(), 1_001, long.MaxValue);
        Assert.InRange(report.GetProperty("held_by_killed").GetInt64(), 1, long.MaxValue);
        foreach (string lane in (string[])["inline", "arena"])
            Assert.InRange(report.GetProperty(lane).GetInt64(), 1, long.MaxValue);

        // Some dozens, which are moved where their receiver was killed meanwhile.
        Assert.InRange(report.GetProperty("attached").GetInt64() + report.GetProperty("moved").GetInt64(), 1, long.MaxValue);
        Assert.InRange(report.GetProperty("recovery_milliseconds").GetProperty("max").GetDouble(), 0, 250);
        Assert.Empty(Directory.EnumerateFileSystemEntries("/dev/shm", $"onecopy-torture-{report.GetProperty("process_id").GetInt32()}-*"));
    }

    [Fact]
    public void Interrupted_it_takes_all_its_processes_and_files_with_it()
    {
        using ChildProcess tool = Tool.Start("torture", "--minutes", "5", "--processes", "3");
        string pattern = $"onecopy-torture-{tool.Pid}-*";
        Eventually.True(() => Directory.EnumerateDirectories("/dev/shm", pattern).SelectMany(Directory.EnumerateDirectories)
            .Any(d => Path.GetFileName(d) is "torture"), "workers have made the queue");
        using (ChildProcess interrupt = ChildProcess.StartProgram("sh", "-c", $"kill -INT {tool.Pid}"))
            interrupt.Finish();
        Assert.Equal(130, tool.WaitForExit());
        Assert.Empty(Directory.EnumerateFileSystemEntries("/dev/shm", pattern));
        Assert.DoesNotContain(Directory.EnumerateDirectories("/proc"), p => CommandLineOf(p).Contains($"onecopy-torture-{tool.Pid}-", StringComparison.Ordinal));
    }

    private static string CommandLineOf(string process)
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, "cmdline"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ""; // No process, or one that has ended.
        }
    }
}
