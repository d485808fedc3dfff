using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>
/// Death of X: what it held is given back, what it owed is done. The caller holds X's lock, so it is alone at it; if it dies,
/// the lock is free again and the next one begins anew. It needs no participant of its own: until X is marked dead its own
/// index stays the actor of what is done in its name, and is found again.
/// </summary>
internal sealed class Recovery(Ring ring, IStaleness staleness, Func<int, Participant?> participantAt)
{
    /// <summary>How many attached messages were lost with X, by the last call of <see cref="TryRecover"/>.</summary>
    public int Lost { get; private set; }

    /// <summary>How many messages that X held were given back, by the last call of <see cref="TryRecover"/>.</summary>
    public int GivenBack { get; private set; }

    /// <summary>False: the ring is full; X is not marked dead, so that somebody begins again when there is room.</summary>
    public bool TryRecover(Participant dead)
    {
        CrashPoint.At(Step.DeathScan);
        Lost = 0;
        GivenBack = 0;
        // What X held first: with a full ring its own messages, whose references are mostly there already, may take several tries.
        foreach (bool own in new[] { false, true })
        {
            for (int index = 1; index <= ring.HighestIndex; index++)
            {
                if ((index == dead.Index) != own || participantAt(index) is not { } owner)
                    continue;
                for (int block = 0; block < owner.BlockCount; block++)
                {
                    if (!TryRecoverBlock(owner, block, dead))
                    {
                        CrashPoint.At(Step.DeathFull);
                        return false;
                    }
                }
            }
        }

        MarkDead(dead);

        CrashPoint.At(Step.DeathRetire);
        // Also those who were dead before: a process may have died between the end of their last message and this step.
        for (int index = 1; index <= ring.HighestIndex; index++)
        {
            long entry = Volatile.Read(ref ring.Entry(index));
            if (!Entries.IsDead(entry))
                continue;
            if (participantAt(index) is { } earlier)
                TryRetire(earlier);
        }

        return true;
    }

    /// <summary>
    /// Retire: a dead participant's file goes with its last message. Called after every step that may have been the last; the
    /// full fences of the state's change there and of the entry's change in <see cref="MarkDead"/> make one of the callers see it.
    /// </summary>
    public void TryRetire(Participant dead)
    {
        ref long entry = ref ring.Entry(dead.Index);
        if (Volatile.Read(ref entry) != Entries.Dead(dead.Incarnation))
            return;
        CrashPoint.At(Step.RetireCheck);
        for (int block = 0; block < dead.BlockCount; block++)
        {
            if (dead.State(block).Phase is not (Phase.Free or Phase.Done))
                return;
        }

        CrashPoint.At(Step.RetireUnlink);
        // Whoever unlinks the file adds its counters to the ring's.
        if (Fcntl.unlink(dead.Path).Succeeded)
        {
            CrashPoint.At(Step.RetireCounters);
            for (int counter = 0; counter < (int)Counter.Count; counter++)
                Interlocked.Add(ref ring.RetiredCounter(counter), Volatile.Read(ref dead.CounterWord(counter)));
        }

        CrashPoint.At(Step.RetireEntry);
        if (Interlocked.CompareExchange(ref entry, 0, Entries.Dead(dead.Incarnation)) != Entries.Dead(dead.Incarnation))
            return;

        CrashPoint.At(Step.RetireRing);
        // The file's memory is free when nobody maps it any more: everybody looks at the table.
        for (int index = 1; index <= ring.HighestIndex; index++)
            participantAt(index)?.RingAttention();
    }

    /// <summary>
    /// Marks X dead, and wakes everybody before and after: before, because a wake-up that X owed may be lost, and if we die now X is
    /// recovered once more; after, for those who wait for just this mark.
    /// </summary>
    public void MarkDead(Participant dead)
    {
        CrashPoint.At(Step.DeathRing);
        RingEverybody(dead);
        CrashPoint.At(Step.DeathBits);
        ring.Sleepers(WaitKind.Receive).Remove(dead.Index);
        ring.Sleepers(WaitKind.Space).Remove(dead.Index);
        CrashPoint.At(Step.DeathMark);
        Interlocked.CompareExchange(ref ring.Entry(dead.Index), Entries.Dead(dead.Incarnation), Entries.Live(dead.Incarnation));
        CrashPoint.At(Step.DeathAgain);
        RingEverybody(dead);
    }

    private void RingEverybody(Participant dead)
    {
        for (int index = 1; index <= ring.HighestIndex; index++)
        {
            if (index != dead.Index && participantAt(index) is { } other)
                other.RingAll();
        }
    }

    // Again while the state changes under our hands.
    private bool TryRecoverBlock(Participant owner, int block, Participant dead)
    {
        bool own = owner.Index == dead.Index;
        while (true)
        {
            BlockState s = owner.State(block);
            switch (s.Phase)
            {
                case Phase.Filling when own:
                    CrashPoint.At(Step.DeathFilling);
                    // Nothing was promised yet.
                    if (!owner.TryChange(block, s, s.To(Phase.Free, dead.Index)))
                        continue;
                    return true;
                case Phase.Queued or Phase.Leased when IsLost(owner, block, s, dead, own):
                    CrashPoint.At(Step.DeathLost);
                    if (!owner.TryChange(block, s, s.To(Phase.Done, dead.Index)))
                        continue;
                    Lost++;

                    // It may have been the last message of an owner who died before.
                    if (!own)
                        TryRetire(owner);
                    return true;
                case Phase.Queued when s.Actor == dead.Index:
                    CrashPoint.At(Step.DeathEnqueue);
                    // Its reference may be in the ring already: then the second one is stale when it is met.
                    return ring.TryEnqueue(new MessageReference(owner.Index, block, s.Generation & Cell.GenerationMask), staleness);
                case Phase.Leased when s.Actor == dead.Index:
                    CrashPoint.At(Step.DeathLeased);
                    // State first, reference second, in the next round.
                    if (owner.TryChange(block, s, s.ToRequeued(dead.Index, countAttempt: true)))
                        GivenBack++;
                    continue;
                default:
                    return true;
            }
        }
    }

    /// <summary>
    /// An attached payload is gone with its sender's memory. What a living receiver holds is left to it: it may have copied it in
    /// time, and finds out at its next pull otherwise.
    /// </summary>
    private bool IsLost(Participant owner, int block, BlockState s, Participant dead, bool own)
    {
        bool senderIsDead = own || Entries.IsDead(Volatile.Read(ref ring.Entry(owner.Index)));
        bool held = s.Phase == Phase.Leased && s.Actor != dead.Index;
        return senderIsDead && !held && MessageRecord.IsAttached(owner, block);
    }
}
