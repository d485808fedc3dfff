namespace OneCopy.Messaging;

/// <summary>
/// Mutual exclusion for a few instructions, within this process: one exchange to take it and one store to leave it, half of what <see cref="Lock"/> needs. Who is inside seldom waits for
/// anything (a file that grows). Not reentrant. A field of a class, never copied.
/// </summary>
internal struct Gate
{
    private int _isTaken;

    public void Enter()
    {
        if (Interlocked.CompareExchange(ref _isTaken, 1, 0) != 0)
            EnterContended();
    }

    /// <summary>Release: what was written inside is there for whoever enters next.</summary>
    public void Exit() => Volatile.Write(ref _isTaken, 0);

    private void EnterContended()
    {
        // Yields before long: who is inside may have been interrupted.
        SpinWait spin = default;
        do
            spin.SpinOnce();
        while (Volatile.Read(ref _isTaken) != 0 || Interlocked.CompareExchange(ref _isTaken, 1, 0) != 0);
    }
}
