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
            long entry = Volatile.Read(ref _ring.Entry(index));
            if (entry != Entries.Live(incarnation))
            {
                // It may have closed, and been killed between marking itself and retiring.
                if (entry == Entries.Dead(incarnation) && TryPeerAt(index) is { } closed)
                    NewRecovery().TryRetire(closed.File);
                return true;
            }

            if (PeerAt(index) is not { } peer || peer.Incarnation != incarnation || RecoverIfDead(peer))
                return true;

            // Somebody else is at it, or the ring is full: those here who wait for a payload to be moved look up all the same.
            if (Volatile.Read(ref _self.OwnSleeping) != 0)
                _self.Ring(WaitKind.Own);
            return false;
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

    bool IStaleness.IsStale(MessageReference r)
    {
        try
        {
            return PeerAt(r.Participant)?.File.HasQueued(r) != true;
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
    /// A joiner that found the table full: recovers the dead, of whom nobody was left to take notice. True: it is worth looking
    /// for a free entry again, because there were some, or others are just at it.
    /// </summary>
    private static bool RecoverDeadEntries(QueueDirectory directory, Ring ring)
    {
        using Roster roster = new(directory, ring);
        bool any = false;
        for (int index = 1; index <= ring.HighestIndex; index++)
        {
            long entry = Volatile.Read(ref ring.Entry(index));
            if (roster.At(index) is not { } participant)
            {
                // Its file is gone: retired but for this last step.
                if (entry != 0)
                    Interlocked.CompareExchange(ref ring.Entry(index), 0, entry);
                any = true;
                continue;
            }

            if (Entries.IsDead(Volatile.Read(ref ring.Entry(index))))
            {
                // Free already, or about to be freed by whoever recovered it, unless it has messages left.
                new Recovery(ring, roster, roster.At).TryRetire(participant);
                any |= Volatile.Read(ref ring.Entry(index)) != Entries.Dead(participant.Incarnation);
                continue;
            }

            if (participant.Probe(out SafeFileHandle? proof) == Participant.Life.Dead)
            {
                any = true;
                using (proof)
                    new Recovery(ring, roster, roster.At).TryRecover(participant);
            }
            else if (participant.PidNamespace == ProcessIdentity.PidNamespace)
            {
                any |= !ProcessIdentity.IsRunning(participant.Pid, participant.StartTime);
            }
        }

        // Not at once again: those who are just at it need the processor.
        if (any)
            SpinWait.SpinUntil(static () => false, millisecondsTimeout: 1);
        return any;
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

        public bool IsStale(MessageReference r) => At(r.Participant)?.HasQueued(r) != true;

        public void Dispose()
        {
            foreach (Participant participant in _attached.Values)
                participant.Dispose();
        }
    }
}
