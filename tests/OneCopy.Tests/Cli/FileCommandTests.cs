using System.Text.Json;
using Xunit;

namespace OneCopy.Tests.Cli;

public class FileCommandTests
{
    [Fact]
    public void ATreeSurvivesItsSender()
    {
        using CliRoot root = new();
        string[] names = MakeTree(root);
        string sent = Tool.Succeeds("send", "files", root.PathOf("tree"), "--root", root.Queues).Output;
        Assert.Equal("4 files, 3.25 MB, sent to queue files.\n", sent);
        string text = Tool.Succeeds("receive", "files", "--out", root.PathOf("out"), "--count", "4", "--timeout", "30", "--root", root.Queues).Output;
        Assert.Contains("tree/empty  0 bytes\n", text, StringComparison.Ordinal);
        AssertSame(root, names);
    }

    [Fact]
    public async Task OfferedFilesAreCopiedFromTheirPagesWhileTheSenderWaits()
    {
        using CliRoot root = new();
        string[] names = MakeTree(root);
        Task<Tool> sender = Task.Run(() => Tool.Succeeds("send", "files", root.PathOf("tree"), "--wait", "--root", root.Queues, "--json"), TestContext.Current.CancellationToken);
        JsonElement got = JsonDocument.Parse(Tool.Succeeds(
            "receive", "files", "--out", root.PathOf("out"), "--count", "4", "--timeout", "30", "--root", root.Queues, "--json").Output).RootElement;
        Assert.Equal((4, 3_245_731L), (got.GetProperty("files").GetInt32(), got.GetProperty("bytes").GetInt64()));
        Assert.Equal(4, JsonDocument.Parse((await sender).Output).RootElement.GetProperty("files").GetInt32());
        AssertSame(root, names);
        using MessageQueue queue = MessageQueue.Open("files", root.Options);
        Assert.Equal(2, queue.Statistics.Completed.Attached.Messages);
    }

    [Theory]
    [InlineData("../evil", "'..'")]
    [InlineData("a/../../evil", "'..'")]
    [InlineData("ABSOLUTE/evil", "absolute")]
    [InlineData("link/evil", "symbolic link")]
    [InlineData("a//evil", "empty part")]
    [InlineData("", "empty")]
    public void ANameThatLeavesTheDirectoryIsRefusedAndTheRestGoesOn(string name, string reason)
    {
        using CliRoot root = new();
        string outside = Directory.CreateDirectory(root.PathOf("outside")).FullName;
        name = name.Replace("ABSOLUTE", outside, StringComparison.Ordinal);
        Directory.CreateDirectory(root.PathOf("out"));
        File.CreateSymbolicLink(root.PathOf("out/link"), outside);
        using (MessageQueue queue = MessageQueue.Open("files", root.Options))
        {
            queue.Send("evil"u8, Named(name), TestContext.Current.CancellationToken);
            queue.Send("good"u8, Named("good"), TestContext.Current.CancellationToken);
        }

        Tool run = Tool.Run("receive", "files", "--out", root.PathOf("out"), "--timeout", "0", "--root", root.Queues);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("was refused: ", run.Error, StringComparison.Ordinal);
        Assert.Contains(reason, run.Error, StringComparison.Ordinal);
        Assert.Equal("good", File.ReadAllText(root.PathOf("out/good")));
        Assert.Empty(Directory.EnumerateFiles(root.Files, "evil", SearchOption.AllDirectories));
        using MessageQueue dead = MessageQueue.Open("files.dead", root.Options);
        using ReceivedMessage message = dead.Receive(ChildProcess.Bound, TestContext.Current.CancellationToken);
        Assert.Equal("evil"u8.ToArray(), message.ToArray());
        Assert.Contains(reason, message.Properties.Headers[DeadLetterHeaders.Reason], StringComparison.Ordinal);
        message.Complete();
    }

    [Fact]
    public void ALinkUnderTheNameIsReplacedAndNotFollowed()
    {
        using CliRoot root = new();
        string victim = root.Make("victim", 10);
        byte[] before = File.ReadAllBytes(victim);
        Directory.CreateDirectory(root.PathOf("out"));
        File.CreateSymbolicLink(root.PathOf("out/name"), victim);
        using (MessageQueue queue = MessageQueue.Open("files", root.Options))
            queue.Send("new"u8, Named("name"), TestContext.Current.CancellationToken);
        Tool.Succeeds("receive", "files", "--out", root.PathOf("out"), "--timeout", "0", "--root", root.Queues);
        Assert.Equal(before, File.ReadAllBytes(victim));
        Assert.Equal("new", File.ReadAllText(root.PathOf("out/name")));
    }

    [Fact]
    public void NobodyTakesTheFile()
    {
        using CliRoot root = new();
        Tool run = Tool.Run("send", "files", root.Make("file", 100_000), "--wait", "--timeout", "0.2", "--root", root.Queues);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("was not received within 0.2 s", run.Error, StringComparison.Ordinal);
        run = Tool.Run("receive", "files", "--out", root.PathOf("out"), "--count", "1", "--timeout", "0", "--root", root.Queues);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("0 of 1 messages came", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AMistypedQueueIsSaidToBeMissingAndNotMade()
    {
        using CliRoot root = new();
        Tool run = Tool.Run("receive", "fiels", "--out", root.PathOf("out"), "--timeout", "0", "--root", root.Queues);
        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith($"There is no queue fiels in {root.Queues}.", run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(root.Queues));

        // Whoever waits gets what a sender makes later.
        using ChildProcess early = Tool.Start("receive", "files", "--out", root.PathOf("out"), "--count", "1", "--timeout", "30", "--root", root.Queues);
        Eventually.True(() => early.Error.Contains("There is no queue files", StringComparison.Ordinal), "the receiver says that it waits");
        Tool.Succeeds("send", "files", root.Make("file", 100), "--root", root.Queues);
        Assert.Equal("file  100 bytes", await early.ReadLineAsync());
        Assert.Equal(0, early.WaitForExit());
        Tool.Succeeds("receive", "new", "--out", root.PathOf("out"), "--timeout", "0", "--create", "--root", root.Queues);
        Assert.Equal(["files", "new"], MessageQueue.List(root.Queues), StringComparer.Ordinal);
    }

    [Fact]
    public void WhatIsNoFileIsLeftOutAndNamed()
    {
        using CliRoot root = new();
        root.Make("tree/file", 3);
        File.CreateSymbolicLink(root.PathOf("tree/link"), root.PathOf("tree/file"));
        File.CreateSymbolicLink(root.PathOf("tree/up"), root.Files);
        using (ChildProcess fifo = ChildProcess.StartProgram("mkfifo", root.PathOf("tree/pipe")))
            fifo.Finish();
        Tool run = Tool.Succeeds("send", "files", root.PathOf("tree"), "--json", "--root", root.Queues);
        JsonElement report = JsonDocument.Parse(run.Output).RootElement;
        string[] leftOut = [.. report.GetProperty("left_out").EnumerateArray().Select(e => e.GetString()!).Order(StringComparer.Ordinal)];
        Assert.Equal([root.PathOf("tree/link"), root.PathOf("tree/pipe"), root.PathOf("tree/up")], leftOut, StringComparer.Ordinal);
        Assert.Equal(1, report.GetProperty("files").GetInt32());
        Assert.Contains($"{root.PathOf("tree/link")} is left out: it is a symbolic link, or no file.\n", run.Error, StringComparison.Ordinal);
        Assert.Equal(1, Tool.Run("send", "files", root.PathOf("tree/pipe"), "--root", root.Queues).ExitCode);
        Assert.Equal("1 file, 3 bytes, sent to queue files.\n", Tool.Succeeds("send", "files", root.PathOf("tree/link"), "--root", root.Queues).Output);
    }

    private static SendOptions Named(string name) => new() { Properties = new MessageProperties { Headers = { ["onecopy-file-name"] = name } } };

    private static string[] MakeTree(CliRoot root)
    {
        root.Make("tree/three", 3 << 20);
        root.Make("tree/empty", 0);
        root.Make("tree/sub/small", 3);
        root.Make("tree/sub/" + new string('n', 200) + "/" + new string('m', 200), 100_000);
        return [.. Directory.EnumerateFiles(root.PathOf("tree"), "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(root.Files, f))];
    }

    private static void AssertSame(CliRoot root, string[] names)
    {
        foreach (string name in names)
            Assert.Equal(File.ReadAllBytes(root.PathOf(name)), File.ReadAllBytes(Path.Combine(root.PathOf("out"), name)));
        Assert.Equal(names.Length, Directory.EnumerateFiles(root.PathOf("out"), "*", SearchOption.AllDirectories).Count());
    }
}
