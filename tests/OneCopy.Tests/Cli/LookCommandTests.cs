using System.Globalization;
using System.Text.Json;
using OneCopy.Tests.Messaging;
using Xunit;

namespace OneCopy.Tests.Cli;

/// <summary>The commands that look into a queue and leave it as it is.</summary>
public class LookCommandTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("stat")]
    [InlineData("peek")]
    [InlineData("tail")]
    public void AQueueThatIsNotThereIsSaidToBeAndNotMade(string verb)
    {
        using CliRoot root = new();
        Tool run = Tool.Run("queue", verb, "nothing", "--root", root.Queues);
        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        Assert.StartsWith($"There is no queue nothing in {root.Queues}.", run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(root.Queues));
    }

    [Fact]
    public async Task StatShowsWhoTakesPartAndWhoIsGone()
    {
        using CliRoot root = new();
        using ChildProcess sender = ChildProcess.Start("queue-send", root.Queues, "orders", "3", "1000");
        Assert.Equal("sent", await sender.ReadLineAsync());
        JsonElement stat = Json("queue", "stat", "orders", "--root", root.Queues, "--json");
        JsonElement participant = Assert.Single(stat.GetProperty("participants").EnumerateArray());
        Assert.Equal((sender.Pid, "dotnet", "alive"), (participant.GetProperty("pid").GetInt32(), participant.GetProperty("process").GetString(), participant.GetProperty("state").GetString()));
        Assert.Equal((16384, 512, 10), (stat.GetProperty("geometry").GetProperty("ring_capacity").GetInt32(), stat.GetProperty("geometry").GetProperty("block_size").GetInt32(), stat.GetProperty("geometry").GetProperty("max_delivery_attempts").GetInt32()));
        Assert.Equal((3, 0), (stat.GetProperty("queued").GetInt32(), stat.GetProperty("dead_letters").GetInt32()));
        sender.Kill();
        string text = Tool.Succeeds("queue", "stat", "orders", "--root", root.Queues).Output;
        Assert.Contains("ended; the next who opens the queue gives back what it held", text, StringComparison.Ordinal);
        Assert.Contains("3 messages waiting, 0 held by receivers, 3.00 kB in all", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WatchingSaysHowMuchGoesThroughUntilTheQueueIsGone()
    {
        using CliRoot root = new();
        using MessageQueue queue = MessageQueue.Open("orders", root.Options);
        using ChildProcess watch = Tool.Start("queue", "stat", "orders", "--watch", "--json", "--root", root.Queues);
        Assert.False(JsonDocument.Parse(await watch.ReadLineAsync()).RootElement.TryGetProperty("rates", out _));
        for (int i = 0; i < 100; i++)
            queue.Send(new byte[10], null, Ct);
        JsonElement rates = JsonDocument.Parse(await watch.ReadLineAsync()).RootElement.GetProperty("rates");
        Assert.InRange(rates.GetProperty("sent").GetDouble(), 1, 200);
        queue.Dispose();
        Assert.True(MessageQueue.Delete("orders", root.Queues));
        Assert.Equal(1, watch.WaitForExit());
        Eventually.True(() => watch.Error.Contains("Queue orders was deleted.", StringComparison.Ordinal), "the deletion is told");
    }

    [Fact]
    public async Task PeekShowsMessagesAndLeavesThem()
    {
        using CliRoot root = new();
        using MessageQueue queue = MessageQueue.Open("orders", root.Options);
        Assert.Equal("No message is in queue orders.\n", Tool.Succeeds("queue", "peek", "orders", "--root", root.Queues).Output);
        queue.Send("{\"order\": 1}\n"u8, new SendOptions { Properties = new MessageProperties { MessageId = "m1", ContentType = "application/json", Headers = { ["evil"] = "\e[31m" } } }, Ct);
        queue.Send([0, 1, 2, 255], null, Ct);
        Task attached = queue.SendAsync(Enumerable.Repeat((byte)'x', 100_000).ToArray(), cancellationToken: Ct).AsTask();
        using ReceivedMessage held = queue.Receive(ChildProcess.Bound, Ct);

        string[] lines = Tool.Succeeds("queue", "peek", "orders", "--root", root.Queues).Output.Split('\n');
        Assert.StartsWith($"1-2  waiting  4 bytes  inline  from process {Environment.ProcessId} (", lines[0], StringComparison.Ordinal);
        Assert.Equal("    000102ff", lines[1]);
        Assert.StartsWith("1-3  waiting  100 kB  attached", lines[2], StringComparison.Ordinal);
        Assert.Equal($"    \"{new string('x', 64)}…\"", lines[3]);
        Assert.StartsWith($"1-1  held by process {Environment.ProcessId}  13 bytes  inline", lines[4], StringComparison.Ordinal);
        Assert.EndsWith("handed out once", lines[4], StringComparison.Ordinal);
        Assert.Equal("    id: m1  type: application/json  evil: \\x1b[31m", lines[5]);
        Assert.Equal("    \"{\"order\": 1}\\n\"", lines[6]);

        JsonElement[] all = [.. Json("queue", "peek", "orders", "--root", root.Queues, "--json", "--bytes", "5").EnumerateArray()];
        Assert.Equal(["1-2", "1-3", "1-1"], all.Select(m => m.GetProperty("id").GetString()!), StringComparer.Ordinal);
        Assert.Equal(["AAEC/w==", null], all.Take(2).Select(m => m.TryGetProperty("payload_base64", out JsonElement p) ? p.GetString() : null), StringComparer.Ordinal);
        Assert.Equal("xxxxx", all[1].GetProperty("payload_text").GetString());
        Assert.Equal(("held", "\e[31m", "m1"), (all[2].GetProperty("state").GetString(), all[2].GetProperty("headers").GetProperty("evil").GetString(), all[2].GetProperty("message_id").GetString()));
        string one = Tool.Succeeds("queue", "peek", "orders", "--root", root.Queues, "--count", "1", "--bytes", "0").Output;
        Assert.EndsWith("ago\n… and 2 messages more (--count shows more).\n", one, StringComparison.Ordinal);
        held.Complete();
        for (int i = 0; i < 2; i++)
            queue.Receive(ChildProcess.Bound, Ct).Complete();
        await attached.WaitAsync(ChildProcess.Bound, Ct);
    }

    [Fact]
    public void DeadLettersAreCountedAndSayWhy()
    {
        using CliRoot root = new();
        using (MessageQueue queue = MessageQueue.Open("orders", root.Options))
        {
            Assert.Equal("There are no dead letters.\n", Tool.Succeeds("queue", "peek", "orders", "--dead", "--root", root.Queues).Output);
            queue.Send("bad"u8, null, Ct);
            queue.Receive(ChildProcess.Bound, Ct).DeadLetter("no such product", Ct);
            string text = Tool.Succeeds("queue", "peek", "orders", "--dead", "--root", root.Queues).Output;
            Assert.Contains($" ago, by process {Environment.ProcessId}: no such product\n    \"bad\"\n", text, StringComparison.Ordinal);
        }

        JsonElement letter = Assert.Single(Json("queue", "peek", "orders", "--dead", "--json", "--root", root.Queues).EnumerateArray());
        Assert.Equal("no such product", letter.GetProperty("dead_letter").GetProperty("reason").GetString());
        Assert.Equal(1, Json("queue", "stat", "orders", "--json", "--root", root.Queues).GetProperty("dead_letters").GetInt32());
        JsonElement[] queues = [.. Json("queue", "list", "--json", "--root", root.Queues).EnumerateArray()];
        Assert.Equal(1, queues[0].GetProperty("dead_letters").GetInt32());
        Assert.False(queues[1].TryGetProperty("dead_letters", out _));
        Assert.Contains("1 dead letter: 'onecopy queue peek orders --dead' shows why", Tool.Succeeds("queue", "stat", "orders", "--root", root.Queues).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void TailShowsTheLastOnesEvenWhenTheyAreDone()
    {
        using CliRoot root = new();
        using MessageQueue queue = MessageQueue.Open("orders", root.Options);
        for (int i = 1; i <= 5; i++)
            queue.Send([(byte)('0' + i)], null, Ct);
        for (int i = 1; i <= 3; i++)
            queue.Receive(ChildProcess.Bound, Ct).Complete();
        string[] lines = Tool.Succeeds("queue", "tail", "orders", "--last", "3", "--root", root.Queues).Output.Split('\n');
        Assert.Equal(["1-3  done", "1-4  waiting", "1-5  waiting"], new[] { 0, 2, 4 }.Select(i => string.Join("  ", lines[i].Split("  ")[..2])), StringComparer.Ordinal);
        Assert.Equal(["    \"3\"", "    \"4\"", "    \"5\"", ""], [lines[1], lines[3], lines[5], lines[6]]);
    }

    [Fact]
    public async Task TailFollowsAndSaysWhatItDidNotSee()
    {
        using CliRoot root = new();
        QueueOptions few = root.Options with { Blocks = 4 };
        using MessageQueue queue = MessageQueue.Open("orders", few);
        queue.Send("before"u8, null, Ct);
        using ChildProcess tail = Tool.Start("queue", "tail", "orders", "--follow", "--last", "1", "--json", "--count", "4", "--root", root.Queues);
        Assert.Equal("before", Payload(await tail.ReadLineAsync()));
        queue.Receive(ChildProcess.Bound, Ct).Complete();
        queue.Send("seen"u8, null, Ct);
        Assert.Equal("seen", Payload(await tail.ReadLineAsync()));
        queue.Receive(ChildProcess.Bound, Ct).Complete();

        // A thousand through four blocks, faster than anybody looks.
        tail.Stop();
        for (int i = 0; i < 1_000; i++)
        {
            queue.Send(System.Text.Encoding.ASCII.GetBytes(i.ToString(CultureInfo.InvariantCulture)), null, Ct);
            queue.Receive(ChildProcess.Bound, Ct).Complete();
        }

        // The last three are there still; the fourth block is taken for the next message.
        tail.Continue();
        Assert.Equal(["997", "998"], [Payload(await tail.ReadLineAsync()), Payload(await tail.ReadLineAsync())]);
        Assert.Equal(0, tail.WaitForExit());
        Eventually.True(() => tail.Error.Contains("3 messages shown of 1,001 sent meanwhile.", StringComparison.Ordinal), "the sum is told");
        using MessageQueue still = MessageQueue.Open("orders", few);
        Assert.Equal(1_002, still.Statistics.Completed.Inline.Messages);
    }

    private static string Payload(string line) => JsonDocument.Parse(line).RootElement.GetProperty("payload_text").GetString()!;

    private static JsonElement Json(params string[] arguments) => JsonDocument.Parse(Tool.Succeeds(arguments).Output).RootElement;
}
