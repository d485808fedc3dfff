using OneCopy.Interop;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Messages into mapped files, and out of them.</summary>
public sealed class ViewCopyTests : IDisposable
{
    private const int Length = 3 << 20;
    private readonly TestRoot _root = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("onecopy-test-").FullName;
    private readonly byte[] _payload = new byte[Length];

    public ViewCopyTests() => new Random(5).NextBytes(_payload);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _root.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_payload_goes_to_any_place_in_a_file(bool attached)
    {
        const int Place = 4321;
        using MessageQueue queue = _root.Open();
        Task sent = Begin(queue, attached);
        using MappedFile file = MappedFile.Create(Path.Combine(_folder, "file"), Place + Length);
        using (MappedView view = file.Map(Place - 21, Length + 21))
        using (ReceivedMessage message = await queue.ReceiveAsync(Ct))
        {
            message.CopyTo(view, 21, Ct);
            message.Complete();
        }

        await sent;
        byte[] content = await File.ReadAllBytesAsync(Path.Combine(_folder, "file"), Ct);
        Assert.Equal(new byte[Place], content[..Place]);
        Assert.Equal(_payload, content[Place..]);
    }

    [Fact]
    public async Task Parts_go_where_they_are_wanted()
    {
        using MessageQueue queue = _root.Open();
        Task sent = Begin(queue, attached: true);
        using MappedView view = MappedView.CreateAnonymous(Length);
        using (ReceivedMessage message = await queue.ReceiveAsync(Ct))
        {
            message.CopyTo(Length / 3, view, 0, Length - (Length / 3), Ct);
            message.CopyTo(0, view, Length - (Length / 3), Length / 3, Ct);
            Assert.Throws<ArgumentOutOfRangeException>(() => message.CopyTo(1, view, 0, Length, Ct));
            Assert.Throws<ArgumentOutOfRangeException>(() => message.CopyTo(0, view, 1, Length, Ct));
            message.Complete();
        }

        await sent;
        Assert.Equal([.. _payload[(Length / 3)..], .. _payload[..(Length / 3)]], view.GetReadOnlySpan(0, Length).ToArray());
    }

    [Fact]
    public async Task A_view_that_is_read_only_or_disposed_is_refused_and_the_message_stays()
    {
        using MessageQueue queue = _root.Open();
        Task sent = Begin(queue, attached: true);
        string path = Path.Combine(_folder, "file");
        await File.WriteAllBytesAsync(path, new byte[Length], Ct);
        using MappedFile file = MappedFile.Open(path);
        MappedView view = file.Map();
        using ReceivedMessage message = await queue.ReceiveAsync(Ct);
        Assert.Throws<NotSupportedException>(() => message.CopyTo(view, cancellationToken: Ct));
        view.Dispose();
        Assert.Throws<ObjectDisposedException>(() => message.CopyTo(view, cancellationToken: Ct));
        Assert.Equal(_payload, message.ToArray(Ct));
        message.Complete();
        await sent;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_destination_that_is_truncated_is_an_exception_and_the_message_stays(bool attached)
    {
        using MessageQueue queue = _root.Open();
        Task sent = Begin(queue, attached);
        string path = Path.Combine(_folder, "file");
        using MappedFile file = MappedFile.Create(path, Length);
        using MappedView view = file.Map();
        await using (FileStream other = new(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            other.SetLength(5 * Environment.SystemPageSize);
        using ReceivedMessage message = await queue.ReceiveAsync(Ct);
        MappedFileFaultException e = Assert.Throws<MappedFileFaultException>(() => message.CopyTo(view, cancellationToken: Ct));
        Assert.Equal(5 * Environment.SystemPageSize, e.ViewOffset);
        Assert.Equal(_payload, message.ToArray(Ct));
        message.Complete();
        await sent;
    }

    [Fact]
    public async Task A_view_is_sent_from_where_it_is()
    {
        using MessageQueue queue = _root.Open();
        string path = Path.Combine(_folder, "file");
        await File.WriteAllBytesAsync(path, _payload, Ct);
        using MappedFile file = MappedFile.Open(path);
        MappedView view = file.Map(777, Length - 777);
        Task sent = queue.SendAsync(view.AsSequence(), cancellationToken: Ct).AsTask();
        view.Dispose(); // Unmapped when the message is done.
        using ReceivedMessage message = await queue.ReceiveAsync(Ct);
        Assert.Equal(Lane.Attached, message.Lane);
        Assert.Equal(_payload[777..], message.ToArray(Ct));
        message.Complete();
        await sent;
        Assert.DoesNotContain(path, await File.ReadAllTextAsync("/proc/self/maps", Ct), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_source_that_is_truncated_fails_its_send()
    {
        using MessageQueue queue = _root.Open();
        string path = Path.Combine(_folder, "file");
        await File.WriteAllBytesAsync(path, _payload, Ct);
        using MappedFile file = MappedFile.Open(path);
        using MappedView view = file.Map();
        Task sent = queue.SendAsync(view.AsSequence(), cancellationToken: Ct).AsTask();
        await using (FileStream other = new(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            other.SetLength(Length / 2);
        using (ReceivedMessage message = await queue.ReceiveAsync(Ct))
            Assert.ThrowsAny<Exception>(() => message.ToArray(Ct));
        OneCopyException e = await Assert.ThrowsAsync<OneCopyException>(() => sent);
        Assert.Equal(Errno.EFAULT, e.Errno);
    }

    [Fact]
    public async Task A_short_source_that_is_truncated_fails_its_send_as_well_where_it_is_copied_though_long_enough()
    {
        using MessageQueue queue = _root.Open(options: new QueueOptions { AttachThreshold = 16, Attach = AttachMode.Never });
        string path = Path.Combine(_folder, "file");
        await File.WriteAllBytesAsync(path, _payload, Ct);
        using MappedFile file = MappedFile.Open(path);
        using MappedView view = file.Map();
        ReadOnlyMemory<byte> source = view.GetReadOnlyMemory(0, 100);
        await queue.SendAsync(_payload.AsMemory(0, 10), cancellationToken: Ct);
        await queue.SendAsync(source, cancellationToken: Ct);
        await using (FileStream other = new(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            other.SetLength(0);
        OneCopyException e = await Assert.ThrowsAsync<OneCopyException>(async () => await queue.SendAsync(source, cancellationToken: Ct));
        Assert.Equal((Errno.EFAULT, 2L), (e.Errno, queue.Statistics.Queued));
    }

    private Task Begin(MessageQueue queue, bool attached)
    {
        if (attached)
            return queue.SendAsync(_payload, cancellationToken: Ct).AsTask();
        queue.Send(_payload, cancellationToken: Ct);
        return Task.CompletedTask;
    }
}
