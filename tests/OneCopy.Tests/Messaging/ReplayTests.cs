using OneCopy.Interop;
using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Dead letters say what became of them, and can be sent again.</summary>
public sealed class ReplayTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Fact]
    public void A_dead_letter_says_why_whence_when_and_by_whom()
    {
        using MessageQueue queue = _root.Open();
        queue.Send([1], cancellationToken: Ct);
        queue.Receive(s_soon, Ct).Abandon();
        string id;
        DateTimeOffset sent;
        DateTimeOffset before = DateTimeOffset.UtcNow;
        using (ReceivedMessage message = queue.Receive(s_soon, Ct))
        {
            (id, sent) = (message.Id, message.TimeSent);
            Assert.False(DeadLetter.TryRead(message, out _));
            message.DeadLetter("no good:\nworse", Ct);
        }

        using MessageQueue deadLetters = _root.Open(queue.DeadLetterQueueName);
        using ReceivedMessage received = deadLetters.Receive(s_soon, Ct);
        Assert.True(DeadLetter.TryRead(received, out DeadLetter? letter));
        Assert.Equal(("no good:\nworse", "q", 2, id), (letter.Reason, letter.Queue, letter.Attempts, letter.Id));
        Assert.Equal((Environment.ProcessId, Environment.ProcessId, sent), (letter.By, letter.SenderPid, letter.TimeSent));
        Assert.InRange(letter.Time, before, DateTimeOffset.UtcNow);
        Assert.Empty(letter.History);
        received.Complete();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(5_000_000)]
    public async Task A_replayed_message_is_what_it_was_and_says_what_became_of_it(int length)
    {
        await using MessageQueue queue = _root.Open();
        byte[] payload = new byte[length];
        TestProcess.QueueModes.Fill(payload, 5);
        MessageProperties properties = new() { MessageId = "m", CorrelationId = "c", ContentType = "t" };
        properties.Headers["mine"] = "x";
        queue.Send(payload, new SendOptions { Properties = properties }, Ct);
        for (int round = 1; round <= 12; round++)
        {
            using (ReceivedMessage message = queue.Receive(s_soon, Ct))
                message.DeadLetter($"reason {round}", Ct);
            Assert.Equal(1, round % 2 == 0 ? queue.ReplayDeadLetters(cancellationToken: Ct) : await queue.ReplayDeadLettersAsync(cancellationToken: Ct));
        }

        using ReceivedMessage again = queue.Receive(s_soon, Ct);
        Assert.Equal(1, again.DeliveryAttempt);
        Assert.Equal(payload, again.ToArray());
        Assert.Equal(("m", "c", "t"), (again.Properties.MessageId, again.Properties.CorrelationId, again.Properties.ContentType));
        Assert.Equal(["mine", DeadLetterHeaders.History], again.Properties.Headers.Keys.Order(StringComparer.Ordinal).ToArray(), StringComparer.Ordinal);
        IReadOnlyList<PastDeadLetter> history = DeadLetter.HistoryOf(again.Properties);
        Assert.Equal([.. Enumerable.Range(3, 10).Select(r => $"reason {r}")], history.Select(h => h.Reason).ToArray(), StringComparer.Ordinal);
        Assert.All(history, h => Assert.Equal(("q", 1, Environment.ProcessId), (h.Queue, h.Attempts, h.By)));
        Assert.Equal(history.Select(h => h.Time), history.Select(h => h.Time).Order());

        // As a dead letter once more, it has both: its own reason and the earlier ones.
        again.DeadLetter("at last", Ct);
        await using MessageQueue deadLetters = _root.Open(queue.DeadLetterQueueName);
        using ReceivedMessage received = deadLetters.Receive(s_soon, Ct);
        Assert.True(DeadLetter.TryRead(received, out DeadLetter? letter));
        Assert.Equal(("at last", "reason 12", 10), (letter.Reason, letter.History[^1].Reason, letter.History.Count));
        received.Complete();
        Assert.Equal(0, queue.ReplayDeadLetters(cancellationToken: Ct));
    }

    [Fact]
    public void The_longest_properties_names_and_reasons_leave_room_for_the_history()
    {
        using MessageQueue queue = _root.Open(new string('n', 200));
        MessageProperties properties = new();
        properties.Headers["long"] = new string('x', MessageProperties.MaxEncodedLength - 16);
        Assert.Equal(MessageProperties.MaxEncodedLength, properties.EncodedLength());
        queue.Send([1], new SendOptions { Properties = properties }, Ct);
        for (int round = 0; round < 12; round++)
        {
            using (ReceivedMessage message = queue.Receive(s_soon, Ct))
                message.DeadLetter(new string('€', 499) + "😀", Ct);
            Assert.Equal(1, queue.ReplayDeadLetters(cancellationToken: Ct));
        }

        using ReceivedMessage again = queue.Receive(s_soon, Ct);
        Assert.Equal(properties.Headers["long"], again.Properties.Headers["long"]);
        Assert.Equal(10, DeadLetter.HistoryOf(again.Properties).Count);
        Assert.All(DeadLetter.HistoryOf(again.Properties), h => Assert.Equal(new string('€', 200), h.Reason));
        again.Complete();
    }

    [Fact]
    public void Only_those_asked_for_are_replayed_and_the_others_stay_as_they_were()
    {
        using MessageQueue queue = _root.Open();
        MakeDeadLetters(queue, 10);
        Assert.Equal(0, queue.ReplayDeadLetters(maximum: 0, cancellationToken: Ct));
        Assert.Equal(3, queue.ReplayDeadLetters(m => m.ToArray()[0] % 2 == 0 && DeadLetter.TryRead(m, out DeadLetter? l) && l.Reason is "no good", 3, Ct));
        Assert.Equal([0, 2, 4], TakeAll(queue).Select(m => m.Payload));
        using MessageQueue deadLetters = _root.Open(queue.DeadLetterQueueName);
        Assert.Equal([(5, 1), (6, 1), (7, 1), (8, 1), (9, 1), (1, 1), (3, 1)], TakeAll(deadLetters));
    }

    [Fact]
    public void Those_that_become_dead_letters_meanwhile_are_left_for_the_next_time()
    {
        using MessageQueue queue = _root.Open();
        MakeDeadLetters(queue, 3);
        int replayed = queue.ReplayDeadLetters(_ =>
        {
            if (queue.TryReceive(out ReceivedMessage message))
                message.DeadLetter("again", Ct);
            return true;
        }, cancellationToken: Ct);
        Assert.Equal(3, replayed);
        Assert.Equal([2], TakeAll(queue).Select(m => m.Payload));
        using MessageQueue deadLetters = _root.Open(queue.DeadLetterQueueName);
        Assert.Equal([(0, 1), (1, 1)], TakeAll(deadLetters));
    }

    [Fact]
    public void What_cannot_be_sent_again_stays_a_dead_letter_and_so_do_all_behind_it()
    {
        using MessageQueue queue = _root.Open();
        MakeDeadLetters(queue, 1);
        queue.Send(new byte[2_000_000], cancellationToken: Ct);
        queue.Receive(s_soon, Ct).DeadLetter("too long for others", Ct);
        MakeDeadLetters(queue, 1);
        using MessageQueue small = _root.Open(options: new QueueOptions { ArenaLimit = 1 << 20 });
        OneCopyException refused = Assert.Throws<OneCopyException>(() => small.ReplayDeadLetters(cancellationToken: Ct));
        Assert.Contains("ArenaLimit", refused.Message, StringComparison.Ordinal);
        Assert.Equal(1, queue.Statistics.Queued);
        using MessageQueue deadLetters = _root.Open(queue.DeadLetterQueueName);
        Assert.Equal((2, 0), (deadLetters.Statistics.Queued, deadLetters.Statistics.Leased));
        Assert.Equal(2, queue.ReplayDeadLetters(cancellationToken: Ct));
        Assert.Equal(3, TakeAll(queue).Count);
    }

    [Fact]
    public async Task A_replay_that_waits_for_room_can_be_cancelled()
    {
        await using MessageQueue queue = _root.Open(options: new QueueOptions { RingCapacity = 64 });
        MakeDeadLetters(queue, 2);
        queue.FillRing();
        using CancellationTokenSource cancel = new();
        using Ring ring = queue.OpenRing();
        Task<int> replay = queue.ReplayDeadLettersAsync(cancellationToken: cancel.Token);
        Eventually.True(() => ring.Sleepers(WaitKind.Space).Any, "the replay waits for room");
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => replay.WaitAsync(s_soon, Ct));
        Assert.Equal(64, TakeAll(queue).Count);
        Assert.Equal(2, await queue.ReplayDeadLettersAsync(cancellationToken: Ct));
    }

    [Fact]
    public void Headers_that_somebody_else_wrote_are_no_dead_letter_and_can_be_replayed()
    {
        using MessageQueue queue = _root.Open();
        using MessageQueue deadLetters = _root.Open(queue.DeadLetterQueueName);
        MessageProperties properties = new();
        properties.Headers[DeadLetterHeaders.Reason] = "mine";
        properties.Headers[DeadLetterHeaders.Attempts] = "many";
        properties.Headers[DeadLetterHeaders.History] = "what\n2026-01-01T00:00:00.0000000+00:00 7 3 q it was so\n x y\n";
        deadLetters.Send([9], new SendOptions { Properties = properties }, Ct);
        Assert.Equal(1, queue.ReplayDeadLetters(m => !DeadLetter.TryRead(m, out _), cancellationToken: Ct));
        using ReceivedMessage message = queue.Receive(s_soon, Ct);
        PastDeadLetter past = Assert.Single(DeadLetter.HistoryOf(message.Properties));
        Assert.Equal(("it was so", "q", 3, 7), (past.Reason, past.Queue, past.Attempts, past.By));
        Assert.Equal(DeadLetterHeaders.History, Assert.Single(message.Properties.Headers.Keys));
        message.Complete();
    }

    [Theory]
    [InlineData(Step.SendPublish, 0)]
    [InlineData(Step.CompleteState, 1)]
    public void A_process_that_is_killed_while_it_replays_loses_no_letter(string step, int sent)
    {
        using MessageQueue queue = _root.Open("q");
        MakeDeadLetters(queue, 2);
        using (ChildProcess child = ChildProcess.Start("queue-die-at", _root.Path, "q", step, "replay"))
            Assert.Equal(128 + 9, child.WaitForExit());
        using MessageQueue deadLetters = _root.Open(queue.DeadLetterQueueName);
        Eventually.True(() => deadLetters.Statistics is { Leased: 0, Queued: 2 }, "the letter that it held is given back");
        Assert.Equal(sent, TakeAll(queue).Count);

        // Given back, it is queued first and can be found a moment later.
        int replayed = 0;
        Eventually.True(() => (replayed += queue.ReplayDeadLetters(cancellationToken: Ct)) >= 2, "both can be found");
        Assert.Equal(2, replayed);
        Assert.Equal([0, 1], TakeAll(queue).Select(m => m.Payload).Order());
    }

    private static void MakeDeadLetters(MessageQueue queue, int count)
    {
        for (byte i = 0; i < count; i++)
        {
            queue.Send([i], cancellationToken: Ct);
            using ReceivedMessage message = queue.Receive(s_soon, Ct);
            message.DeadLetter("no good", Ct);
        }
    }

    private static List<(int Payload, int Attempt)> TakeAll(MessageQueue queue)
    {
        List<(int Payload, int Attempt)> all = [];
        while (queue.TryReceive(out ReceivedMessage message))
        {
            using (message)
            {
                all.Add((message.ToArray()[0], message.DeliveryAttempt));
                message.Complete();
            }
        }

        return all;
    }
}
