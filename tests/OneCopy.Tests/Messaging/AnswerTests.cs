using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>One message, several threads: whatever they do with it at the same time, the process lives.</summary>
public sealed class AnswerTests : IDisposable
{
    private readonly TestRoot _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public async Task Reading_a_message_while_another_thread_completes_it_succeeds_or_is_refused()
    {
        using ChildProcess both = ChildProcess.Start("queue-read-answered", _root.Path, "q", "300");
        string said = await both.ReadLineAsync();
        Assert.Equal("InvalidOperationException:900", said);
        both.Finish();
    }

    [Fact]
    public async Task Disposing_a_message_while_another_thread_completes_it_does_not_take_its_memory_away()
    {
        using ChildProcess both = ChildProcess.Start("queue-answer-twice", _root.Path, "q");
        Assert.Equal("taken back, and the sender's file is gone", await both.ReadLineAsync());
        Assert.Equal("False", await both.ReadLineAsync());
        both.Finish();
    }
}
