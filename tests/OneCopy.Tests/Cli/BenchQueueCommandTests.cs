using System.Text.Json;
using System.Xml.Linq;
using Xunit;

namespace OneCopy.Tests.Cli;

public class BenchQueueCommandTests
{
    private const UnixFileMode Executable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    [Fact]
    public void EveryOwnWayHandsOverMessagesOfEverySize()
    {
        using CliRoot root = new();
        string svg = root.PathOf("plot.svg");
        JsonElement report = Report("--only", "throughput", "--size", "0,64,64KiB", "--peers", "none", "--plot", svg);
        JsonElement[] results = [.. report.GetProperty("results").EnumerateArray()];
        foreach (JsonElement result in results)
        {
            Assert.False(result.TryGetProperty("not_measured_because", out JsonElement reason), $"{reason}");
            double each = result.GetProperty("messages_per_second").GetDouble();
            Assert.True(each > 0);
            Assert.Equal(each * result.GetProperty("bytes").GetInt64() / 1e9, result.GetProperty("gigabytes_per_second").GetDouble(), 1e-9);
            Assert.InRange(each, result.GetProperty("slowest_messages_per_second").GetDouble(), result.GetProperty("fastest_messages_per_second").GetDouble());
            Assert.True(result.GetProperty("cpu_ns_per_message").GetDouble() > 0);
            Assert.True(result.GetProperty("allocated_bytes_per_message").GetDouble() >= 0);
            Assert.Equal(1, result.GetProperty("round_messages_per_second").GetArrayLength());
        }

        Assert.Equal("inline inline attached", Lanes(results, "onecopy"));
        Assert.Single(results, r => Is(r, "onecopy pooled"));
        Assert.True(report.GetProperty("machine").GetProperty("processors").GetInt32() > 0);

        XElement plot = XDocument.Load(svg).Root!;
        Assert.Equal("svg", plot.Name.LocalName);
        Assert.Contains(plot.Descendants().Where(e => e.Name.LocalName is "text"), t => t.Value is "onecopy async");

        // Bytes a second, which nothing at all has none of, and messages a second.
        Assert.Equal(2 * results.Select(r => r.GetProperty("system").GetString()).Distinct(StringComparer.Ordinal).Count(), plot.Descendants().Count(e => e.Name.LocalName is "polyline"));
    }

    [Fact]
    public void RoundTripsHavePercentilesAndWhatIsBuiltInPlaceIsNotAttached()
    {
        JsonElement[] results = [.. Report("--only", "round-trip", "--size", "64,64KiB", "--peers", "none").GetProperty("results").EnumerateArray()];
        foreach (JsonElement result in results)
        {
            Assert.False(result.TryGetProperty("not_measured_because", out JsonElement reason), $"{reason}");
            double[] times = [.. ((string[])["p50_ns", "p99_ns", "p999_ns", "max_ns"]).Select(n => result.GetProperty(n).GetDouble())];
            Assert.True(times[0] > 0);
            Assert.Equal(times.Order(), times);
        }

        Assert.Equal("inline arena", Lanes(results, "onecopy in place"));
        Assert.Equal(2, results.Count(r => Is(r, "onecopy sleep")));
    }

    [Fact]
    public void PeersAreRunByTheirContractAndTheAbsentAreNamed()
    {
        using CliRoot root = new();
        Make(root, "pipe", """
            [ "$1" = version ] && { echo 'pipe 7.1'; exit 0; }
            echo "$*" >> "$0.calls"
            echo 'a line of something else'
            echo '{"seconds": 0.0001, "messages": 10, "cpu_seconds": 0.00005, "p50_ns": 10, "p99_ns": 20, "p999_ns": 30, "max_ns": 40}'
            """);
        Make(root, "openmpi", "echo 'There is no launcher here.' >&2; exit 3");
        Make(root, "zeromq", "echo 'It fell over.' >&2; exit 1");
        Make(root, "boost", "echo 'no figures'");
        Make(root, "unix-socket", """echo '{"seconds": 500, "messages": 10, "cpu_seconds": 1}'""");
        JsonElement report = Report("--only", "throughput", "--size", "1MiB", "--peers", "pipe,openmpi,zeromq,boost,unix-socket,shm-ring,System.IO.Pipes", "--peer-dir", root.Files);
        JsonElement pipe = Result(report, "pipe");
        Assert.Equal(100_000, pipe.GetProperty("messages_per_second").GetDouble(), 1e-6);
        Assert.Equal(100_000 * (1048576 / 1e9), pipe.GetProperty("gigabytes_per_second").GetDouble(), 1e-9);
        Assert.Equal(5000, pipe.GetProperty("cpu_ns_per_message").GetDouble(), 1e-6);
        Assert.False(pipe.TryGetProperty("allocated_bytes_per_message", out _));
        Assert.Equal("pipe 7.1", report.GetProperty("versions").GetProperty("pipe").GetString());
        Assert.All(File.ReadLines(root.PathOf("pipe.calls")), c => Assert.Matches("^throughput 1048576 [1-9][0-9]* [1-9][0-9]*( vmsplice)?$", c));
        Assert.Equal("There is no launcher here.", Reason(report, "openmpi"));
        Assert.Equal("zeromq ended with exit code 1. It fell over.", Reason(report, "zeromq"));
        Assert.Equal("boost printed \"no figures\", which is no line of figures.", Reason(report, "boost"));
        Assert.Contains("counted 500 seconds, and ran for 0.", Reason(report, "unix-socket"), StringComparison.Ordinal);
        Assert.Contains($"not in {root.Files}", Reason(report, "shm-ring"), StringComparison.Ordinal);
        Assert.Contains("bench/peers/build", Reason(report, "shm-ring"), StringComparison.Ordinal);
        Assert.True(Result(report, "System.IO.Pipes").GetProperty("messages_per_second").GetDouble() > 0);

        // The best of those that are compared with was not measured, for none was.
        JsonElement unmet = report.GetProperty("conclusions").EnumerateArray().First(c => c.GetProperty("what").ValueEquals("onecopy: throughput at 1 MiB"));
        Assert.Equal("not measured", unmet.GetProperty("outcome").GetString());
        Assert.Equal(2.0, unmet.GetProperty("at_least").GetDouble());
    }

    [Fact]
    public void ForPeopleThereAreTablesAndWhatFollows()
    {
        using CliRoot root = new();
        string text = Run("--size", "64", "--peers", "shm-ring", "--peer-dir", root.Files, "--only", "round-trip").Output;
        foreach (string word in (string[])["Round trip", "System", "Lane", "p50", "p99.9", "Spread", "CPU µs", "Alloc", "onecopy spin", "What is to be reached"])
            Assert.Contains(word, text, StringComparison.Ordinal);
        Assert.Contains($"shm-ring, shm-ring sleep: not in {root.Files}", text, StringComparison.Ordinal);
        Assert.DoesNotContain(text.Split('\n'), l => l.EndsWith(' '));
    }

    [Fact]
    public void ManyProcessesShareAQueueAndNoMessageIsMissing()
    {
        JsonElement report = Report("--only", "scaling", "--peers", "none");
        foreach (string shape in (string[])["1 → 1", "8 → 8", "1 → 8", "8 → 1", "1 → 3, 1 slow"])
            Assert.True(Result(report, shape).GetProperty("messages_per_second").GetDouble() > 0);
        JsonElement line = report.GetProperty("conclusions").EnumerateArray().First(c => c.GetProperty("what").GetString()!.StartsWith("8 → 8", StringComparison.Ordinal));
        Assert.Equal(
            Result(report, "8 → 8").GetProperty("messages_per_second").GetDouble() / Result(report, "1 → 1").GetProperty("messages_per_second").GetDouble(),
            line.GetProperty("ratio").GetDouble(), 1e-9);
    }

    [Fact]
    public void SmallMessagesAreTimedBesideLargeOnes()
    {
        JsonElement[] results = [.. Report("--only", "mixed", "--peers", "none").GetProperty("results").EnumerateArray()];
        Assert.Equal("alone; beside memcpy in two processes; beside messages of 256 MiB between two processes", string.Join("; ", results.Select(r => r.GetProperty("system").GetString())));
        Assert.All(results, r => Assert.True(r.GetProperty("p99_ns").GetDouble() > 0));
    }

    [Fact]
    public void CtrlCLeavesNothingBehind()
    {
        using ChildProcess bench = Tool.Start("bench", "queue", "--rounds", "1000", "--size", "1MiB", "--peers", "none", "--json");
        string[] Queues() => [.. Directory.GetDirectories("/dev/shm", $"onecopy-bench-{bench.Pid}-*").SelectMany(Directory.GetDirectories)];
        Eventually.True(() => Queues().Length > 0, "it has a queue");
        Tool.Interrupt(bench);
        Assert.Equal(130, bench.WaitForExit());
        Assert.Empty(Directory.GetDirectories("/dev/shm", $"onecopy-bench-{bench.Pid}-*"));
    }

    [Theory]
    [InlineData("'huge' is no size of a message", "--size", "64,huge")]
    [InlineData("'2GiB' is no size of a message", "--size", "2GiB")]
    [InlineData("--rounds is a number from 1 on, not '0'", "--rounds", "0")]
    [InlineData("'latency' not recognized", "--only", "latency")]
    [InlineData("'kafka' is no peer. There are: ucx cma, ucx, ", "--peers", "ucx,kafka")]
    public void WrongUsageEndsWithTwoAndASentence(string sentence, params string[] options)
    {
        Tool run = Tool.Run(["bench", "queue", .. options]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(sentence, run.Error, StringComparison.Ordinal);
    }

    private static JsonElement Report(params string[] options) => JsonDocument.Parse(Run([.. options, "--json"]).Output).RootElement;

    private static Tool Run(params string[] options) => Tool.Succeeds(["bench", "queue", "--quick", "--rounds", "1", .. options]);

    private static void Make(CliRoot root, string name, string script)
    {
        File.WriteAllText(root.PathOf(name), "#!/bin/sh\n" + script);
        File.SetUnixFileMode(root.PathOf(name), Executable);
    }

    private static string Lanes(JsonElement[] results, string system) => string.Join(' ', results.Where(r => Is(r, system)).Select(r => r.GetProperty("lane").GetString()));

    private static bool Is(JsonElement result, string system) => result.GetProperty("system").ValueEquals(system);

    private static JsonElement Result(JsonElement report, string system) => report.GetProperty("results").EnumerateArray().First(r => Is(r, system));

    private static string Reason(JsonElement report, string system) => Result(report, system).GetProperty("not_measured_because").GetString()!;
}
