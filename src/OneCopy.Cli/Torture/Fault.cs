namespace OneCopy.Cli.Torture;

/// <summary>What can be wrong at the end of a run.</summary>
internal enum FaultKind
{
    /// <summary>A promised message that nobody completed and that is nowhere.</summary>
    Lost,

    /// <summary>Completed more than once, or handed out after it was completed.</summary>
    Doubled,

    /// <summary>Handed out more often than give-backs and deaths explain.</summary>
    Undeclared,

    /// <summary>Bytes that are not the message's.</summary>
    Garbage,

    /// <summary>Taken back by its sender and yet completed.</summary>
    TakenBack,

    /// <summary>A worker that ran was kept waiting.</summary>
    Stalled,

    /// <summary>Something was left behind.</summary>
    Leaked,

    /// <summary>A worker ended by itself or did not end when asked.</summary>
    Worker,
}

/// <summary>One thing that is wrong, and where.</summary>
internal sealed record Fault(FaultKind Kind, string Text)
{
    public static Fault Of(FaultKind kind, ulong message, string text) => new(kind, $"message {MessageNumber.Text(message)}: {text}");
}
