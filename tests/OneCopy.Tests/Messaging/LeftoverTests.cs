using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>What processes leave that are killed while they make, join, close or delete a queue is gone with the next Open, and with Clean.</summary>
public sealed class LeftoverTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Queue => Path.Combine(_root.Path, "q");

    public void Dispose() => _root.Dispose();

    [Theory]
    [InlineData(Step.CreateDirectory)]
    [InlineData(Step.CreateFile)]
    [InlineData(Step.CreateAllocate)]
    [InlineData(Step.CreateHeader)]
    [InlineData(Step.CreateLink)]
    [InlineData(Step.CreateUnlink)]
    [InlineData(Step.JoinFile)]
    [InlineData(Step.JoinLock)]
    [InlineData(Step.JoinAllocate)]
    [InlineData(Step.JoinHeader)]
    [InlineData(Step.JoinRename)]
    [InlineData(Step.JoinEntry)]
    [InlineData(Step.JoinCheck)]
    [InlineData(Step.JoinLeftovers)]
    [InlineData(Step.JoinAttention)]
    public void A_process_killed_while_it_makes_or_joins_a_queue_leaves_nothing_after_the_next_open_or_cleaning(string step)
    {
        foreach (bool clean in new[] { false, true })
        {
            Die(step, "create");
            if (clean)
            {
                QueueCleaning? done = MessageQueue.Clean("q", _root.Path);
                bool wasMade = File.Exists(Path.Combine(Queue, "ring"));
                Assert.Equal(wasMade, Directory.Exists(Queue));
                Assert.Equal(wasMade ? ["ring"] : [], wasMade ? Inside.FilesOf(Queue) : []);
                Assert.Equal(step is Step.CreateDirectory, done is null);
                Assert.Equal(!wasMade, done?.DirectoryRemoved ?? true);
            }

            using (MessageQueue queue = _root.Open())
            {
                // The thread that watches peers may be at the dead one at the same moment; then Open does not wait for it.
                Eventually.True(() => Inside.FilesOf(Queue).Length == 2 && queue.Statistics.Participants.Count == 1, "the dead one's file is gone");
                Assert.Equal([Path.GetFileName(queue.Self().Path), "ring"], Inside.FilesOf(Queue));
                queue.Send([1], cancellationToken: Ct);
                queue.Receive(s_soon, Ct).Complete();
                Assert.Single(queue.Statistics.Participants);
            }

            Assert.Equal(["ring"], Inside.FilesOf(Queue));
            Assert.True(MessageQueue.Delete("q", _root.Path));
        }
    }

    [Theory]
    [InlineData(Step.CloseBegin)]
    [InlineData(Step.CloseLeases)]
    [InlineData(Step.CloseBlocks)]
    [InlineData(Step.DeathRing)]
    [InlineData(Step.DeathBits)]
    [InlineData(Step.DeathMark)]
    [InlineData(Step.RetireCheck)]
    [InlineData(Step.RetireUnlink)]
    [InlineData(Step.RetireCounters)]
    [InlineData(Step.RetireEntry)]
    [InlineData(Step.RetireRing)]
    public void A_process_killed_while_it_closes_leaves_its_message_and_nothing_else(string step)
    {
        foreach (bool clean in new[] { false, true })
        {
            using (MessageQueue sender = _root.Open())
                sender.Send([1], cancellationToken: Ct);
            Die(step, "close");
            if (clean)
            {
                QueueCleaning done = MessageQueue.Clean("q", _root.Path)!;
                Assert.Equal((0, false), (done.Unrecovered, done.DirectoryRemoved));
                Assert.Equal(2, Inside.FilesOf(Queue).Length); // The sender's, and the ring.
            }

            using (MessageQueue queue = _root.Open())
            {
                using (ReceivedMessage message = queue.Receive(s_soon, Ct))
                {
                    Assert.Equal([1], message.ToArray());
                    message.Complete();
                }

                Assert.False(queue.TryReceive(out _));
                Eventually.True(() => Inside.FilesOf(Queue).Length == 2 && queue.Statistics.Participants.Count == 1, "the dead ones' files are gone");
            }

            Assert.Equal(["ring"], Inside.FilesOf(Queue));
        }
    }

    [Theory]
    [InlineData(Step.DeleteMark)]
    [InlineData(Step.DeleteCheck)]
    [InlineData(Step.DeleteFiles)]
    [InlineData(Step.DeleteRing)]
    [InlineData(Step.DeleteDirectory)]
    public void A_deletion_that_was_killed_is_ended_by_cleaning_from_its_mark_on(string step)
    {
        using (MessageQueue sender = _root.Open())
            sender.Send([1], cancellationToken: Ct);
        Die(step, "delete");
        QueueCleaning done = MessageQueue.Clean("q", _root.Path)!;
        Assert.Equal(step is not Step.DeleteMark, done.DirectoryRemoved);
        Assert.Equal(step is Step.DeleteMark, Directory.Exists(Queue));
    }

    [Fact]
    public async Task Cleaning_recovers_the_dead_and_says_what_it_did()
    {
        using (MessageQueue sender = _root.Open())
            sender.Send([1], cancellationToken: Ct);
        using (ChildProcess holder = ChildProcess.Start("queue-hold", _root.Path, "q"))
        using (ChildProcess attacher = ChildProcess.Start("queue-attach", _root.Path, "q", "1000000"))
        {
            Assert.Equal("ready", await holder.ReadLineAsync());
            Assert.Equal("holding 1", await holder.ReadLineAsync());
            Assert.Equal("sending", await attacher.ReadLineAsync());
            Assert.Empty(MessageQueue.Clean("q", _root.Path)!.Files); // The living are not touched.
            Assert.Equal(4, Inside.FilesOf(Queue).Length);

            // Both at once, so that neither recovers the other.
            attacher.Stop();
            holder.Kill();
            attacher.Kill();
        }

        QueueCleaning done = MessageQueue.Clean("q", _root.Path)!;
        Assert.Equal((2, 0, 1, 1), (done.Recovered, done.Unrecovered, done.GivenBack, done.Lost));
        Assert.Equal(2, done.Files.Count);
        Assert.All(done.Files, f => Assert.StartsWith("p", f, StringComparison.Ordinal));
        Assert.InRange(done.Bytes, 2 * 512 * 1024, 4 * 1024 * 1024);
        using MessageQueue queue = _root.Open();
        Assert.Equal(1, queue.Statistics.LostWithSender);
        using ReceivedMessage message = queue.Receive(s_soon, Ct);
        Assert.Equal(2, message.DeliveryAttempt);
        message.Complete();
        QueueCleaning again = MessageQueue.Clean("q", _root.Path)!;
        Assert.Equal((0, 0, 0L, false), (again.Recovered, again.Files.Count, again.Bytes, again.DirectoryRemoved));
    }

    [Fact]
    public void What_is_no_queue_cannot_be_cleaned_and_what_is_not_ours_stays()
    {
        Assert.Null(MessageQueue.Clean("q", _root.Path));
        Directory.CreateDirectory(Queue);
        File.WriteAllText(Path.Combine(Queue, "t-1"), "left");
        File.WriteAllText(Path.Combine(Queue, "notes"), "somebody's");
        Directory.CreateDirectory(Path.Combine(_root.Path, ".t-1"));
        QueueCleaning done = MessageQueue.Clean("q", _root.Path)!;
        Assert.Equal((1, false), (done.Files.Count, done.DirectoryRemoved));
        Assert.Equal(["notes"], Inside.FilesOf(Queue));
        Assert.Equal([Queue], Directory.GetFileSystemEntries(_root.Path));
    }

    private void Die(string step, string what)
    {
        using ChildProcess child = ChildProcess.Start("queue-die-at", _root.Path, "q", step, what);
        Assert.Equal(128 + 9, child.WaitForExit());
    }
}
