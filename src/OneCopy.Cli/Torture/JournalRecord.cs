namespace OneCopy.Cli.Torture;

/// <summary>What a worker notes. "Begins" is written before the step, "ends" after it; a kill in between leaves the first without the second.</summary>
internal enum Step : byte
{
    /// <summary>A record that was reserved and never written.</summary>
    None,

    /// <summary>About to send; the attempt's field holds the <see cref="SendWay"/>.</summary>
    SendBegins,

    /// <summary>The send completed: the message is promised.</summary>
    SendEnds,

    /// <summary>The send failed, which says that nothing was sent, or that the message was taken back.</summary>
    TakenBack,

    /// <summary>A message was handed out.</summary>
    Received,

    /// <summary>A message was received into memory, and so completed. The attempt is not known, and 0.</summary>
    TakenInto,

    /// <summary>Its bytes are not those that its number stands for.</summary>
    Garbage,

    CompleteBegins,
    CompleteEnds,
    AbandonBegins,
    AbandonEnds,
    DeadLetterBegins,
    DeadLetterEnds,

    /// <summary>The step that had begun failed without effect; the message is still held.</summary>
    AnswerFailed,

    /// <summary>The sender took it back while it was held.</summary>
    Withdrawn,

    /// <summary>Its sender died and its payload with it.</summary>
    Lost,

    /// <summary>The handle is being closed: what it holds is given back without counting an attempt.</summary>
    CloseBegins,
    CloseEnds,

    /// <summary>Something that must not be: the number says how many mappings and descriptors of the queue a closed handle left behind.</summary>
    Leak,
}

/// <summary>How a message is sent.</summary>
internal enum SendWay : ushort
{
    /// <summary>Copied: inline or arena. It survives its sender.</summary>
    Copied,

    /// <summary>SendAsync: attached to its sender's memory until a receiver has it, or, where pulls were refused, copied.</summary>
    Asynchronous,

    /// <summary>SendAsync that ends only when a receiver has completed the message, on every lane.</summary>
    UntilCompleted,
}

/// <summary>One line of a journal: 16 bytes.</summary>
/// <param name="Message">The message's number (<see cref="MessageNumber"/>); for the steps of a handle 0, for a leak the count.</param>
/// <param name="Step">What happened.</param>
/// <param name="Handle">Which of the handles that the worker had one after the other.</param>
/// <param name="Attempt">The delivery attempt, or the way it is sent.</param>
/// <param name="Time">When, in tenths of a millisecond of the machine's monotonic clock, modulo 2^32.</param>
internal readonly record struct JournalRecord(ulong Message, Step Step, byte Handle, ushort Attempt, uint Time);

/// <summary>A message's number: the life of the worker that sends it, and its place among that life's messages.</summary>
internal static class MessageNumber
{
    private const int LifeShift = 40;

    public static ulong Of(int life, long sequence) => ((ulong)(uint)life << LifeShift) | (ulong)sequence;

    public static int LifeOf(ulong number) => (int)(number >> LifeShift);

    public static long SequenceOf(ulong number) => (long)(number & ((1UL << LifeShift) - 1));

    public static string Text(ulong number) => $"{LifeOf(number)}-{SequenceOf(number)}";

    public static bool TryParse(string? text, out ulong number)
    {
        number = 0;
        if (text?.Split('-') is not [string life, string sequence] || !int.TryParse(life, out int l) || !long.TryParse(sequence, out long s))
            return false;
        number = Of(l, s);
        return true;
    }
}
