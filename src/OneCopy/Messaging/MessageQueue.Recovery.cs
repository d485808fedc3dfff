using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>What this handle does about others' deaths.</summary>
public sealed partial class MessageQueue
{
    bool IPeerObserver.OnPeerMayHaveDied(int index, long incarnation)
    {
        if (!TryEnter())
            return true;
        try
        {
            if (IsBroken)
                return true;
            if (!IsSettled(index, incarnation))
            {
                // Somebody else is at it, or the ring is full: those here who wait for a payload to be moved look up all the same.
                if (Volatile.Read(ref _self.OwnSleeping) != 0)
                    _self.Ring(WaitKind.Own);
                return false;
            }

            // Whoever marked it dead may have died before it rang, and nobody recovers a recoverer that is no participant: who waits in this
            // process for just the mark looks up now.
            _self.RingAll();
            return true;
        }
        catch (OneCopyException)
        {
            // A file cannot be mapped now: it is tried again.
            return false;
        }
        finally
        {
            Exit();
        }
    }

    private bool IsSettled(int index, long incarnation)
    {
        if (IsBroken)
            return true;
        if (PeerAt(index) is not { } peer || peer.Incarnation != incarnation)
            return true;
        long entry = Volatile.Read(ref _ring.Entry(index));
        if (entry == Entries.Live(incarnation))
            return RecoverIfDead(peer);

        // Marked already: it may have been left unretired.
        if (entry == Entries.Dead(incarnation))
            NewRecovery().TryRetire(peer.File);
        return true;
    }

    bool IStaleness.IsStale(MessageReference r)
    {
        try
        {
            return PeerAt(r.Participant)?.File.HasQueued(r) != true;
        }
        catch (QueueCorruptException)
        {
            return true; // No message is to be had from that file, and the ring is not to stand still for it.
        }
        catch (OneCopyException)
        {
            return false; // The file cannot be mapped now: not to be dropped by one who cannot see it.
        }
    }

    /// <summary>True: the peer was dead and is recovered, or is no longer there. False: it lives, or somebody else is at it.</summary>
    private bool RecoverIfDead(Peer peer)
    {
        CrashPoint.At(Step.DeathLock);
        if (peer.File.Probe(out SafeFileHandle? proof) != Participant.Life.Dead)
            return IsGoneOrDead(peer);
        using (proof)
        {
            CrashPoint.At(Step.DeathLook);
            // The lock is ours; it may have been free because another has done the work.
            if (IsGoneOrDead(peer))
                return true;
            Recovery recovery = NewRecovery();
            bool done = recovery.TryRecover(peer.File);
            _self.Count(Counter.LostWithSender, recovery.Lost);
            return done;
        }
    }

    private Recovery NewRecovery() => new(_ring, this, i => TryPeerAt(i)?.File);

    /// <summary>
    /// By somebody who is no participant: a joiner that found the table full, or cleaning. Recovers the dead, of whom nobody was left to take notice. True: it is worth looking
    /// again, because there were some, or others are just at it.
    /// </summary>
    private static bool RecoverDeadEntries(QueueDirectory directory, Ring ring, QueueCleaning? account = null)
    {
        using Roster roster = new(directory, ring);
        bool any = false;
        for (int index = 1; index <= ring.HighestIndex; index++)
        {
            long entry = Volatile.Read(ref ring.Entry(index));
            try
            {
                any |= RecoverDeadEntry(ring, roster, index, account);
            }
            catch (QueueCorruptException)
            {
                RecoverUnreadable(directory, ring, roster, roster.TryAt, index, entry);
                any |= Volatile.Read(ref ring.Entry(index)) != entry;
            }
            catch (OneCopyException)
            {
                // This one's file cannot be mapped now. The others can.
            }
        }

        // Not at once again: those who are just at it need the processor.
        if (any)
            SpinWait.SpinUntil(static () => false, millisecondsTimeout: 1);
        return any;
    }

    private static bool RecoverDeadEntry(Ring ring, Roster roster, int index, QueueCleaning? account)
    {
        long entry = Volatile.Read(ref ring.Entry(index));
        if (roster.At(index) is not { } participant)
        {
            // Its file is gone: retired but for this last step.
            if (entry != 0)
                Interlocked.CompareExchange(ref ring.Entry(index), 0, entry);
            return true;
        }

        if (Entries.IsDead(Volatile.Read(ref ring.Entry(index))))
        {
            // Free already, or about to be freed by whoever recovered it, unless it has messages left.
            new Recovery(ring, roster, roster.TryAt).TryRetire(participant);
            return Volatile.Read(ref ring.Entry(index)) != Entries.Dead(participant.Incarnation);
        }

        if (participant.Probe(out SafeFileHandle? proof) != Participant.Life.Dead)
            return participant.PidNamespace == ProcessIdentity.PidNamespace && !ProcessIdentity.IsRunning(participant.Pid, participant.StartTime);
        using (proof)
        {
            // The lock is ours; it may have been free because another has done the work.
            if (Volatile.Read(ref ring.Entry(index)) != Entries.Live(participant.Incarnation))
                return true;
            Recovery recovery = new(ring, roster, roster.TryAt);
            bool done = recovery.TryRecover(participant);
            Interlocked.Add(ref ring.RetiredCounter((int)Counter.LostWithSender), recovery.Lost);
            account?.Add(participant, recovery, done);
            return true;
        }
    }

    /// <summary>The participants as somebody sees them who is none.</summary>
    private sealed class Roster(QueueDirectory directory, Ring ring) : IStaleness, IDisposable
    {
        private readonly Dictionary<int, Participant> _attached = [];

        public Participant? At(int index)
        {
            long entry = Volatile.Read(ref ring.Entry(index));
            if (entry == 0)
                return null;
            if (_attached.TryGetValue(index, out Participant? known) && known.Incarnation == Entries.IncarnationOf(entry))
                return known;
            Participant? file = Participant.Attach(directory, ring, index, Entries.IncarnationOf(entry));
            if (file is null)
                return null;
            known?.Dispose();
            return _attached[index] = file;
        }

        /// <summary>The same for those who can do without it: null also if its file is damaged, or cannot be mapped now.</summary>
        public Participant? TryAt(int index)
        {
            try
            {
                return At(index);
            }
            catch (OneCopyException)
            {
                return null;
            }
        }

        public bool IsStale(MessageReference r)
        {
            try
            {
                return At(r.Participant)?.HasQueued(r) != true;
            }
            catch (QueueCorruptException)
            {
                return true; // No message is to be had from that file.
            }
            catch (OneCopyException)
            {
                return false; // Not to be dropped by one who cannot see it.
            }
        }

        public void Dispose()
        {
            foreach (Participant participant in _attached.Values)
                participant.Dispose();
        }
    }
}
