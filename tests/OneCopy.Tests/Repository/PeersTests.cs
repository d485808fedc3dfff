using System.Text.Json;
using OneCopy.Tests.Interop;
using Xunit;

namespace OneCopy.Tests.Repository;

/// <summary>The peers of the benchmark that need no library build without a warning, and keep the contract of bench/peers/README.md.</summary>
public sealed class PeersTests(BuiltPeers built) : IClassFixture<BuiltPeers>
{
    [Theory]
    [InlineData("limits", "memcpy")]
    [InlineData("limits", "memcpy-huge")]
    [InlineData("limits", "pull")]
    [InlineData("limits", "pull-huge")]
    [InlineData("limits", "both")]
    [InlineData("limits", "both-huge")]
    [InlineData("shm-ring", "spin")]
    [InlineData("shm-ring", "sleep")]
    [InlineData("unix-socket", "stream")]
    [InlineData("pipe", "write")]
    [InlineData("pipe", "vmsplice")]
    public async Task Messages_of_any_length_go_there(string peer, string variant)
    {
        foreach (int bytes in new[] { 0, 1, 64, 5_000, 300_001 })
        {
            JsonElement result = await Run(peer, "throughput", bytes, 25, variant);
            Assert.False(result.TryGetProperty("p50_ns", out _));
        }
    }

    [Theory]
    [InlineData("limits", "cacheline")]
    [InlineData("limits", "futex")]
    [InlineData("shm-ring", "spin")]
    [InlineData("shm-ring", "sleep")]
    [InlineData("unix-socket", "stream")]
    [InlineData("unix-socket", "seqpacket")]
    [InlineData("pipe", "write")]
    [InlineData("pipe", "vmsplice")]
    public async Task Messages_go_there_and_back(string peer, string variant)
    {
        foreach (int bytes in new[] { 1, 40_000 })
        {
            JsonElement result = await Run(peer, "round-trip", bytes, 25, variant);
            long[] times = [.. new[] { "p50_ns", "p99_ns", "p999_ns", "max_ns" }.Select(n => result.GetProperty(n).GetInt64())];
            Assert.True(times[0] > 0, result.ToString());
            Assert.Equal(times.Order(), times);
            Assert.True(times[^1] <= result.GetProperty("seconds").GetDouble() * 1e9, result.ToString());
        }
    }

    [Theory]
    [InlineData(3, "limits", "round-trip", "64", "1", "0", "pull")]
    [InlineData(3, "unix-socket", "throughput", "100000000", "1", "0", "seqpacket")]
    [InlineData(2, "shm-ring", "throughput", "64", "1", "0", "nonsense")]
    [InlineData(2, "pipe", "throughput", "64", "-1", "0")]
    public void What_it_cannot_do_is_said_in_a_line(int code, string peer, params string[] arguments)
    {
        using ChildProcess run = built.Start(peer, arguments);
        Assert.Equal(code, run.WaitForExit());
        Eventually.True(() => run.Error.Length > 0, "a line of standard error");
        Assert.StartsWith(peer + ": ", Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    [InlineData("KILL", 137)]
    public void Nobody_is_left_behind(string signal, int code)
    {
        using ChildProcess run = built.Start("shm-ring", "throughput", "64", "100000000000", "1");
        int[] both = [];
        Eventually.True(() => (both = Children(run.Pid)).Length == 2, "its two processes");
        using (ChildProcess kill = ChildProcess.StartProgram("sh", "-c", $"kill -{signal} {run.Pid}"))
            kill.Finish();
        Assert.Equal(code, run.WaitForExit());
        Eventually.True(() => !both.Any(p => Directory.Exists($"/proc/{p}")), "the end of both");
    }

    private async Task<JsonElement> Run(string peer, string test, int bytes, int count, string variant)
    {
        using ChildProcess run = built.Start(peer, test, $"{bytes}", $"{count}", "10", variant);
        string line = await run.ReadLineAsync();
        run.Finish();
        using JsonDocument document = JsonDocument.Parse(line);
        JsonElement result = document.RootElement.Clone();
        Assert.Equal(count, result.GetProperty("messages").GetInt64());
        Assert.True(result.GetProperty("seconds").GetDouble() > 0, line);
        Assert.True(result.GetProperty("cpu_seconds").GetDouble() >= 0, line);
        return result;
    }

    private static int[] Children(int pid) =>
        [.. File.ReadAllText($"/proc/{pid}/task/{pid}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];
}

/// <summary>Those peers, built once, into a folder of the tests' own.</summary>
public sealed class BuiltPeers : IDisposable
{
    private readonly Lazy<TestFolder> _folder = new(Build);

    public void Dispose()
    {
        if (_folder.IsValueCreated)
            _folder.Value.Dispose();
    }

    internal ChildProcess Start(string peer, params ReadOnlySpan<string> arguments)
    {
        CProgram.Find("The peers of the benchmark are not built.", "gcc", "cc", "clang");
        CProgram.Find("The peers of the benchmark are not built.", "bash");
        return ChildProcess.StartProgram(_folder.Value.File(peer), arguments);
    }

    private static TestFolder Build()
    {
        TestFolder folder = new();
        using ChildProcess build = ChildProcess.StartProgram(
            "env", $"OUT={folder.Path}", "CFLAGS=-Werror", RepositoryFiles.PathOf("bench/peers/build"), "limits", "shm-ring", "unix-socket", "pipe");
        build.Finish(TimeSpan.FromMinutes(2));
        return folder;
    }
}
