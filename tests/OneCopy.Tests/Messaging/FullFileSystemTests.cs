using OneCopy.Interop;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>A file system that fills up is an error with a name, at a call of the user's, and never SIGBUS.</summary>
public sealed class FullFileSystemTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public void A_queue_that_does_not_fit_is_not_made()
    {
        using SmallFileSystem small = new("tmpfs", 128 * 1024);
        OneCopyException e = Assert.Throws<OneCopyException>(() => MessageQueue.Open("q", new QueueOptions { Root = small.Path }));
        Assert.Equal((Errno.ENOSPC, "ENOSPC", "fallocate"), (e.Errno, e.ErrnoName, e.Call));
        Assert.Contains("file system is full", e.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(small.Path, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void A_message_that_does_not_fit_is_an_error_and_the_queue_goes_on()
    {
        using SmallFileSystem small = new("tmpfs", 4 << 20);
        using MessageQueue queue = MessageQueue.Open("q", new QueueOptions { Root = small.Path });
        byte[] payload = new byte[1_000_000];
        int sent = 0;
        OneCopyException? full = null;
        while (full is null)
        {
            try
            {
                queue.Send(payload, cancellationToken: Ct);
                sent++;
            }
            catch (OneCopyException e)
            {
                full = e;
            }
        }

        Assert.Equal(Errno.ENOSPC, full.Errno);
        Assert.InRange(sent, 1, 4);
        Assert.Throws<OneCopyException>(() => queue.Send(payload, cancellationToken: Ct));
        Assert.Throws<OneCopyException>(() => queue.Rent(payload.Length, cancellationToken: Ct));
        queue.Send([1], cancellationToken: Ct);
        for (int i = 0; i < sent + 1; i++)
        {
            using ReceivedMessage message = queue.Receive(TimeSpan.FromSeconds(5), Ct);
            Assert.Equal(i < sent ? payload.Length : 1, message.ToArray().Length);
            message.Complete();
        }

        Assert.False(queue.TryReceive(out _));
        queue.Send(payload, cancellationToken: Ct);
    }
}
