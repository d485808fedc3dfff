namespace OneCopy.Cli.Torture;

/// <summary>How a worker's life ended.</summary>
/// <param name="Killed">By SIGKILL; otherwise by itself, with its handle closed.</param>
/// <param name="ReceivesUnderWay">
/// Receives that had begun and not returned when it was killed: so many messages at most it may have claimed without noting it.
/// </param>
/// <param name="TakesUnderWay">
/// Messages that it was receiving into memory when it was killed: each is completed or not. Null: none.
/// </param>
internal readonly record struct LifeEnd(bool Killed, int ReceivesUnderWay, IReadOnlyList<ulong>? TakesUnderWay = null);

/// <summary>
/// What became of every message, from the journals of all workers and from the dead-letter queue. Exact: what a kill leaves open is
/// either of two outcomes for the one message that it hit, and both are followed; nothing is allowed for "about so many".
/// </summary>
internal sealed class Account(int maxAttempts)
{
    /// <summary>The life that the conductor has: it takes what is left in the queue at the end.</summary>
    public const int Conductor = 0;

    private readonly Dictionary<ulong, MessageHistory> _open = [];

    // Ordinary messages: a bit for each, by life and sequence, and by the attempt that they were completed at. They would fill the memory otherwise.
    private readonly Dictionary<(int Life, int Attempt), List<ulong>> _ordinary = [];
    private readonly List<Fault> _faults = [];
    private long _unnotedAllowed;

    public long Promised { get; private set; }

    public long TakenBack { get; private set; }

    public long HandedOut { get; private set; }

    public long Completed { get; private set; }

    public long Abandoned { get; private set; }

    public long DeadLetters { get; private set; }

    /// <summary>Hand-outs whose receiver was killed while it had the message.</summary>
    public long HeldByKilled { get; private set; }

    /// <summary>Steps that a kill cut in two: begun and not ended.</summary>
    public long CutInTwo { get; private set; }

    /// <summary>Hand-outs that must have been, and that nobody noted: the receiver was killed between claim and note.</summary>
    public long Unnoted { get; private set; }

    /// <summary>A life that is over, with its whole journal, in the journal's order.</summary>
    public void Add(int life, IEnumerable<JournalRecord> journal, LifeEnd end)
    {
        LifeReading reading = new(life, maxAttempts);
        foreach (JournalRecord record in journal)
            Add(reading, record);
        if (end.Killed)
        {
            _unnotedAllowed += end.ReceivesUnderWay;
            foreach (ulong message in end.TakesUnderWay ?? [])
            {
                HistoryOf(message).HandOuts.Add(new HandOut(life, 0, 0) { End = HandOutEnd.Completing });
                reading.Touched.Add(message);
                CutInTwo++;
            }
        }

        foreach (HandOut handOut in reading.EndLife())
        {
            HeldByKilled += end.Killed && !handOut.Closed ? 1 : 0;
            CutInTwo += handOut.End is HandOutEnd.Completing or HandOutEnd.Abandoning or HandOutEnd.DeadLettering ? 1 : 0;
        }

        foreach (ulong message in reading.Touched)
            PutAwayIfOrdinary(message);
    }

    /// <summary>A copy was found in the dead-letter queue.</summary>
    public void AddDeadLetter(ulong message, bool isRight)
    {
        DeadLetters++;
        HistoryOf(message).DeadLetters++;
        if (!isRight)
            _faults.Add(Fault.Of(FaultKind.Garbage, message, "has wrong bytes in the dead-letter queue"));
    }

    /// <summary>When every life is over and the queues are drained: everything that is wrong.</summary>
    public List<Fault> Settle()
    {
        List<Fault> faults = [.. _faults];
        Unnoted = 0;
        foreach (MessageHistory history in _open.Values)
            Unnoted += MessageVerdict.Of(history, maxAttempts, faults);
        if (Unnoted > _unnotedAllowed)
        {
            faults.Add(new Fault(
                FaultKind.Undeclared,
                $"{Unnoted} hand-outs have no cause that anybody noted, where {_unnotedAllowed} receives were cut short by a kill"));
        }

        return faults;
    }

    private void Add(LifeReading reading, JournalRecord r)
    {
        switch (r.Step)
        {
            case Step.SendBegins:
                MessageHistory begun = HistoryOf(r.Message);
                begun.Send = SendState.Begun;
                begun.Way = (SendWay)r.Attempt;
                break;
            case Step.SendEnds:
                HistoryOf(r.Message).Send = SendState.Ended;
                Promised++;
                break;
            case Step.TakenBack:
                HistoryOf(r.Message).Send = SendState.TakenBack;
                TakenBack++;
                break;
            case Step.Garbage:
                _faults.Add(Fault.Of(FaultKind.Garbage, r.Message, $"has wrong bytes for life {reading.Life} at attempt {r.Attempt}"));
                break;
            case Step.Leak:
                _faults.Add(new Fault(FaultKind.Leaked, $"life {reading.Life} had closed its handle {r.Handle} and kept {r.Message} mappings or descriptors of the queue"));
                break;
            case Step.Received:
                HandOut received = new(reading.Life, r.Handle, r.Attempt);
                HistoryOf(r.Message).HandOuts.Add(received);
                HandedOut++;
                reading.Receive(r.Message, received);
                break;
            case Step.TakenInto:
                HistoryOf(r.Message).HandOuts.Add(new HandOut(reading.Life, r.Handle, 0) { End = HandOutEnd.Completed });
                HandedOut++;
                Completed++;
                break;
            case Step.CloseBegins or Step.CloseEnds:
                reading.Close(r.Handle, r.Step == Step.CloseEnds);
                return;
            default:
                Completed += r.Step == Step.CompleteEnds ? 1 : 0;
                Abandoned += r.Step == Step.AbandonEnds ? 1 : 0;
                reading.Answer(r);
                break;
        }

        reading.Touched.Add(r.Message);
    }

    private MessageHistory HistoryOf(ulong message)
    {
        if (_open.TryGetValue(message, out MessageHistory? history))
            return history;
        return _open[message] = TakeOrdinary(message, out int attempt) ? MessageHistory.Ordinary(message, attempt) : new MessageHistory(message);
    }

    private void PutAwayIfOrdinary(ulong message)
    {
        if (!_open.TryGetValue(message, out MessageHistory? history) || !history.IsOrdinary)
            return;
        _open.Remove(message);
        (int Life, int Attempt) key = (MessageNumber.LifeOf(message), history.HandOuts[0].Attempt);
        int sequence = (int)MessageNumber.SequenceOf(message);
        if (!_ordinary.TryGetValue(key, out List<ulong>? bits))
            _ordinary[key] = bits = [];
        while (bits.Count <= sequence / 64)
            bits.Add(0);
        bits[sequence / 64] |= 1UL << (sequence % 64);
    }

    private bool TakeOrdinary(ulong message, out int attempt)
    {
        attempt = TakeOrdinary(message, attempt: 1) ? 1 : 0;
        return attempt == 1 || TakeOrdinary(message, attempt);
    }

    private bool TakeOrdinary(ulong message, int attempt)
    {
        int sequence = (int)MessageNumber.SequenceOf(message);
        if (!_ordinary.TryGetValue((MessageNumber.LifeOf(message), attempt), out List<ulong>? bits) || bits.Count <= sequence / 64)
            return false;
        ulong bit = 1UL << (sequence % 64);
        bool was = (bits[sequence / 64] & bit) != 0;
        bits[sequence / 64] &= ~bit;
        return was;
    }
}
