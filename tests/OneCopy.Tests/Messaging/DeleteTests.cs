using OneCopy.Interop;
using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Deleting a queue while others join it, delete it too, or died at it.</summary>
public sealed class DeleteTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Fact]
    public void A_deletion_that_died_halfway_takes_nothing_from_those_who_use_the_queue()
    {
        using MessageQueue user = _root.Open();
        user.Send([7], cancellationToken: Ct);
        using (Ring ring = user.OpenRing())
            Volatile.Write(ref ring.Deleted, 1);
        using MessageQueue joiner = _root.Open();
        Assert.True(File.Exists(user.Self().Path));
        using ReceivedMessage message = joiner.Receive(s_soon, Ct);
        Assert.Equal([7], message.ToArray());
        message.Complete();
    }

    [Fact]
    public void A_deletion_that_died_halfway_is_ended_by_the_next_who_joins()
    {
        Guid deleted;
        MessageQueue user = _root.Open();
        user.Send([7], cancellationToken: Ct);
        using (Ring ring = user.OpenRing())
        {
            Volatile.Write(ref ring.Deleted, 1);
            deleted = ring.QueueId;
        }

        user.Dispose();
        using MessageQueue next = _root.Open();
        using (Ring ring = next.OpenRing())
            Assert.NotEqual(deleted, ring.QueueId);
        Assert.False(next.TryReceive(out _));
        Assert.Equal(2, Inside.FilesOf(next.Path).Length);
    }

    [Fact]
    public async Task A_deletion_that_had_to_wait_for_another_leaves_alone_what_was_made_since()
    {
        MessageQueue first = _root.Open();
        string path = first.Path;
        using Ring ring = first.OpenRing();
        await first.DisposeAsync();

        // The other deleter has the lock ...
        Flock.flock(ring.File.Fd(), Flock.LOCK_EX).OrThrow("flock");
        Task<bool> second = Task.Run(() => MessageQueue.Delete("q", _root.Path), Ct);
        Eventually.True(() => Inside.DescriptorsBelow(path).Length == 2, "the second deleter has opened the ring");

        // ... and ends its work.
        Directory.Delete(path, recursive: true);
        await using MessageQueue anew = _root.Open();
        anew.Send([9], cancellationToken: Ct);
        Flock.flock(ring.File.Fd(), Flock.LOCK_UN).OrThrow("flock");
        OneCopyException refused = await Assert.ThrowsAsync<OneCopyException>(() => second.WaitAsync(s_soon, Ct));
        Assert.Contains(Environment.ProcessId.ToString(), refused.Message, StringComparison.Ordinal);
        Assert.Equal(["p1-1", "ring"], Inside.FilesOf(path));
        await using MessageQueue joiner = _root.Open();
        using ReceivedMessage message = joiner.Receive(s_soon, Ct);
        Assert.Equal([9], message.ToArray());
        message.Complete();
    }
}
