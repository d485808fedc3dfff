namespace OneCopy.Cli.Torture;

/// <summary>What is wrong with one message, from all that was noted about it. Knows of no time and of no other message.</summary>
internal static class MessageVerdict
{
    /// <summary>Adds what is wrong.</summary>
    /// <returns>
    /// How many hand-outs that nobody noted must have been for what was noted: a receiver was killed between the claim and its note. The
    /// account has so many at most as there were receives under way in the processes killed.
    /// </returns>
    public static int Of(MessageHistory m, int maxAttempts, List<Fault> faults)
    {
        if (m.Send == SendState.Unknown)
        {
            faults.Add(Fault.Of(FaultKind.Garbage, m.Number, "was received and never sent"));
            return 0;
        }

        JudgeSend(m, faults);

        // The larger of the two: one such hand-out may explain both.
        return Math.Max(JudgeEnds(m, maxAttempts, faults), JudgeAttempts(m, faults));
    }

    /// <summary>
    /// Completions and dead letters together are at most one, but for dead letters whose sender died, or closed, before it could end
    /// the message itself. That may also be a receiver that nobody noted: what was handed out too often becomes a dead letter at its claim.
    /// </summary>
    private static int JudgeEnds(MessageHistory m, int maxAttempts, List<Fault> faults)
    {
        int completed = m.HandOuts.Count(h => h.End == HandOutEnd.Completed);
        int both = m.HandOuts.Count(h => h.MayBeBoth);
        int tooMany = Math.Max(0, completed + m.DeadLetters - 1 - both);
        bool exhausted = m.HandOuts.Exists(h => h.Attempt >= maxAttempts);
        if (completed > 1)
            faults.Add(Fault.Of(FaultKind.Doubled, m.Number, $"completed {completed} times, by {Lives(m, HandOutEnd.Completed)}"));
        else if (tooMany > 0 && !exhausted)
            faults.Add(Fault.Of(FaultKind.Doubled, m.Number, $"completed {completed} times and {m.DeadLetters} times a dead letter, where {both} may be both; {Trace(m)}"));

        foreach (HandOut end in m.HandOuts.Where(h => h is { Attempt: > 0, End: HandOutEnd.Completed or HandOutEnd.DeadLettered }))
        {
            if (m.HandOuts.Find(h => h.Attempt > end.Attempt) is { } later)
                faults.Add(Fault.Of(FaultKind.Doubled, m.Number, $"handed out to life {later.Life} at attempt {later.Attempt} after life {end.Life} had ended it at attempt {end.Attempt} ({end.End})"));
        }

        if (m.DeadLetters == 0 && m.HandOuts.Exists(h => h.End == HandOutEnd.DeadLettered))
            faults.Add(Fault.Of(FaultKind.Lost, m.Number, "put into the dead-letter queue, and not found there"));
        return exhausted ? tooMany : 0;
    }

    private static void JudgeSend(MessageHistory m, List<Fault> faults)
    {
        HandOut? completed = m.HandOuts.Find(h => h.End == HandOutEnd.Completed);
        if (m.Send == SendState.TakenBack)
        {
            if (completed is not null)
                faults.Add(Fault.Of(FaultKind.TakenBack, m.Number, $"taken back by its sender, and completed by life {completed.Life}"));
            else if (m.Way == SendWay.Copied && m.HandOuts.Find(h => !h.IsOnlyPossible) is { } handOut)
                faults.Add(Fault.Of(FaultKind.TakenBack, m.Number, $"not sent, said its sender, and handed out to life {handOut.Life}"));
        }

        if (m.Send != SendState.Ended)
            return;
        if (completed is null && m.DeadLetters == 0 && !LastMayHaveCompleted(m))
            faults.Add(Fault.Of(FaultKind.Lost, m.Number, m.HandOuts.Count == 0 ? "promised, and never handed out" : $"promised, and not completed; {Trace(m)}"));
        if (m.Way == SendWay.UntilCompleted && completed is { Life: Account.Conductor })
            faults.Add(Fault.Of(FaultKind.TakenBack, m.Number, "its send had completed, and it was still in the queue at the end"));
        if (m.HandOuts.Find(h => h.End is HandOutEnd.Withdrawn or HandOutEnd.Lost) is { } refused)
            faults.Add(Fault.Of(FaultKind.Lost, m.Number, $"promised, and refused to life {refused.Life} ({refused.End})"));
    }

    /// <summary>Each attempt has a cause in the one before; and one hand-out, unless handles that closed gave it back.</summary>
    private static int JudgeAttempts(MessageHistory m, List<Fault> faults)
    {
        int unnoted = 0;
        int last = m.HandOuts.Count == 0 ? 0 : m.HandOuts.Max(h => h.Attempt);
        for (int attempt = 1; attempt <= last; attempt++)
        {
            int times = m.HandOuts.Count(h => h.Attempt == attempt);
            int kept = m.HandOuts.Count(h => h.Attempt == attempt && h.KeepsAttempt);
            if (times > 1 + kept)
                faults.Add(Fault.Of(FaultKind.Undeclared, m.Number, $"handed out {times} times at attempt {attempt}, where {kept} handles closed with it; {Trace(m)}"));
            if (attempt > 1 && !m.HandOuts.Exists(h => h.Attempt == attempt - 1 && h.CountsAttempt))
                unnoted++;
        }

        return unnoted;
    }

    /// <summary>One that was killed while completing, and nobody had it afterwards.</summary>
    private static bool LastMayHaveCompleted(MessageHistory m)
    {
        int last = m.HandOuts.Count == 0 ? 0 : m.HandOuts.Max(h => h.Attempt);
        return m.HandOuts.Exists(h => h.IsOnlyPossible || (h.MayHaveCompleted && h.Attempt == last));
    }

    private static string Lives(MessageHistory m, HandOutEnd end) =>
        string.Join(", ", m.HandOuts.Where(h => h.End == end).Select(h => $"life {h.Life} at attempt {h.Attempt}"));

    private static string Trace(MessageHistory m) => string.Join(
        ", ", m.HandOuts.OrderBy(h => h.Attempt).Select(h => $"attempt {h.Attempt} to life {h.Life}.{h.Handle}: {h.End}{(h.Closed ? ", closed" : h.Closing ? ", closing" : "")}"));
}
