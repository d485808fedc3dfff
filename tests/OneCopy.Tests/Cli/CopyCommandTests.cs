using System.Text.Json;
using OneCopy.Interop;
using Xunit;

namespace OneCopy.Tests.Cli;

public class CopyCommandTests
{
    [Theory]
    [InlineData("auto")]
    [InlineData("copy-range")]
    [InlineData("mapped")]
    [InlineData("vectored")]
    [InlineData("read-write")]
    public void TheCopyHasContentModeAndTimesOfTheSource(string engine)
    {
        using CliRoot root = new();
        string from = root.Make("from", 3_000_001), to = root.PathOf("to");
        File.SetUnixFileMode(from, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupExecute);
        File.SetLastWriteTimeUtc(from, new DateTime(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc));
        Tool run = Tool.Succeeds("cp", from, to, "--engine", engine, "--window", "64KiB", "--verify");
        Assert.Equal("", run.Output);
        Assert.Equal("", run.Error);
        Assert.Equal(File.ReadAllBytes(from), File.ReadAllBytes(to));
        Assert.Equal(File.GetUnixFileMode(from), File.GetUnixFileMode(to));
        Assert.Equal(File.GetLastWriteTimeUtc(from), File.GetLastWriteTimeUtc(to));
    }

    [Fact]
    public void WhatIsNotToBeKeptIsNot()
    {
        using CliRoot root = new();
        string from = root.Make("from", 10), to = root.PathOf("to");
        DateTime old = new(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc);
        File.SetLastWriteTimeUtc(from, old);
        Tool.Succeeds("cp", "--no-preserve=times,owner", from, to);
        Assert.NotEqual(old, File.GetLastWriteTimeUtc(to));
    }

    [Fact]
    public void HolesStayHolesAndTheReportHasThem()
    {
        using CliRoot root = new();
        string from = root.PathOf("from"), to = root.PathOf("to");
        using (FileStream file = File.Create(from))
        {
            file.SetLength(64 << 20);
            file.Position = 32 << 20;
            file.Write(new byte[] { 1, 2, 3 });
        }

        JsonElement report = JsonDocument.Parse(Tool.Succeeds("cp", from, to, "--json").Output).RootElement.GetProperty("files")[0];
        Assert.Equal(File.ReadAllBytes(from), File.ReadAllBytes(to));
        Assert.InRange(Stored(to), 1, Stored(from) + 4096);
        Assert.Equal(64 << 20, report.GetProperty("bytes_copied").GetInt64() + report.GetProperty("hole_bytes").GetInt64());
        Assert.Equal("hole data hole", string.Join(' ', report.GetProperty("extents").EnumerateArray().Select(e => e.GetProperty("kind").GetString())));
        long end = 0;
        foreach (JsonElement extent in report.GetProperty("extents").EnumerateArray())
        {
            Assert.Equal(end, extent.GetProperty("offset").GetInt64());
            end += extent.GetProperty("length").GetInt64();
        }

        Assert.Equal(64 << 20, end);
    }

    [Fact]
    public void ATreeIsCopiedWithLinksAndHardLinksWhetherOrNotItIsAskedFor()
    {
        using CliRoot root = new();
        string one = root.Make("tree/a/one", 5_000);
        root.Make("tree/b/c/two", 0);
        File.CreateSymbolicLink(root.PathOf("tree/link"), "a/one");
        Fcntl.link(one, root.PathOf("tree/b/again")).OrThrow("link");
        JsonElement tree = JsonDocument.Parse(Tool.Succeeds("cp", "-r", root.PathOf("tree"), root.PathOf("copy"), "--json", "--parallel", "3").Output)
            .RootElement.GetProperty("trees")[0];
        Assert.Equal(File.ReadAllBytes(one), File.ReadAllBytes(root.PathOf("copy/a/one")));
        Assert.Equal("a/one", new FileInfo(root.PathOf("copy/link")).LinkTarget);
        Stat.Of(root.PathOf("copy/a/one"), out statx first).OrThrow("statx");
        Stat.Of(root.PathOf("copy/b/again"), out statx second).OrThrow("statx");
        Assert.Equal(first.stx_ino, second.stx_ino);
        Assert.Equal((1, 1), (tree.GetProperty("symbolic_links").GetInt32(), tree.GetProperty("hard_links").GetInt32()));

        // Into a directory that is there now, under the tree's name.
        Tool.Succeeds("cp", root.PathOf("tree"), one, root.PathOf("copy"));
        Assert.True(File.Exists(root.PathOf("copy/tree/b/c/two")));
        Assert.Equal(5_000, new FileInfo(root.PathOf("copy/one")).Length);
    }

    [Fact]
    public void AFileThatCannotBeCopiedIsSaidAndTheOthersAreCopied()
    {
        using CliRoot root = new();
        string good = root.Make("good", 100);
        Directory.CreateDirectory(root.PathOf("out"));
        Tool run = Tool.Run("cp", root.PathOf("missing"), good, root.PathOf("out"));
        Assert.Equal(1, run.ExitCode);
        Assert.Contains(root.PathOf("missing"), run.Error, StringComparison.Ordinal);
        Assert.Contains("ENOENT", run.Error, StringComparison.Ordinal);
        Assert.Equal(100, new FileInfo(root.PathOf("out/good")).Length);

        JsonElement report = JsonDocument.Parse(Tool.Run("cp", root.PathOf("missing"), good, root.PathOf("out"), "--json").Output).RootElement;
        Assert.Equal("ENOENT", report.GetProperty("errors")[0].GetProperty("errno").GetString());
        Assert.Equal(1, report.GetProperty("files").GetArrayLength());
    }

    [Fact]
    public void AFileIsNotCopiedOntoItself()
    {
        using CliRoot root = new();
        string file = root.Make("file", 1000);
        byte[] content = File.ReadAllBytes(file);
        File.CreateSymbolicLink(root.PathOf("link"), "file");
        Assert.Equal(1, Tool.Run("cp", file, file).ExitCode);
        Assert.Equal(1, Tool.Run("cp", file, root.PathOf("link"), "--follow").ExitCode);
        Assert.Equal(content, File.ReadAllBytes(file));
    }

    [Fact]
    public void ExistingFilesAreReplacedLeftAloneOrRefused()
    {
        using CliRoot root = new();
        string from = root.Make("from", 2_000), to = root.Make("to", 3_000);
        byte[] there = File.ReadAllBytes(to);
        Tool.Succeeds("cp", from, to, "--existing", "skip");
        Assert.Equal(there, File.ReadAllBytes(to));
        Tool refused = Tool.Run("cp", from, to, "--existing=fail");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("EEXIST", refused.Error, StringComparison.Ordinal);
        Assert.Equal(there, File.ReadAllBytes(to));
        Tool.Succeeds("cp", from, to, "--atomic", "--sync", "full");
        Assert.Equal(File.ReadAllBytes(from), File.ReadAllBytes(to));
    }

    [Fact]
    public void ThePlanSaysWhatWouldBeTriedAndWritesNothing()
    {
        using CliRoot root = new();
        root.Make("tree/one", 100_000);
        File.CreateSymbolicLink(root.PathOf("tree/link"), "one");
        JsonElement plan = JsonDocument.Parse(Tool.Succeeds("cp", root.PathOf("tree"), root.PathOf("copy"), "--dry-run", "--json").Output).RootElement;
        JsonElement file = plan.GetProperty("plan")[0];
        Assert.Equal(root.PathOf("copy/one"), file.GetProperty("destination").GetString());
        Assert.Equal(100_000, file.GetProperty("length").GetInt64());
        Assert.False(string.IsNullOrEmpty(file.GetProperty("reason").GetString()));
        Assert.Equal("data", file.GetProperty("extents")[0].GetProperty("kind").GetString());
        Assert.Contains("a symbolic link to one", plan.GetProperty("left_out")[0].GetString(), StringComparison.Ordinal);
        Assert.False(Path.Exists(root.PathOf("copy")));

        string text = Tool.Succeeds("cp", root.PathOf("tree/one"), root.PathOf("copy"), "--dry-run", "--engine", "mapped").Output;
        Assert.Contains("mapped: It was asked for", text, StringComparison.Ordinal);
        Assert.False(Path.Exists(root.PathOf("copy")));
    }

    [Fact]
    public void CtrlCLeavesNoPartOfAFile()
    {
        using CliRoot root = new();
        string from = root.PathOf("from"), to = root.PathOf("to");
        using (FileStream file = File.Create(from))
            file.SetLength(1L << 40);

        // Written out as zeros a terabyte takes longer than any test, and is stopped long before it takes the room.
        using ChildProcess copy = Tool.Start("cp", from, to, "--engine", "read-write", "--sparse", "never", "--buffer", "64KiB", "--dont-cache");
        Eventually.True(() => File.Exists(to), "the copy has begun");
        Tool.Interrupt(copy);
        Assert.Equal(130, copy.WaitForExit());
        Eventually.True(() => copy.Error.Contains("Interrupted", StringComparison.Ordinal), "it says so");
        Assert.Equal(from, Assert.Single(Directory.GetFiles(root.Files)));
    }

    [Theory]
    [InlineData("Where to? There is only a", "cp", "a")]
    [InlineData("What, and where to?", "cp")]
    [InlineData("--engine is one of auto, clone, copy-range, mapped, vectored, read-write, parallel, not 'magic'", "cp", "a", "b", "--engine", "magic")]
    [InlineData("--window is a number of bytes", "cp", "a", "b", "--window", "some")]
    [InlineData("--no-preserve takes mode, times, owner, xattr, all, not 'smell'", "cp", "a", "b", "--no-preserve", "mode,smell")]
    [InlineData("--parallel is a number from 1 to 1024, not '0'", "cp", "a", "b", "--parallel", "0")]
    [InlineData("There is no option '--what'", "cp", "a", "b", "--what")]
    [InlineData("looks at every byte", "cp", "a", "b", "--sparse", "always", "--engine", "mapped")]
    public void WrongUsageEndsWithTwoAndASentence(string sentence, params string[] arguments)
    {
        Tool run = Tool.Run(arguments);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(sentence, run.Error, StringComparison.Ordinal);
        Assert.Equal("", run.Output.Trim());
    }

    /// <summary>Two readers, one language: what the fast one takes, the other one must take alike.</summary>
    [Fact]
    public void OptionsMayStandAnywhereAndTwoDashesEndThem()
    {
        using CliRoot root = new();
        string from = root.Make("-odd", 10);
        Tool run = Tool.Succeeds("cp", "--verify", "--json", "--", from, root.PathOf("--to"));
        Assert.True(JsonDocument.Parse(run.Output).RootElement.GetProperty("files")[0].GetProperty("verified").GetBoolean());
        Assert.True(File.Exists(root.PathOf("--to")));
    }

    private static long Stored(string path)
    {
        Stat.Of(path, out statx status).OrThrow("statx", path);
        return (long)status.stx_blocks * 512;
    }
}
