using System.Text.Json;
using Xunit;

namespace OneCopy.Tests.Cli;

public class QueueCommandTests
{
    [Fact]
    public void ListStatAndDelete()
    {
        using CliRoot root = new();
        Assert.Contains("There are no queues in", Tool.Succeeds("queue", "list", "--root", root.Queues).Output, StringComparison.Ordinal);
        using (MessageQueue queue = MessageQueue.Open("orders", root.Options))
        {
            queue.Send(new byte[100], null, TestContext.Current.CancellationToken);
            queue.Send(new byte[5_000], null, TestContext.Current.CancellationToken);
            using ReceivedMessage held = queue.Receive(ChildProcess.Bound, TestContext.Current.CancellationToken);
            JsonElement line = Assert.Single(JsonDocument.Parse(Tool.Succeeds("queue", "list", "--root", root.Queues, "--json").Output).RootElement.EnumerateArray());
            Assert.Equal("orders", line.GetProperty("name").GetString());
            Assert.Equal((1, 1), (line.GetProperty("queued").GetInt32(), line.GetProperty("leased").GetInt32()));
            Assert.Equal((5_100, 1), (line.GetProperty("bytes_pending").GetInt32(), line.GetProperty("participants").GetInt32()));

            JsonElement stat = JsonDocument.Parse(Tool.Succeeds("queue", "stat", "orders", "--root", root.Queues, "--json").Output).RootElement;
            JsonElement participant = Assert.Single(stat.GetProperty("participants").EnumerateArray());
            Assert.Equal(Environment.ProcessId, participant.GetProperty("pid").GetInt32());
            Assert.Equal(5_000, stat.GetProperty("sent").GetProperty("arena").GetProperty("bytes").GetInt32());
            Assert.Equal(0, stat.GetProperty("moved").GetInt32());
            string text = Tool.Succeeds("queue", "stat", "orders", "--root", root.Queues).Output;
            Assert.Contains("1 message waiting, 1 held by receivers", text, StringComparison.Ordinal);

            Tool refused = Tool.Run("queue", "delete", "orders", "--root", root.Queues);
            Assert.Equal(1, refused.ExitCode);
            Assert.Contains($"is open in process {Environment.ProcessId}", refused.Error, StringComparison.Ordinal);
            held.Complete();
        }

        Assert.Equal("Queue orders is deleted.\n", Tool.Succeeds("queue", "delete", "orders", "--root", root.Queues).Output);
        Assert.Equal(1, Tool.Run("queue", "delete", "orders", "--root", root.Queues).ExitCode);
        Assert.Equal(1, Tool.Run("queue", "stat", "orders", "--root", root.Queues).ExitCode);
    }
}
