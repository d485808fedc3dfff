namespace OneCopy.Tests.CrashMatrix;

/// <summary>The account of every message of a row: promised and completed once, never garbage, not late.</summary>
internal sealed class CrashLedger
{
    /// <summary>Everything goes on within this.</summary>
    public const double Bound = 250;

    private readonly List<(int Actor, string[] Words)> _events = [];

    public void Add(int actor, IEnumerable<string> events)
    {
        foreach (string e in events.Where(e => e.Length > 0))
            _events.Add((actor, e.Split(e.Contains('|', StringComparison.Ordinal) ? '|' : ' ')));
    }

    public void Judge(CrashScenario scenario, Hit hit, long at, long end, CrashOutcome outcome)
    {
        foreach (string message in _events.Where(e => e.Words[0] is not ("at" or "gone")).Select(e => e.Words[1]).Distinct(StringComparer.Ordinal))
            JudgeCount(message, scenario, hit, outcome.Failures);
        if (Of("got").Count(e => TimeOf(e.Words) < at) < 3 && !scenario.Alone)
            outcome.Failures.Add("The survivors were not at work before.");
        foreach ((int _, string[] words) in _events.Where(e => e.Words[0] is "got" or "dead" && !e.Words.Contains("ok")))
            outcome.Failures.Add($"Garbage: {string.Join(' ', words)}.");
        if (hit != Hit.None)
            JudgeTimes(scenario, hit, at, end, outcome);
    }

    private void JudgeCount(string message, CrashScenario scenario, Hit hit, List<string> failures)
    {
        int completed = Count("completed", message);
        int dead = Count("dead", message);
        bool sent = Count("sent", message) > 0;
        bool answering = _events.Any(e => e.Actor == CrashSlot.VictimNumber && e.Words[0] is "answering" && Is(e, message));
        bool answered = _events.Any(e => e.Actor == CrashSlot.VictimNumber && e.Words[0] is "completed" or "abandoned" or "dead-lettered" && Is(e, message));
        bool ambiguous = hit == Hit.Kill && answering && !answered;
        bool stateWasChanged = _events.Any(e => e.Words[0] is "at" && !string.Equals(e.Words[2], "0", StringComparison.Ordinal));
        int times = completed + dead;
        if (Count("not-sent", message) > 0 && times > 0)
            failures.Add($"Message {message} was taken back, and completed {times} times.");
        else if (sent && times == 0 && !(ambiguous && stateWasChanged))
            failures.Add($"Message {message} is lost.");
        else if (times > 1 && !(hit == Hit.Kill && scenario.DeadLetters && times == 2))
            failures.Add($"Message {message} was completed {times} times.");
        else if (ambiguous && stateWasChanged && completed > 0)
            failures.Add($"Message {message} was completed by the victim, and once more.");
        string[] attempts = [.. Of("got").Where(e => Is(e, message)).Select(e => e.Words[2])];
        if (attempts.Distinct(StringComparer.Ordinal).Count() != attempts.Length && !scenario.GivesBack)
            failures.Add($"Message {message} was handed out as attempts {string.Join(", ", attempts)}.");
    }

    private void JudgeTimes(CrashScenario scenario, Hit hit, long at, long end, CrashOutcome outcome)
    {
        long last = at;
        Dictionary<string, long> beats = new(StringComparer.Ordinal);
        foreach ((int actor, string[] words) in Of("sent"))
        {
            if (actor == CrashSlot.SenderNumber && long.Parse(words[2]) >= at)
                beats[words[1]] = long.Parse(words[2]);
        }

        foreach ((int _, string[] words) in Of("got").Where(e => e.Actor is CrashSlot.ReceiverNumber or CrashSlot.SenderNumber).OrderBy(e => TimeOf(e.Words)))
        {
            long time = TimeOf(words);
            if (time < at || time > end || (hit == Hit.Stop && scenario.JoinersWait is not null))
                continue;
            if (beats.TryGetValue(words[1], out long sent))
            {
                Note(outcome, time - last, $"nothing that was sent after it came for that long");
                Note(outcome, time - sent, $"message {words[1]} was under way for that long");
                last = time;
            }
            else if (hit == Hit.Kill || (hit == Hit.Stop && !WaitsForVictim(words[1], scenario)))
            {
                Note(outcome, time - at, $"message {words[1]} came so late");
            }
        }

        if (last == at && !(hit == Hit.Stop && scenario.JoinersWait is not null))
            Note(outcome, end - at, "the survivors did not go on at all, and were watched for that long");
    }

    /// <summary>What a stopped process has in hand waits for it.</summary>
    private bool WaitsForVictim(string message, CrashScenario scenario) => scenario.HasAnothersFate
        || _events.Any(e => e.Actor == CrashSlot.VictimNumber && Is(e, message));

    /// <summary>A wait, as the worst if it is, and as a failure if it is too long.</summary>
    public static void Note(CrashOutcome outcome, long nanoseconds, string what)
    {
        double milliseconds = nanoseconds / 1e6;
        outcome.Worst = Math.Max(outcome.Worst, milliseconds);
        if (milliseconds <= Bound)
            return;
        if (!outcome.IsLate)
            outcome.Failures.Add($"{milliseconds:F0} ms: {what}.");
        outcome.IsLate = true;
    }

    private IEnumerable<(int Actor, string[] Words)> Of(string what) => _events.Where(e => string.Equals(e.Words[0], what, StringComparison.Ordinal));

    private int Count(string what, string message) => Of(what).Count(e => Is(e, message));

    private static bool Is((int Actor, string[] Words) e, string message) => string.Equals(e.Words[1], message, StringComparison.Ordinal);

    private static long TimeOf(string[] words) => long.Parse(words[4]);
}
