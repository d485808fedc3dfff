using System.Text;
using System.Text.Json;
using OneCopy.Tests.Messaging;
using Xunit;

namespace OneCopy.Tests.Cli;

/// <summary>The commands that take messages out of a queue, or put dead letters back into it.</summary>
public class WorkCommandTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("drain", "--print")]
    [InlineData("purge", "--yes")]
    [InlineData("replay", "--dry-run")]
    public void AQueueThatIsNotThereIsSaidToBeAndNotMade(string verb, string option)
    {
        using CliRoot root = new();
        Tool run = Tool.Run("queue", verb, "nothing", option, "--root", root.Queues);
        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        Assert.StartsWith($"There is no queue nothing in {root.Queues}.", run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(root.Queues));
    }

    [Fact]
    public void DrainWritesFilesAndReplacesNone()
    {
        using CliRoot root = new();
        string there = root.Make("out/a.txt", 10);
        byte[] before = File.ReadAllBytes(there);
        byte[] large = new byte[3_000_000];
        Random.Shared.NextBytes(large);
        using (MessageQueue queue = MessageQueue.Open("orders", root.Options))
        {
            queue.Send("first"u8, Named("a.txt"), Ct);
            queue.Send("second"u8, Named("a.txt"), Ct);
            queue.Send(large, Named("sub/large"), Ct);
            queue.Send("evil"u8, Named("../evil"), Ct);
            queue.Send("no name"u8, null, Ct);
        }

        string text = Tool.Succeeds("queue", "drain", "orders", "--to", root.PathOf("out"), "--count", "1", "--root", root.Queues).Output;
        Assert.Equal($"1-1  a-2.txt  5 bytes\n1 message, 5 bytes, taken from queue orders into {root.PathOf("out")}.\n", text);
        JsonElement report = JsonDocument.Parse(Tool.Succeeds("queue", "drain", "orders", "--to", root.PathOf("out"), "--json", "--root", root.Queues).Output).RootElement;
        Assert.Equal((4, 3_000_017), (report.GetProperty("messages").GetInt32(), report.GetProperty("bytes").GetInt32()));
        Assert.Equal(["a-3.txt", "sub/large", "message-1-4", "message-1-5"], report.GetProperty("drained").EnumerateArray().Select(d => d.GetProperty("file").GetString()!), StringComparer.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(there));
        Assert.Equal(["first", "second", "evil", "no name"], new[] { "a-2.txt", "a-3.txt", "message-1-4", "message-1-5" }.Select(f => File.ReadAllText(root.PathOf("out/" + f))), StringComparer.Ordinal);
        Assert.Equal(large, File.ReadAllBytes(root.PathOf("out/sub/large")));
        Assert.Equal(6, Directory.EnumerateFiles(root.Files, "*", SearchOption.AllDirectories).Count());
        Assert.Equal($"0 messages, 0 bytes, taken from queue orders into {root.PathOf("out")}.\n", Tool.Succeeds("queue", "drain", "orders", "--to", root.PathOf("out"), "--root", root.Queues).Output);
    }

    [Fact]
    public async Task DrainPrintsEachPayloadOnALineAndWaits()
    {
        using CliRoot root = new();
        using MessageQueue queue = MessageQueue.Open("log", root.Options);
        queue.Send("one"u8, null, Ct);
        queue.Send("two\n"u8, null, Ct);
        queue.Send([], null, Ct);
        using ChildProcess drain = Tool.Start("queue", "drain", "log", "--print", "--wait", "30", "--count", "4", "--root", root.Queues);
        Assert.Equal(["one", "two"], [await drain.ReadLineAsync(), await drain.ReadLineAsync()], StringComparer.Ordinal);
        await queue.SendAsync(Encoding.ASCII.GetBytes(new string('x', 100_000)), cancellationToken: Ct);
        Assert.Equal(new string('x', 100_000), await drain.ReadLineAsync());
        Assert.Equal(0, drain.WaitForExit());
        Eventually.True(() => drain.Error.Contains("4 messages, 100 kB, taken from queue log.", StringComparison.Ordinal), "the sum is told");
        Assert.Equal(4, queue.Statistics.Completed.Total.Messages);
    }

    [Fact]
    public void AnInterruptedDrainLeavesWhatItHasNotWritten()
    {
        using CliRoot root = new();
        using MessageQueue queue = MessageQueue.Open("log", root.Options);
        queue.Send("one"u8, null, Ct);
        using ChildProcess drain = Tool.Start("queue", "drain", "log", "--to", root.PathOf("out"), "--wait", "1000", "--root", root.Queues);
        Eventually.True(() => queue.Statistics.Completed.Total.Messages == 1, "the first message is drained");
        using ChildProcess kill = ChildProcess.StartProgram("sh", "-c", $"kill -INT {drain.Pid}");
        Assert.Equal(130, drain.WaitForExit());
        Eventually.True(() => drain.Error is "Interrupted.\n", "the interruption is told");
        queue.Send("two"u8, null, Ct);
        Assert.Equal(1, queue.Statistics.Queued);
    }

    [Fact]
    public async Task PurgeRemovesWhatWaitsAndAsksFirst()
    {
        using CliRoot root = new();
        using MessageQueue queue = MessageQueue.Open("orders", root.Options with { RingCapacity = 64 });
        using ReceivedMessage held = SendAndReceive(queue);
        for (int i = 0; i < 63; i++)
            queue.Send(new byte[10], null, Ct);
        Task attached = queue.SendAsync(new byte[100_000], cancellationToken: Ct).AsTask();
        Tool refused = Tool.Run("queue", "purge", "orders", "--root", root.Queues);
        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.Contains("Queue orders has 64 messages to remove. Nobody can be asked here: say --yes to remove them.", refused.Error, StringComparison.Ordinal);
        Assert.Equal("64 messages, 101 kB, removed from queue orders.\n", Tool.Succeeds("queue", "purge", "orders", "--yes", "--root", root.Queues).Output);
        await attached.WaitAsync(ChildProcess.Bound, Ct);
        Assert.Equal((0, 1), (queue.Statistics.Queued, queue.Statistics.Leased));

        // The ring has its room again.
        for (int i = 0; i < 64; i++)
            Assert.True(queue.TrySend([1]));
        held.Complete();
        Assert.Equal(64, JsonDocument.Parse(Tool.Succeeds("queue", "purge", "orders", "--yes", "--json", "--root", root.Queues).Output).RootElement.GetProperty("removed").GetInt32());
        Assert.Equal("0 messages, 0 bytes, removed from queue orders.\n", Tool.Succeeds("queue", "purge", "orders", "--root", root.Queues).Output);
    }

    [Fact]
    public void PurgeOfTheExpiredLeavesTheOthersInTheirOrder()
    {
        using CliRoot root = new();
        using MessageQueue queue = MessageQueue.Open("orders", root.Options);
        queue.Send("stays"u8, null, Ct);
        queue.Send("goes"u8, new SendOptions { TimeToLive = TimeSpan.FromMilliseconds(1) }, Ct);
        queue.Send("stays too"u8, new SendOptions { TimeToLive = TimeSpan.FromHours(1) }, Ct);
        Assert.Contains("expires in 3", Tool.Succeeds("queue", "peek", "orders", "--root", root.Queues).Output, StringComparison.Ordinal);
        Assert.Equal("1 expired message, 4 bytes, removed from queue orders.\n", Tool.Succeeds("queue", "purge", "orders", "--expired", "--yes", "--root", root.Queues).Output);
        using ReceivedMessage first = queue.Receive(ChildProcess.Bound, Ct);
        using ReceivedMessage second = queue.Receive(ChildProcess.Bound, Ct);
        Assert.Equal(["stays", "stays too"], [Encoding.ASCII.GetString(first.ToArray()), Encoding.ASCII.GetString(second.ToArray())], StringComparer.Ordinal);
        Assert.False(queue.TryReceive(out _));
        Assert.Equal((0, 0), (queue.Statistics.Expired, queue.Statistics.DeadLettered));
        first.Complete();
        second.Complete();
    }

    [Fact]
    public void ReplayPutsDeadLettersBack()
    {
        using CliRoot root = new();
        using MessageQueue queue = MessageQueue.Open("orders", root.Options);
        Assert.Equal("0 dead letters put back into queue orders.\n", Tool.Succeeds("queue", "replay", "orders", "--root", root.Queues).Output);
        for (int i = 1; i <= 3; i++)
        {
            queue.Send([(byte)('0' + i)], null, Ct);
            queue.Receive(ChildProcess.Bound, Ct).DeadLetter($"reason {i}", Ct);
        }

        string would = Tool.Succeeds("queue", "replay", "orders", "--dry-run", "--count", "2", "--root", root.Queues).Output;
        Assert.Contains("reason 2", would, StringComparison.Ordinal);
        Assert.DoesNotContain("reason 3", would, StringComparison.Ordinal);
        Assert.EndsWith("\n2 dead letters would be put back into queue orders.\n", would, StringComparison.Ordinal);
        Assert.Equal(0, queue.Statistics.Queued);

        // By the id in its queue, and one that is not there.
        Tool some = Tool.Run("queue", "replay", "orders", "--id", "1-2", "--id", "9-9", "--json", "--root", root.Queues);
        Assert.Equal(1, some.ExitCode);
        Assert.Contains("There is no dead letter 9-9.", some.Error, StringComparison.Ordinal);
        JsonElement report = JsonDocument.Parse(some.Output).RootElement;
        Assert.Equal((1, "9-9"), (report.GetProperty("replayed").GetInt32(), report.GetProperty("not_found")[0].GetString()));
        using (ReceivedMessage again = queue.Receive(ChildProcess.Bound, Ct))
        {
            Assert.Equal("2"u8.ToArray(), again.ToArray());
            Assert.Contains("before that: dead letter of orders, handed out once", Tool.Succeeds("queue", "peek", "orders", "--root", root.Queues).Output, StringComparison.Ordinal);
            again.Complete();
        }

        Assert.Equal("2 dead letters put back into queue orders.\n", Tool.Succeeds("queue", "replay", "orders.dead", "--root", root.Queues).Output);
        Assert.Equal(2, queue.Statistics.Queued);
        Assert.Equal("No message is in queue orders.dead.\n", Tool.Succeeds("queue", "peek", "orders", "--dead", "--root", root.Queues).Output);
    }

    private static ReceivedMessage SendAndReceive(MessageQueue queue)
    {
        queue.Send([7], null, Ct);
        return queue.Receive(ChildProcess.Bound, Ct);
    }

    private static SendOptions Named(string name) => new() { Properties = new MessageProperties { Headers = { ["onecopy-file-name"] = name } } };
}
