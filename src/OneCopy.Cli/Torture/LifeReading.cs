namespace OneCopy.Cli.Torture;

/// <summary>One life's journal while it is read: which hand-outs are open, which handles are being closed.</summary>
internal sealed class LifeReading(int life, int maxAttempts)
{
    private readonly Dictionary<(ulong Message, byte Handle, ushort Attempt), HandOut> _handOuts = [];
    private readonly HashSet<int> _closing = [];
    private readonly HashSet<int> _closed = [];

    public int Life { get; } = life;

    public HashSet<ulong> Touched { get; } = [];

    public void Receive(ulong message, HandOut handOut) => _handOuts[(message, (byte)handOut.Handle, (ushort)handOut.Attempt)] = handOut;

    public void Close(int handle, bool ended) => (ended ? _closed : _closing).Add(handle);

    public void Answer(JournalRecord r)
    {
        // An answer to what was not received is the worker's fault, and then the message's verdict says so.
        if (!_handOuts.TryGetValue((r.Message, r.Handle, r.Attempt), out HandOut? handOut))
            return;
        handOut.End = r.Step switch
        {
            Step.CompleteBegins => HandOutEnd.Completing,
            Step.CompleteEnds => HandOutEnd.Completed,
            Step.AbandonBegins => HandOutEnd.Abandoning,
            Step.AbandonEnds => HandOutEnd.Abandoned,
            Step.DeadLetterBegins => HandOutEnd.DeadLettering,
            Step.DeadLetterEnds => HandOutEnd.DeadLettered,
            Step.Withdrawn => HandOutEnd.Withdrawn,
            Step.Lost => HandOutEnd.Lost,
            _ => HandOutEnd.Held,
        };

        // Closing begins with its note, so what it could have touched is noted behind that.
        handOut.Closing = _closing.Contains(r.Handle);

        // At the last attempt, giving back is dead-lettering.
        if (r.Step == Step.DeadLetterBegins || (r.Step == Step.AbandonBegins && r.Attempt >= maxAttempts))
            handOut.TriedDeadLetter = true;
    }

    /// <summary>The life is over. Returns the hand-outs that it did not end.</summary>
    public List<HandOut> EndLife()
    {
        List<HandOut> left = [];
        foreach (HandOut handOut in _handOuts.Values)
        {
            if (handOut.End is not (HandOutEnd.Held or HandOutEnd.Completing or HandOutEnd.Abandoning or HandOutEnd.DeadLettering))
                continue;
            handOut.Closing = _closing.Contains(handOut.Handle);
            handOut.Closed = _closed.Contains(handOut.Handle);
            left.Add(handOut);
        }

        return left;
    }
}
