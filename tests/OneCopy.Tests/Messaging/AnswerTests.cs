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

    /// <summary>The object behind a message is used for the next ones; a copy that is under way meanwhile is never some of the one and some of the other.</summary>
    [Fact]
    public void A_copy_has_the_message_s_own_bytes_or_is_refused_whatever_is_answered_and_received_meanwhile()
    {
        // On a crowded machine the copying threads may get none of the time that so many take: then it goes on until they did.
        const int Messages = 12_000;
        const int Enough = 200;
        using MessageQueue sender = _root.Open("q", new QueueOptions { Blocks = 2 });
        using MessageQueue receiver = _root.Open();
        Shared shared = new();
        Thread sending = new(() =>
        {
            byte[] payload = new byte[6000];
            for (int i = 1; !Volatile.Read(ref shared.IsOver); i++)
            {
                Span<byte> filled = payload.AsSpan(0, LengthOf(i));
                filled.Fill((byte)(i % 251));
                sender.Send(filled);
            }
        });
        Thread[] copying = [.. Enumerable.Range(0, 2).Select(n => new Thread(() => Copy(shared, byInPlace: n == 1)))];
        sending.Start();
        foreach (Thread thread in copying)
            thread.Start();
        long until = Environment.TickCount64 + 20_000;
        for (int i = 1; i <= Messages || ((Volatile.Read(ref shared.Copied) <= Enough || Volatile.Read(ref shared.Refused) <= Enough) && Environment.TickCount64 < until); i++)
        {
            ReceivedMessage message = receiver.Receive(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
            shared.Message = new Box(message);
            if (i % 5 == 0)
                Thread.SpinWait(i % 300);
            message.Complete();
        }

        Volatile.Write(ref shared.IsOver, true);
        Eventually.True(
            () =>
            {
                if (receiver.TryReceive(out ReceivedMessage left))
                    left.Complete();
                return sending.Join(TimeSpan.Zero);
            },
            "the sender has found room for its last one");
        foreach (Thread thread in copying)
            Assert.True(thread.Join(TimeSpan.FromSeconds(20)));
        Assert.Equal("", shared.Wrong);
        Assert.True(shared.Copied > Enough && shared.Refused > Enough, $"{shared.Copied} copied, {shared.Refused} refused");
    }

    private static int LengthOf(long number) => number % 7 == 0 ? 5000 : number % 2 == 0 ? 3900 : (int)(number % 400) + 1;

    private static void Copy(Shared shared, bool byInPlace)
    {
        byte[] copy = new byte[6000];
        while (!Volatile.Read(ref shared.IsOver))
        {
            if (Volatile.Read(ref shared.Message) is not { } box)
                continue;
            ReceivedMessage message = box.Message;
            try
            {
                // In place, the memory may be another message's by the time it is read: where it is, and how long, is what can be right or wrong.
                int length = byInPlace ? message.TryGetSpan(out ReadOnlySpan<byte> payload) ? payload.Length : -1 : (int)message.Length;
                if (!byInPlace)
                    message.CopyTo(copy);
                Interlocked.Increment(ref shared.Copied);
                bool isRight = length == LengthOf(message.SequenceNumber)
                    && (byInPlace || copy.AsSpan(0, length).IndexOfAnyExcept((byte)(message.SequenceNumber % 251)) < 0);
                if (!isRight)
                    shared.Wrong = $"message {message.SequenceNumber} of {length} bytes begins with {copy[0]}";
            }
            catch (InvalidOperationException)
            {
                Interlocked.Increment(ref shared.Refused);
            }
        }
    }

    private sealed record Box(ReceivedMessage Message);

    private sealed class Shared
    {
        public Box? Message;
        public bool IsOver;
        public int Copied;
        public int Refused;
        public string Wrong = "";
    }
}
