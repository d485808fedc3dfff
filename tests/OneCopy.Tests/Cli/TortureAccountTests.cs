using OneCopy.Cli.Torture;
using Xunit;

namespace OneCopy.Tests.Cli;

/// <summary>The account of a torture run: that it finds what is wrong, and that it does not take for wrong what a kill may leave behind.</summary>
public sealed class TortureAccountTests
{
    private const int MaxAttempts = 5;
    private static readonly ulong s_m = MessageNumber.Of(1, 7);
    private readonly Account _account = new(MaxAttempts);

    [Fact]
    public void What_was_sent_and_completed_once_is_in_order()
    {
        Sent();
        Left(2, R(Step.Received), R(Step.CompleteBegins), R(Step.CompleteEnds));
        Assert.Empty(_account.Settle());
        Assert.Equal((1, 1, 1), (_account.Promised, _account.HandedOut, _account.Completed));
    }

    [Fact]
    public void A_promised_message_that_nobody_got_is_lost()
    {
        Sent();
        Finds(FaultKind.Lost);
    }

    [Fact]
    public void One_that_its_last_receiver_died_with_is_lost()
    {
        Sent();
        Killed(2, 0, R(Step.Received), R(Step.CompleteBegins));
        Killed(3, 0, R(Step.Received, 2));
        Finds(FaultKind.Lost);
    }

    [Fact]
    public void One_whose_sender_was_killed_before_the_send_ended_may_be_nowhere()
    {
        Killed(1, 0, R(Step.SendBegins, 0));
        Assert.Empty(_account.Settle());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_kill_in_the_middle_of_completing_leaves_it_done_or_handed_out_again(bool again)
    {
        Sent();
        Killed(2, 0, R(Step.Received), R(Step.CompleteBegins));
        if (again)
            Left(3, R(Step.Received, 2), R(Step.CompleteBegins, 2), R(Step.CompleteEnds, 2));
        Assert.Empty(_account.Settle());
        Assert.Equal(1, _account.CutInTwo);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Completed_twice_is_doubled_also_when_the_first_was_put_away_as_ordinary(ushort attempt)
    {
        Sent();
        Left(2, R(Step.Received), R(Step.CompleteBegins), R(Step.CompleteEnds));
        Left(3, R(Step.Received, attempt), R(Step.CompleteBegins, attempt), R(Step.CompleteEnds, attempt));
        Assert.Contains(_account.Settle(), f => f.Kind == FaultKind.Doubled);
    }

    [Fact]
    public void Received_into_memory_it_is_completed_with_that()
    {
        Sent();
        Left(2, R(Step.TakenInto, 0));
        Assert.Empty(_account.Settle());
        Assert.Equal((1, 1, 1), (_account.Promised, _account.HandedOut, _account.Completed));
    }

    [Fact]
    public void Held_before_by_one_that_was_killed_it_may_be_received_into_memory_in_whatever_order_that_is_read()
    {
        Sent();
        Left(2, R(Step.TakenInto, 0));
        Killed(3, 0, R(Step.Received));
        Assert.Empty(_account.Settle());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Received_into_memory_twice_or_completed_besides_is_doubled(bool besides)
    {
        Sent();
        Left(2, R(Step.TakenInto, 0));
        if (besides)
            Left(3, R(Step.Received), R(Step.CompleteBegins), R(Step.CompleteEnds));
        else
            Left(3, R(Step.TakenInto, 0));
        Finds(FaultKind.Doubled);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_kill_while_it_is_received_into_memory_leaves_it_done_or_as_it_was(bool again)
    {
        Sent();
        KilledTaking(2, s_m);
        if (again)
            Left(3, R(Step.Received), R(Step.CompleteBegins), R(Step.CompleteEnds));
        Assert.Empty(_account.Settle());
        Assert.Equal(1, _account.CutInTwo);
    }

    [Fact]
    public void A_kill_while_another_is_received_into_memory_loses_nothing()
    {
        Sent();
        Left(4, new JournalRecord(MessageNumber.Of(4, 1), Step.SendBegins, 0, 0, 0), new JournalRecord(MessageNumber.Of(4, 1), Step.SendEnds, 0, 0, 0));
        KilledTaking(2, MessageNumber.Of(4, 1));
        Finds(FaultKind.Lost);
    }

    [Fact]
    public void Copied_into_memory_and_not_claimed_it_may_have_been_taken_back()
    {
        Left(1, R(Step.SendBegins, (ushort)SendWay.Copied), R(Step.TakenBack));
        KilledTaking(2, s_m);
        Assert.Empty(_account.Settle());
    }

    [Fact]
    public void What_was_received_into_memory_is_found_there_as_far_as_it_was_copied()
    {
        byte[] place = new byte[4096];
        MessageContent.Fill(place.AsSpan(0, 100), 5, seed: 3);
        MessageContent.Fill(place.AsSpan(100, 24), 6, seed: 3);
        MessageContent.Fill(place.AsSpan(124, 900), 7, seed: 3);
        place.AsSpan(124 + 300).Clear();
        Assert.Equal([5ul, 6, 7], MessageContent.NumbersIn(place, seed: 3));
        Assert.Empty(MessageContent.NumbersIn(new byte[4096], seed: 3));

        // Without the whole of what is in front, it cannot be completed.
        place.AsSpan(124 + 8).Clear();
        Assert.Equal([5ul, 6], MessageContent.NumbersIn(place, seed: 3));
    }

    /// <summary>A copy of which another receiver was first leaves its bytes behind those of the next.</summary>
    [Fact]
    public void The_rest_of_a_longer_message_behind_one_that_was_received_into_memory_is_no_message()
    {
        byte[] place = new byte[4096];
        MessageContent.Fill(place.AsSpan(0, 900), 5, seed: 3);
        MessageContent.Fill(place.AsSpan(0, 104), 6, seed: 3);
        Assert.Equal([6ul], MessageContent.NumbersIn(place, seed: 3));
    }

    [Fact]
    public void Handed_out_after_it_was_completed_is_doubled()
    {
        Sent();
        Left(2, R(Step.Received), R(Step.CompleteBegins), R(Step.CompleteEnds));
        Killed(3, 0, R(Step.Received, 2));
        Assert.Contains(_account.Settle(), f => f.Kind == FaultKind.Doubled);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    public void An_attempt_without_a_cause_needs_a_receive_that_was_cut_short(int receives, bool good)
    {
        Sent();
        Killed(2, receives);
        Left(3, R(Step.Received, 2), R(Step.CompleteBegins, 2), R(Step.CompleteEnds, 2));
        if (good)
            Assert.Empty(_account.Settle());
        else
            Finds(FaultKind.Undeclared);
        Assert.Equal(1, _account.Unnoted);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_same_attempt_twice_is_for_a_handle_that_closed_in_between(bool closed)
    {
        Sent();
        if (closed)
            Left(2, R(Step.Received), R(Step.CloseBegins), R(Step.CloseEnds));
        else
            Killed(2, 0, R(Step.Received));
        Left(3, R(Step.Received), R(Step.CompleteBegins), R(Step.CompleteEnds));
        if (closed)
            Assert.Empty(_account.Settle());
        else
            Finds(FaultKind.Undeclared);
    }

    [Fact]
    public void Given_back_it_comes_again_with_the_next_attempt()
    {
        Sent();
        Left(2, R(Step.Received), R(Step.AbandonBegins), R(Step.AbandonEnds), R(Step.Received, 2), R(Step.CompleteBegins, 2), R(Step.CompleteEnds, 2));
        Assert.Empty(_account.Settle());
    }

    [Theory]
    [InlineData(nameof(SendWay.Asynchronous))]
    [InlineData(nameof(SendWay.UntilCompleted))]
    public void Taken_back_it_may_have_been_held_and_not_completed(string way)
    {
        Left(1, R(Step.SendBegins, (ushort)Enum.Parse<SendWay>(way)), R(Step.TakenBack));
        Left(2, R(Step.Received), R(Step.CompleteBegins), R(Step.Withdrawn));
        Assert.Empty(_account.Settle());
        Left(3, R(Step.Received), R(Step.CompleteBegins), R(Step.CompleteEnds));
        Assert.Contains(_account.Settle(), f => f.Kind == FaultKind.TakenBack);
    }

    [Fact]
    public void Not_sent_by_copy_it_is_handed_to_nobody()
    {
        Left(1, R(Step.SendBegins, (ushort)SendWay.Copied), R(Step.TakenBack));
        Left(2, R(Step.Received), R(Step.AbandonBegins), R(Step.AbandonEnds));
        Finds(FaultKind.TakenBack);
    }

    [Fact]
    public void A_send_that_waits_for_completion_does_not_end_before_it()
    {
        Left(1, R(Step.SendBegins, (ushort)SendWay.UntilCompleted), R(Step.SendEnds));
        Left(Account.Conductor, R(Step.Received), R(Step.CompleteEnds));
        Finds(FaultKind.TakenBack);
    }

    [Theory]
    [InlineData(nameof(Step.Withdrawn))]
    [InlineData(nameof(Step.Lost))]
    public void A_promised_message_is_refused_to_nobody(string refusal)
    {
        Sent();
        Left(2, R(Step.Received), R(Enum.Parse<Step>(refusal)));
        Finds(FaultKind.Lost, faults: 2);
    }

    [Fact]
    public void Wrong_bytes_and_messages_that_nobody_sent_are_garbage()
    {
        Sent();
        Left(2, R(Step.Received), R(Step.Garbage), R(Step.CompleteBegins), R(Step.CompleteEnds));
        Finds(FaultKind.Garbage);
        Left(3, new JournalRecord(MessageNumber.Of(9, 9), Step.Received, 0, 1, 0));
        Assert.Equal(2, _account.Settle().Count(f => f.Kind == FaultKind.Garbage));
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public void A_dead_letter_that_was_completed_too_had_a_receiver_that_died_between_the_two(bool killed, bool good)
    {
        Sent();
        if (killed)
            Killed(2, 0, R(Step.Received), R(Step.DeadLetterBegins));
        else
            Left(2, R(Step.Received), R(Step.AbandonBegins), R(Step.AbandonEnds));
        Left(3, R(Step.Received, 2), R(Step.CompleteBegins, 2), R(Step.CompleteEnds, 2));
        _account.AddDeadLetter(s_m, isRight: true);
        if (good)
            Assert.Empty(_account.Settle());
        else
            Finds(FaultKind.Doubled);
    }

    [Fact]
    public void A_dead_letter_is_found_in_its_queue()
    {
        Sent();
        Left(2, R(Step.Received), R(Step.DeadLetterBegins), R(Step.DeadLetterEnds));
        Assert.All(_account.Settle(), f => Assert.Equal(FaultKind.Lost, f.Kind));
        Assert.NotEmpty(_account.Settle());
        _account.AddDeadLetter(s_m, isRight: true);
        Assert.Empty(_account.Settle());
        _account.AddDeadLetter(s_m, isRight: false);
        Assert.Equal([FaultKind.Garbage, FaultKind.Doubled], _account.Settle().Select(f => f.Kind));
    }

    [Fact]
    public void What_a_closed_handle_left_mapped_is_a_leak()
    {
        Left(2, new JournalRecord(3, Step.Leak, 0, 0, 0));
        Finds(FaultKind.Leaked);
    }

    private static JournalRecord R(Step step, ushort attempt = 1) => new(s_m, step, 0, attempt, 0);

    private void Sent() => Left(1, R(Step.SendBegins, 0), R(Step.SendEnds));

    private void Left(int life, params JournalRecord[] journal) =>
        _account.Add(life, [.. journal, R(Step.CloseBegins), R(Step.CloseEnds)], new LifeEnd(Killed: false, 0));

    private void KilledTaking(int life, ulong message) => _account.Add(life, [], new LifeEnd(Killed: true, 1, [message]));

    private void Killed(int life, int receives, params JournalRecord[] journal) => _account.Add(life, journal, new LifeEnd(Killed: true, receives));

    private void Finds(FaultKind kind, int faults = 1)
    {
        List<Fault> found = _account.Settle();
        Assert.Equal(faults, found.Count);
        Assert.All(found, f => Assert.Equal(kind, f.Kind));
    }
}
