namespace OneCopy.Cli.Torture;

/// <summary>How far a send came, as far as its sender noted it.</summary>
internal enum SendState
{
    /// <summary>No sender ever began it.</summary>
    Unknown,

    /// <summary>Begun, and its sender died, or closed its handle: delivered or not.</summary>
    Begun,

    /// <summary>Promised.</summary>
    Ended,
    TakenBack,
}

/// <summary>Everything that was noted about one message.</summary>
internal sealed class MessageHistory(ulong number)
{
    public ulong Number { get; } = number;

    public SendState Send { get; set; }

    public SendWay Way { get; set; }

    public List<HandOut> HandOuts { get; } = new(1);

    /// <summary>Copies found in the dead-letter queue.</summary>
    public int DeadLetters { get; set; }

    /// <summary>Sent, handed out once, completed: nothing is to be said about it, and only its place is remembered.</summary>
    public bool IsOrdinary => Send == SendState.Ended && DeadLetters == 0
        && HandOuts is [{ Attempt: 0 or 1, End: HandOutEnd.Completed, TriedDeadLetter: false, Life: not Account.Conductor }];

    public static MessageHistory Ordinary(ulong number, int attempt)
    {
        MessageHistory history = new(number) { Send = SendState.Ended };
        history.HandOuts.Add(new HandOut(-1, 0, attempt) { End = HandOutEnd.Completed });
        return history;
    }
}
