using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>
/// Mutual exclusion for some tens of nanoseconds, within this process. The thread that takes it many times in a row has it for its own: to enter and to leave it is then a store each, no exchange, as of a
/// biased lock. When another thread comes, that pays for both (membarrier(2)), and from then on each entry is one exchange, until one thread has it for itself again. Who is inside
/// seldom waits for anything (a file that grows). Not reentrant; left by the thread that entered. A field of a class, never copied.
/// </summary>
internal struct Gate
{
    // So many entries in a row by one thread, and it is its own. More each time that this was wrong: the barrier interrupts all threads that run, as dear as some hundred exchanges.
    private const int LeastInARow = 128;
    private const int Growth = 8;

    // So often at most; the last one takes thirty million in a row. All are there from the beginning, so that none is allocated for a message.
    private const int MostOwners = 7;

    private Owner? _owner;
    private int _isTaken;

    // Written by who is inside.
    private nint _lastThread;
    private int _inARow;
    private int _enough;
    private int _owners;
    private readonly Owner[] _unused;

    public Gate()
    {
        _enough = LeastInARow;
        _unused = new Owner[MostOwners];
        for (int i = 0; i < MostOwners; i++)
            _unused[i] = new Owner();
    }

    /// <summary>Whether a thread has it for its own.</summary>
    public readonly bool IsOwned => _owner is not null;

    public void Enter() => Enter(CurrentThread.Id);

    /// <param name="thread">The one that calls, from whoever has asked for it already.</param>
    public void Enter(nint thread)
    {
        if (_owner is { } owner && owner.Thread == thread)
        {
            // The processor may read the second before the first can be seen: who takes it away makes the fence that orders the two.
            Volatile.Write(ref owner.IsInside, true);
            if (!Volatile.Read(ref owner.HasLost))
                return;
            Volatile.Write(ref owner.IsInside, false);
        }

        EnterShared(thread);
    }

    /// <summary>Release: what was written inside is there for whoever enters next.</summary>
    public void Exit()
    {
        // Who is inside by an exchange finds no owner, as only that one could make one; who is inside as the owner is the owner until then.
        if (_owner is { } owner)
            Volatile.Write(ref owner.IsInside, false);
        else
            Volatile.Write(ref _isTaken, 0);
    }

    private void EnterShared(nint thread)
    {
        // Yields before long: who is inside may have been interrupted. It does not sleep, which Thread.Interrupt would end by an exception, where nobody expects one.
        SpinWait spin = default;
        while (true)
        {
            if (Volatile.Read(ref _owner) is { } owner)
            {
                TakeAway(owner);
            }
            else if (Volatile.Read(ref _isTaken) == 0 && Interlocked.CompareExchange(ref _isTaken, 1, 0) == 0)
            {
                // After the exchange, as it may have been given to a thread before.
                if (Volatile.Read(ref _owner) is null)
                    break;
                Volatile.Write(ref _isTaken, 0);
            }
            else
            {
                spin.SpinOnce(sleep1Threshold: -1);
            }
        }

        if (_lastThread != thread)
            (_lastThread, _inARow) = (thread, 0);
        else if (_owners < MostOwners && ++_inARow >= _enough)
            Own(thread);
    }

    /// <summary>By who is inside by an exchange, and then is inside as the owner.</summary>
    private void Own(nint thread)
    {
        Owner owner = _unused[_owners++];
        _inARow = 0;
        _enough *= Growth;
        owner.Thread = thread;
        owner.IsInside = true;

        // Release both, in this order: who finds the gate free finds its owner as well.
        Volatile.Write(ref _owner, owner);
        Volatile.Write(ref _isTaken, 0);
    }

    /// <summary>Several may do so at the same time.</summary>
    private void TakeAway(Owner owner)
    {
        Volatile.Write(ref owner.HasLost, true);

        // After this, either its owner finds that it has lost it, or it is seen to be inside.
        Interlocked.MemoryBarrierProcessWide();
        SpinWait spin = default;
        while (Volatile.Read(ref owner.IsInside))
            spin.SpinOnce(sleep1Threshold: -1);
        Interlocked.CompareExchange(ref _owner, null, owner);
    }

    // Never used for a second ownership: the thread that has lost it may still be about to write here that it is inside, and then that it is not.
    private sealed class Owner
    {
        public nint Thread;
        public bool IsInside;
        public bool HasLost;
    }
}
