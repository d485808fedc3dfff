using System.Text.Json;
using OneCopy.Tests.Messaging;
using Xunit;

namespace OneCopy.Tests.Cli;

/// <summary>What killed processes leave, and how it is cleared away.</summary>
public class CleanCommandTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WhatTheKilledLeftIsShownAndClearedAway()
    {
        using CliRoot root = new();
        int[] killed = await LeaveThingsBehindAsync(root);
        string[] before = Inside.FilesOf(Path.Combine(root.Queues, "orders"));
        Assert.Equal(4, before.Length);
        JsonElement would = Assert.Single(JsonDocument.Parse(Tool.Succeeds("queue", "clean", "--all", "--dry-run", "--json", "--root", root.Queues).Output).RootElement.EnumerateArray());
        Assert.Equal(killed.Order(), would.GetProperty("dead").EnumerateArray().Select(d => d.GetProperty("pid").GetInt32()).Order());
        Assert.Equal((1, 1, 2), (would.GetProperty("given_back").GetInt32(), would.GetProperty("lost").GetInt32(), would.GetProperty("files").GetArrayLength()));
        Assert.Equal(before, Inside.FilesOf(Path.Combine(root.Queues, "orders")));

        string text = Tool.Succeeds("queue", "clean", "orders", "--root", root.Queues).Output;
        Assert.StartsWith("orders: 3 dead participants (process ", text, StringComparison.Ordinal);
        Assert.Contains("; 1 message held by them given back; 1 message lost with its sender; 2 files, 1.18 MB, removed: p2-2, p3-3.", text, StringComparison.Ordinal);
        Assert.Equal(2, Inside.FilesOf(Path.Combine(root.Queues, "orders")).Length);
        Assert.Equal("orders: nothing to clean.\n", Tool.Succeeds("queue", "clean", "orders", "--remove-empty", "--root", root.Queues).Output);

        // What was sent is there, and its sender's file goes with it. Then nothing is left.
        using (MessageQueue queue = MessageQueue.Open("orders", root.Options))
        {
            using ReceivedMessage message = queue.Receive(ChildProcess.Bound, Ct);
            Assert.Equal((100, 2), (message.Length, message.DeliveryAttempt));
            message.Complete();
        }

        Assert.Equal("orders: nobody and nothing left (--remove-empty deletes it).\n", Tool.Succeeds("queue", "clean", "--all", "--root", root.Queues).Output);
        Assert.Equal("orders: nobody and nothing left: deleted.\n", Tool.Succeeds("queue", "clean", "--all", "--remove-empty", "--root", root.Queues).Output);
        Assert.Equal($"There are no queues in {root.Queues}.\n", Tool.Succeeds("queue", "clean", "--all", "--root", root.Queues).Output);
        Assert.Equal(1, Tool.Run("queue", "clean", "orders", "--root", root.Queues).ExitCode);
    }

    [Fact]
    public void ALivingQueueIsLeftAloneAndADamagedOneNamed()
    {
        using CliRoot root = new();
        using MessageQueue queue = MessageQueue.Open("orders", root.Options);
        Directory.CreateDirectory(Path.Combine(root.Queues, "begun"));
        Directory.CreateDirectory(Path.Combine(root.Queues, "broken"));
        File.WriteAllText(Path.Combine(root.Queues, "broken", "ring"), "no ring");
        Tool run = Tool.Run("queue", "clean", "--all", "--remove-empty", "--root", root.Queues);
        Assert.Equal((1, "begun: nobody and nothing left: deleted.\norders: nothing to clean.\n"), (run.ExitCode, run.Output));
        Assert.Contains("broken: ", run.Error, StringComparison.Ordinal);
        Assert.Equal(["broken", "orders"], MessageQueue.List(root.Queues), StringComparer.Ordinal);
        queue.Send([1], null, Ct);
    }

    /// <summary>A sender with a message that a receiver holds, that receiver, and a sender with an attached message; all killed.</summary>
    private static async Task<int[]> LeaveThingsBehindAsync(CliRoot root)
    {
        using ChildProcess sender = ChildProcess.Start("queue-send", root.Queues, "orders", "1", "100");
        Assert.Equal("sent", await sender.ReadLineAsync());
        using ChildProcess holder = ChildProcess.Start("queue-hold", root.Queues, "orders");
        Assert.Equal("ready", await holder.ReadLineAsync());
        Assert.Equal("holding 100", await holder.ReadLineAsync());
        using ChildProcess attached = ChildProcess.Start("queue-attach", root.Queues, "orders", "1000000");
        Assert.Equal("sending", await attached.ReadLineAsync());

        // All stand still first, so that none recovers another.
        ChildProcess[] children = [sender, holder, attached];
        foreach (ChildProcess child in children)
            child.Stop();
        foreach (ChildProcess child in children)
            child.Kill();
        return [.. children.Select(c => c.Pid)];
    }
}
