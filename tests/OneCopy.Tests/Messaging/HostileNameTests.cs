using OneCopy.Interop;
using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>What has the name of a participant's file is something else, or nothing: the others go on.</summary>
public sealed class HostileNameTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Theory]
    [InlineData("fifo")]
    [InlineData("directory")]
    [InlineData("link")]
    [InlineData("device")]
    [InlineData("version")]
    [InlineData("another's")]
    [InlineData("huge arena")]
    public async Task It_is_said_once_and_the_messages_of_the_others_are_received(string what)
    {
        await using MessageQueue hostile = _root.Open();
        await using MessageQueue honest = _root.Open();
        for (int i = 0; i < 3; i++)
        {
            hostile.Send([1]);
            honest.Send([2]);
        }

        Plant(what, hostile.Self().Path, honest.Self().Path);
        await using MessageQueue newcomer = await Task.Run(() => _root.Open(), Ct).WaitAsync(s_soon, Ct);
        List<QueueCorruptException> said = [];
        for (int received = 0; received < 3;)
        {
            try
            {
                using ReceivedMessage message = newcomer.Receive(s_soon, Ct);
                Assert.Equal([2], message.ToArray(Ct));
                message.Complete();
                received++;
            }
            catch (QueueCorruptException e)
            {
                said.Add(e);
            }
        }

        Assert.Equal(hostile.Self().Path, Assert.Single(said).Path);
        Assert.False(newcomer.TryReceive(out _));
        Assert.Contains(newcomer.Statistics.Participants, p => p.Index == honest.ParticipantIndex);
    }

    [Fact]
    public async Task A_participant_whose_place_was_given_away_says_so()
    {
        await using MessageQueue victim = _root.Open();
        victim.Send([1]);
        string file = victim.Self().Path;
        File.Delete(file);
        await File.WriteAllBytesAsync(file, [], Ct); // Nothing locks this one.
        await using MessageQueue newcomer = _root.Open();
        Eventually.True(
            () =>
            {
                try
                {
                    victim.TrySend([2]); // Nobody takes these; when its blocks are used up it says false.
                    return false;
                }
                catch (QueueCorruptException e)
                {
                    return e.Message.Contains("given away", StringComparison.Ordinal);
                }
            },
            "the handle finds that the others do not know it any more");
        Assert.Throws<QueueCorruptException>(() => victim.TryReceive(out _));
        newcomer.Send([3]);
        using ReceivedMessage message = newcomer.Receive(s_soon, Ct);
        Assert.Equal([3], message.ToArray(Ct));
        message.Complete();
    }

    [Fact]
    public async Task A_queue_with_a_file_that_is_none_can_be_deleted_when_nobody_uses_it_any_more()
    {
        MessageQueue queue = _root.Open();
        queue.Send([1]);
        string file = queue.Self().Path;
        using (ChildProcess idle = ChildProcess.Start("queue-send", _root.Path, "q", "1", "10"))
        {
            Assert.Equal("sent", await idle.ReadLineAsync());
            string its = Directory.GetFiles(queue.Path, "p2-*")[0];
            Inside.Overwrite(its, 0, new byte[128]);
            Assert.Contains("open in process", Assert.Throws<OneCopyException>(() => MessageQueue.Delete("q", _root.Path)).Message, StringComparison.Ordinal);
            idle.Kill();
        }

        await queue.DisposeAsync();
        Assert.True(MessageQueue.Delete("q", _root.Path));
        Assert.False(Directory.Exists(queue.Path));
        Assert.False(File.Exists(file));
    }

    [Theory]
    [InlineData("removed")]
    [InlineData("overwritten")]
    public async Task What_a_killed_receiver_held_is_handed_out_again_whatever_became_of_its_file(string what)
    {
        await using MessageQueue queue = _root.Open();
        queue.Send([7]);
        using ChildProcess holder = ChildProcess.Start("queue-hold", _root.Path, "q");
        Assert.Equal("ready", await holder.ReadLineAsync());
        Assert.Equal("holding 1", await holder.ReadLineAsync());
        string its = Directory.GetFiles(queue.Path, "p2-*")[0];
        if (what is "removed")
            File.Delete(its);
        else
            Inside.Overwrite(its, 0, new byte[128]);
        holder.Kill();

        // Those who had it open know it still; a newcomer finds that it is no participant's, and that nothing holds it.
        await using MessageQueue newcomer = _root.Open();
        using ReceivedMessage message = newcomer.Receive(s_soon, Ct);
        Assert.Equal(2, message.DeliveryAttempt);
        message.Complete();
        Eventually.True(() => queue.Statistics.Participants.Count == 2, "its place is free");
    }

    private static void Plant(string what, string path, string other)
    {
        if (what is "version" or "huge arena")
        {
            Inside.Overwrite(
                path,
                what is "version" ? ParticipantLayout.VersionOffset : ParticipantLayout.ArenaLimitOffset,
                BitConverter.GetBytes(what is "version" ? 77L : 1L << 46));
            return;
        }

        File.Delete(path);
        switch (what)
        {
            case "fifo":
                using (ChildProcess mkfifo = ChildProcess.StartProgram("mkfifo", path))
                    mkfifo.Finish();
                break;
            case "directory":
                Directory.CreateDirectory(path);
                break;
            case "link":
                File.CreateSymbolicLink(path, other);
                break;
            case "device":
                File.CreateSymbolicLink(path, "/dev/zero");
                break;
            case "another's":
                Fcntl.link(other, path).OrThrow("link", path);
                break;
        }
    }
}
