using OneCopy.Tests.Messaging;
using Xunit;

namespace OneCopy.Tests.Streaming;

/// <summary>The ends in two processes: all bytes in order, and what each end learns when the other is killed.</summary>
public sealed class StreamProcessTests : IDisposable
{
    private readonly TestRoot _root = new();

    public void Dispose() => _root.Dispose();

    [Theory]
    [InlineData("stream-write", "stream-read")]
    [InlineData("pipe-write", "pipe-read")]
    [InlineData("stream-write", "pipe-read")]
    [InlineData("pipe-write", "stream-read")]
    public async Task All_bytes_arrive_in_order(string writes, string reads)
    {
        using ChildProcess writer = ChildProcess.Start(writes, _root.Path, "q", "5000000");
        using ChildProcess reader = ChildProcess.Start(reads, _root.Path, "q");
        Assert.Equal("written", await writer.ReadLineAsync());
        writer.Finish();
        Assert.Equal("read 5000000 ok", await reader.ReadLineAsync());
        reader.Finish();
        using MessageQueue queue = _root.Open();
        Assert.Equal((0, 0), (queue.Statistics.Queued, queue.Statistics.Leased));
    }

    [Fact]
    public async Task What_a_writer_sent_is_read_after_it_has_ended()
    {
        using ChildProcess writer = ChildProcess.Start("stream-write", _root.Path, "q", "500000");
        Assert.Equal("written", await writer.ReadLineAsync());
        writer.Finish();
        using ChildProcess reader = ChildProcess.Start("stream-read", _root.Path, "q");
        Assert.Equal("read 500000 ok", await reader.ReadLineAsync());
    }

    [Fact]
    public async Task The_reader_of_a_killed_writer_gets_what_was_flushed_and_then_an_error()
    {
        using ChildProcess reader = ChildProcess.Start("stream-read", _root.Path, "q");
        using ChildProcess writer = ChildProcess.Start("stream-write", _root.Path, "q", "500000");
        Assert.Equal("written", await writer.ReadLineAsync());
        writer.Kill();
        string said = await reader.ReadLineAsync();
        Assert.StartsWith("IOException after 500000 ok: ", said, StringComparison.Ordinal);
        Assert.Contains($"broke off after 500,000 bytes: its writer, process {writer.Pid}, ended", said, StringComparison.Ordinal);
        reader.Finish();
    }

    [Theory]
    [InlineData("pipe-write")]
    public async Task The_writer_of_a_killed_reader_gets_an_error_and_nothing_is_left(string writes)
    {
        using ChildProcess writer = ChildProcess.Start(writes, _root.Path, "q", "0", "endless");
        using ChildProcess reader = ChildProcess.Start("stream-read", _root.Path, "q", "hold");
        Assert.Equal("reading", await reader.ReadLineAsync());
        reader.Kill();
        Assert.StartsWith("IOException: The reader of the stream in queue q failed, ended or closed its handle.", await writer.ReadLineAsync(), StringComparison.Ordinal);
        Assert.Equal("written", await writer.ReadLineAsync());
        writer.Finish();
        using MessageQueue queue = _root.Open();
        Assert.Equal((0, 0), (queue.Statistics.Queued, queue.Statistics.Leased));
    }

    [Fact]
    public async Task The_writer_of_a_reader_that_closes_early_sees_it()
    {
        using ChildProcess writer = ChildProcess.Start("pipe-write", _root.Path, "q", "0", "endless");
        using (MessageQueue queue = _root.Open())
        {
            await using (Stream reader = QueueStream.CreateReader(queue))
                Assert.Equal(10, await reader.ReadAtLeastAsync(new byte[10], 10));
            Assert.Equal("completed", await writer.ReadLineAsync());
            Assert.Equal("written", await writer.ReadLineAsync());
            Eventually.True(() => queue.Statistics.Queued + queue.Statistics.Leased == 0, "the rest is taken back");
        }

        writer.Finish();
    }
}
