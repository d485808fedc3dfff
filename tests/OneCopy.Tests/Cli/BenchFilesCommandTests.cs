using System.Text.Json;
using System.Xml.Linq;
using OneCopy.Cli.Bench.Files;
using OneCopy.Cli.Bench.Plot;
using OneCopy.Cli.Terminal;
using Xunit;

namespace OneCopy.Tests.Cli;

public class BenchFilesCommandTests
{
    [Fact]
    public void CopiesAreMeasuredWithCountsThatCanBeAndAPlotThatIsOne()
    {
        using CliRoot root = new();
        string svg = root.PathOf("plot.svg");
        JsonElement report = Report("bench", "files", "--dir", root.Files, "--only", "copy", "--size", "4KiB,256KiB", "--rounds", "2", "--quick", "--plot", svg, "--json");
        Assert.Equal([4096L, 256 << 10], report.GetProperty("sizes").EnumerateArray().Select(s => s.GetInt64()));
        JsonElement[] measured = [.. Measured(report)];
        foreach (string name in (string[])["read-write", "vectored", "mapped"])
            Assert.Equal(2, measured.Count(w => Is(w, name, 4096, "warm") || Is(w, name, 256 << 10, "warm")));
        foreach (JsonElement way in measured)
        {
            long files = way.GetProperty("operations").GetInt64();
            Assert.Equal(files * way.GetProperty("size").GetInt64(), way.GetProperty("bytes").GetInt64());
            Assert.Equal(2, way.GetProperty("round_seconds").GetArrayLength());
            Assert.InRange(way.GetProperty("seconds").GetDouble(), way.GetProperty("fastest_seconds").GetDouble(), way.GetProperty("slowest_seconds").GetDouble());
            Assert.True(way.GetProperty("processor_seconds").GetDouble() > 0);

            // Two opens, two closes, and something that moves the bytes; in /proc, one read and one write. Where two threads copy, the one that waits for the other yields, however often a busy machine makes it.
            int most = way.GetProperty("way").GetString() is "parallel" ? 5000 : 200;
            bool all = report.GetProperty("all_system_calls").GetBoolean();
            Assert.InRange(way.GetProperty("system_calls").GetInt64(), all ? 5 * files : 0, most * files);
        }

        // Each page of both maps is met, in groups of 16 or more of the page cache.
        JsonElement mapped = measured.First(w => Is(w, "mapped", 256 << 10, "warm"));
        Assert.True(mapped.GetProperty("minor_faults").GetInt64() >= mapped.GetProperty("operations").GetInt64() * 4);
        Assert.NotEmpty(report.GetProperty("conclusions").EnumerateArray());
        Assert.Equal([svg], Directory.GetFileSystemEntries(root.Files));

        XElement plot = XDocument.Load(svg).Root!;
        Assert.Equal("svg", plot.Name.LocalName);
        int lines = plot.Descendants().Count(e => e.Name.LocalName is "polyline");
        Assert.Equal(measured.Select(w => (w.GetProperty("cache").GetString(), w.GetProperty("way").GetString())).Distinct().Count(), lines);
        Assert.Contains(plot.Descendants().Where(e => e.Name.LocalName is "text"), t => t.Value is "copy-range");
    }

    [Fact]
    public void ReadsMakeAsManyCallsAsTheyMustAndMapsNone()
    {
        using CliRoot root = new();
        JsonElement report = Report("bench", "files", "--dir", root.Files, "--only", "read", "--size", "2MiB", "--rounds", "1", "--quick", "--json");
        JsonElement[] measured = [.. Measured(report)];
        JsonElement pread = measured.First(w => Is(w, "pread", 64, "warm"));
        long reads = pread.GetProperty("operations").GetInt64();
        Assert.InRange(pread.GetProperty("system_calls").GetInt64(), reads, reads + 100);
        if (report.GetProperty("all_system_calls").GetBoolean())
        {
            Assert.InRange(measured.First(w => Is(w, "mapped span", 64, "warm")).GetProperty("system_calls").GetInt64(), 1, 100);
            Assert.InRange(measured.First(w => Is(w, "mapped ReadSafely", 64, "warm")).GetProperty("system_calls").GetInt64(), reads, reads + 100);
        }

        // The maps' pages are the file's, in groups: fewer faults than pages, and some.
        Assert.InRange(measured.First(w => Is(w, "mapped span", 64, "warm")).GetProperty("minor_faults").GetInt64(), 1, 512 + 50);
        foreach (JsonElement cold in measured.Where(w => w.GetProperty("cache").GetString() is "cold" && w.GetProperty("work").GetString() is "sequential read"))
            Assert.InRange(cold.GetProperty("bytes_from_storage").GetInt64(), 2 << 20, (2 << 20) + (1 << 20));
    }

    [Fact]
    public void AReadThatIsRefusedWithoutWaitingWaits()
    {
        using CliRoot root = new();
        using WorkFiles file = WorkFiles.Make(root.Files, 2 << 20, 1, TestContext.Current.CancellationToken);
        Assert.SkipWhen(file.Evict() is not null, "Files are in memory here: none of their pages can be taken out of it.");
        ReadPlan plan = new(file, [0, 1 << 20], 64, cold: false);
        foreach (ReadTrial trial in (ReadTrial[])[new NoWaitTrial(plan), new PreadTrial(plan)])
        {
            trial.Prepare();
            trial.Run();
            trial.TidyUp();
        }
    }

    [Fact]
    public void ForPeopleThereAreTablesAndWhatFollows()
    {
        using CliRoot root = new();
        string text = Tool.Succeeds("bench", "files", "--dir", root.Files, "--size", "64KiB", "--rounds", "1", "--quick", "--only", "copy").Output;
        Assert.Contains("Copies, warm", text, StringComparison.Ordinal);
        foreach (string column in (string[])["Way", "GB/s", "Files/s", "Spread", "CPU µs", "Kernel", "Calls", "Faults", "Storage"])
            Assert.Contains(column, text, StringComparison.Ordinal);
        Assert.Contains("What won, and why", text, StringComparison.Ordinal);
        Assert.Contains("Copies, warm, 64 KiB: ", text, StringComparison.Ordinal);
        Assert.DoesNotContain(text.Split('\n'), l => l.EndsWith(' '));
    }

    [Fact]
    public void WhereFilesAreMemoryNothingIsCalledCold()
    {
        string directory = $"/dev/shm/onecopy-test-{Guid.NewGuid():N}";
        Directory.CreateDirectory(directory);
        try
        {
            JsonElement report = Report("bench", "files", "--dir", directory, "--size", "64KiB", "--rounds", "1", "--quick", "--json");
            Assert.Equal("tmpfs", report.GetProperty("file_system").GetString());
            Assert.Contains("stayed in memory", report.GetProperty("no_cold_because").GetString(), StringComparison.Ordinal);
            Assert.DoesNotContain(Measured(report), w => w.GetProperty("cache").GetString() is "cold");
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public void CtrlCRemovesItsFiles()
    {
        using CliRoot root = new();
        using ChildProcess bench = Tool.Start("bench", "files", "--dir", root.Files, "--size", "64MiB", "--rounds", "1000", "--json");
        Eventually.True(() => Directory.EnumerateFiles(root.Files, "*.copy", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None }).Any(), "it copies");
        Tool.Interrupt(bench);
        Assert.Equal(130, bench.WaitForExit());
        Assert.Empty(Directory.GetFileSystemEntries(root.Files));
    }

    [Theory]
    [InlineData("'huge' is no size of a file", "--size", "4KiB,huge")]
    [InlineData("--rounds is a number from 1 on, not '0'", "--rounds", "0")]
    [InlineData("'write' not recognized", "--only", "write")]
    public void WrongUsageEndsWithTwoAndASentence(string sentence, params string[] options)
    {
        Tool run = Tool.Run(["bench", "files", .. options]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(sentence, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void ADirectoryThatIsNotThereIsNamed()
    {
        Tool run = Tool.Run("bench", "files", "--dir", "/nowhere/at/all");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("/nowhere/at/all is no directory", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("4096", 4096)]
    [InlineData("64K", 65_536)]
    [InlineData("64KiB", 65_536)]
    [InlineData("1kB", 1_000)]
    [InlineData("2 GiB", 2L << 30)]
    [InlineData("3g", 3L << 30)]
    public void SizesAreReadInBothKindsOfUnits(string text, long bytes)
    {
        Assert.True(Sizes.TryParse(text, out long read));
        Assert.Equal(bytes, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("KiB")]
    [InlineData("1.5GiB")]
    [InlineData("12 apples")]
    [InlineData("-1")]
    [InlineData("9999999999TiB")]
    public void WhatIsNoSizeIsNone(string text) => Assert.False(Sizes.TryParse(text, out _));

    [Fact]
    public void AnAxisHasRoundEndsAndPlacesInOrder()
    {
        LogAxis axis = LogAxis.Around([3.7, 210], from: 400, to: 0);
        Assert.Equal((2, 500), (Math.Round(axis.Least, 6), Math.Round(axis.Most, 6)));
        Assert.Equal((400, 0), (axis.At(2), Math.Round(axis.At(500), 6)));
        Assert.Equal([2, 5, 10, 20, 50, 100, 200, 500], axis.Ticks().Select(t => Math.Round(t, 6)));
        Assert.True(LogAxis.Around([5, 5], 0, 1).Most > 5);
    }

    private static JsonElement Report(params string[] arguments) => JsonDocument.Parse(Tool.Succeeds(arguments).Output).RootElement;

    private static IEnumerable<JsonElement> Measured(JsonElement report) =>
        report.GetProperty("results").EnumerateArray().Where(w => !w.TryGetProperty("not_measured_because", out _));

    private static bool Is(JsonElement way, string name, long size, string cache) =>
        way.GetProperty("way").ValueEquals(name) && way.GetProperty("size").GetInt64() == size && way.GetProperty("cache").ValueEquals(cache);
}
