namespace OneCopy.Cli.Torture;

/// <summary>How a hand-out ended, as far as its receiver noted it.</summary>
internal enum HandOutEnd
{
    /// <summary>No answer: the receiver died with it, or closed its handle.</summary>
    Held,
    Completing,
    Completed,
    Abandoning,
    Abandoned,
    DeadLettering,
    DeadLettered,
    Withdrawn,
    Lost,
}

/// <summary>
/// One hand-out of a message, and what may have become of the message by it. The uncertain cases are those of a kill between "begins" and
/// "ends", and of an answer that met the closing of its handle.
/// </summary>
internal sealed class HandOut(int life, int handle, int attempt)
{
    public int Life { get; } = life;

    public int Handle { get; } = handle;

    /// <summary>1 for the first; 0: received into memory, which tells of none.</summary>
    public int Attempt { get; } = attempt;

    /// <summary>Killed while it received into memory: the message was copied, and perhaps never claimed.</summary>
    public bool IsOnlyPossible => Attempt == 0 && End == HandOutEnd.Completing;

    public HandOutEnd End { get; set; }

    /// <summary>A dead letter may have been sent, and then the message not been ended.</summary>
    public bool TriedDeadLetter { get; set; }

    /// <summary>The handle was being closed when the end was noted, or before the receiver died.</summary>
    public bool Closing { get; set; }

    /// <summary>The handle was closed in good order.</summary>
    public bool Closed { get; set; }

    public bool MayHaveCompleted => End == HandOutEnd.Completing;

    /// <summary>
    /// Whether the message may be handed out with the next attempt: it was given back, or its receiver died. One who had begun to complete it
    /// may not have come to it.
    /// </summary>
    public bool CountsAttempt => End switch
    {
        HandOutEnd.Abandoned or HandOutEnd.Abandoning => true,
        HandOutEnd.Held or HandOutEnd.Completing or HandOutEnd.DeadLettering => !Closed,
        _ => false,
    };

    /// <summary>Whether it may be handed out with the same attempt: closing a handle gives back without counting.</summary>
    public bool KeepsAttempt => (Closing || Closed) && End
        is HandOutEnd.Held or HandOutEnd.Completing or HandOutEnd.DeadLettering or HandOutEnd.Abandoning or HandOutEnd.Abandoned;

    /// <summary>
    /// Whether the message may be a dead letter and yet be handed out again: the dead letter is sent first and the message ended second, and
    /// the receiver died, or its handle closed, between the two.
    /// </summary>
    public bool MayBeBoth => TriedDeadLetter && End switch
    {
        HandOutEnd.DeadLettering or HandOutEnd.Abandoning or HandOutEnd.Held => true,
        HandOutEnd.Abandoned => Closing,
        _ => false,
    };
}
