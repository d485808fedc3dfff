using FsCheck;
using FsCheck.Fluent;
using OneCopy.Cli.Torture;
using Xunit;

namespace OneCopy.Tests.Cli;

/// <summary>For all histories that a right queue can make, with kills anywhere: the account finds nothing. With one thing changed, it does.</summary>
public sealed class TortureAccountProperties
{
    /// <summary>How a hand-out ends, in a right queue.</summary>
    public enum End
    {
        GivenBack,
        DiedHolding,
        DiedCompleting,
        DiedGivingBack,
        DiedUnnoted,
        Closed,
    }

    private static readonly Gen<End[]> s_ends = Gen.Elements(Enum.GetValues<End>()).ArrayOf(4);

    [Fact]
    public void A_right_queue_has_no_faults() => Prop.ForAll(s_ends.ToArbitrary(), ends => Settle(ends, (_, j) => j).Count == 0)
        .QuickCheckThrowOnFailure();

    [Fact]
    public void A_completion_that_is_left_out_is_a_loss() => Prop.ForAll(s_ends.ToArbitrary(), ends =>
        Settle(ends, (last, journal) => last ? [] : journal).Exists(f => f.Kind == FaultKind.Lost) || MayHaveCompleted(ends)).QuickCheckThrowOnFailure();

    [Fact]
    public void A_completion_that_is_said_twice_is_doubled() => Prop.ForAll(s_ends.ToArbitrary(), ends =>
        Settle(ends, (_, journal) => journal, repeatLast: true).Exists(f => f.Kind == FaultKind.Doubled)).QuickCheckThrowOnFailure();

    [Fact]
    public void An_attempt_that_is_left_out_has_no_cause() => Prop.ForAll(s_ends.ToArbitrary(), ends =>
        Settle(ends, (last, journal) => last ? [.. journal.Select(r => r with { Attempt = (ushort)(r.Attempt + 1) })] : journal)
            .Exists(f => f.Kind == FaultKind.Undeclared)).QuickCheckThrowOnFailure();

    /// <summary>Who was completing may have done so, if nobody is known to have had it afterwards.</summary>
    private static bool MayHaveCompleted(End[] ends)
    {
        int attempt = 1;
        List<(int Attempt, End End)> noted = [];
        foreach (End end in ends)
        {
            if (end != End.DiedUnnoted)
                noted.Add((attempt, end));
            attempt += end == End.Closed ? 0 : 1;
        }

        return noted.Exists(n => n.Attempt == noted.Max(x => x.Attempt) && n.End == End.DiedCompleting);
    }

    private static List<Fault> Settle(End[] ends, Func<bool, JournalRecord[], JournalRecord[]> change, bool repeatLast = false)
    {
        Account account = new(maxAttempts: 100);
        ulong message = MessageNumber.Of(1, 1);
        JournalRecord R(Step step, int attempt) => new(message, step, 0, (ushort)attempt, 0);
        account.Add(1, [R(Step.SendBegins, 0), R(Step.SendEnds, 0)], new LifeEnd(Killed: true, 0));
        int attempt = 1;
        int life = 2;
        foreach (End end in ends)
        {
            JournalRecord[] journal = end switch
            {
                End.GivenBack => [R(Step.Received, attempt), R(Step.AbandonBegins, attempt), R(Step.AbandonEnds, attempt)],
                End.DiedHolding => [R(Step.Received, attempt)],
                End.DiedCompleting => [R(Step.Received, attempt), R(Step.CompleteBegins, attempt)],
                End.DiedGivingBack => [R(Step.Received, attempt), R(Step.AbandonBegins, attempt)],
                End.DiedUnnoted => [],
                _ => [R(Step.Received, attempt), R(Step.CloseBegins, 0), R(Step.CloseEnds, 0)],
            };
            account.Add(life++, change(false, journal), new LifeEnd(end is not (End.GivenBack or End.Closed), end == End.DiedUnnoted ? 1 : 0));
            attempt += end == End.Closed ? 0 : 1;
        }

        JournalRecord[] last = change(true, [R(Step.Received, attempt), R(Step.CompleteBegins, attempt), R(Step.CompleteEnds, attempt)]);
        for (int times = repeatLast ? 2 : 1; times > 0; times--)
            account.Add(life++, last, default);
        return account.Settle();
    }
}
