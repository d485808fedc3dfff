using OneCopy.Cli.Bench.Queue.Workers;
using OneCopy.Tests.Messaging;
using Xunit;

namespace OneCopy.Tests.Cli;

/// <summary>The bench's own ends: what they look at in the end is what they received, however it came.</summary>
public sealed class BenchLinkTests : IDisposable
{
    private readonly TestRoot _root = new();

    public void Dispose() => _root.Dispose();

    [Theory]
    [InlineData(Ways.OneByOne, 3)]
    [InlineData(Ways.Batch, 3)]
    [InlineData(Ways.Into, 3)]
    [InlineData(Ways.IntoBatch, 1)]
    [InlineData(Ways.IntoBatch, 3)]
    [InlineData(Ways.IntoBatch, 200)]
    public void Few_messages_and_many_are_what_was_sent(string way, int count)
    {
        using Link receiver = new LinkPlan(way, Role.Receiver, 64, _root.Path, "q").Open();
        using Link sender = new LinkPlan(way, Role.Sender, 64, _root.Path, "q").Open();
        sender.Send(count);
        receiver.Receive(count);
        receiver.Check();
        Assert.Equal("inline", receiver.Lane);
    }
}
