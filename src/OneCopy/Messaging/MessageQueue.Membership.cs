using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;
using OneCopy.Memory;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>Who else takes part: attaching their files, watching their processes.</summary>
public sealed partial class MessageQueue
{
    private readonly MonitorLock _membershipGate = new();
    private readonly Peer?[] _peers;
    private readonly long[] _watches;

    // Peers that are gone, until no operation can still be looking at their memory; and again for each reference to them that was in use by then.
    private readonly List<Peer> _graveyard = [];
    private bool _isBuried;

    void IDoorbellOwner.OnAttention()
    {
        if (!TryEnter())
            return;
        try
        {
            lock (_membershipGate)
            {
                if (!IsBroken)
                    SyncMembership(probe: false);
            }
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>The participant behind an index, its file mapped. Null: there is none.</summary>
    private Peer? PeerAt(int index)
    {
        if ((uint)(index - 1) >= Cell.MaxParticipants)
            return null;
        long entry = Volatile.Read(ref _ring.Entry(index));
        if (entry == 0)
            return null;
        if (KnownAt(index, entry) is { } peer)
            return peer;

        // Read again: an old value would drop a newer peer.
        lock (_membershipGate)
            return Attach(index, Volatile.Read(ref _ring.Entry(index)));
    }

    /// <summary>Null: whoever the entry is of has not been attached yet.</summary>
    private Peer? KnownAt(int index, long entry) =>
        Volatile.Read(ref _peers[index]) is { } peer && peer.Incarnation == Entries.IncarnationOf(entry) ? peer : null;

    /// <summary>The same for those who can do without it: null also if the file cannot be mapped now.</summary>
    private Peer? TryPeerAt(int index)
    {
        try
        {
            return PeerAt(index);
        }
        catch (OneCopyException)
        {
            return null;
        }
    }

    private bool IsGoneOrDead(Peer peer) => Volatile.Read(ref _ring.Entry(peer.Index)) != peer.LiveEntry;

    /// <summary>Compares the table with what is known. With <paramref name="probe"/>, tries the locks of all: nobody may have watched.</summary>
    private void SyncMembership(bool probe)
    {
        for (int index = 1; index <= _ring.HighestIndex; index++)
        {
            try
            {
                SyncEntry(index, probe);
            }
            catch (QueueCorruptException) when (probe)
            {
                RecoverUnreadable(_directory, _ring, this, i => TryPeerAt(i)?.File, index, Volatile.Read(ref _ring.Entry(index)));
            }
            catch (OneCopyException)
            {
                // This peer's file cannot be mapped now, or is damaged: the operation that needs it will say so. The others can.
            }
        }

        // Somebody came or went: attached sends are worth another try.
        Volatile.Write(ref _copiesBeforeAttach, 0);
    }

    private void SyncEntry(int index, bool probe)
    {
        long entry = Volatile.Read(ref _ring.Entry(index));
        Peer? peer = _peers[index];
        if (entry == 0 || (peer is not null && peer.Incarnation != Entries.IncarnationOf(entry)))
        {
            Drop(index);
            if (entry == 0)
                return;
        }

        if (index == _self.Index)
        {
            LookAtOwnFiles();
            return;
        }

        bool known = _peers[index] is not null;
        peer = Attach(index, entry);
        if (Entries.IsDead(entry))
        {
            bool isNews = _watches[index] != 0;
            StopWatching(index);
            if (probe)
                CrashPoint.At(Step.OpenRetire);
            if (peer is null)
                Interlocked.CompareExchange(ref _ring.Entry(index), 0, entry); // Retired but for the last step.
            else if (probe || isNews)
                NewRecovery().TryRetire(peer.File); // Who closed and was killed before it could: its own death is nobody's news any more.
        }
        else if (peer is not null)
        {
            bool closed = Volatile.Read(ref peer.File.Closed) != 0;
            if ((probe || !known || closed) && !RecoverIfDead(peer) && closed)
            {
                // Its process lives, so no pidfd will tell: it is looked at until the ring has room for what it left.
                StopWatching(index);
                _watches[index] = PeerWatcher.Shared.Add(this, index, peer.Incarnation, pidfd: null);
            }
        }
    }

    private Peer? Attach(int index, long entry)
    {
        if (_peers[index] is { } known && known.Incarnation == Entries.IncarnationOf(entry))
            return known;
        Drop(index);
        if (entry == 0)
            return null;
        Participant? file = Participant.Attach(_directory, _ring, index, Entries.IncarnationOf(entry));
        if (file is null)
            return null;
        Peer peer = new(file);
        Volatile.Write(ref _peers[index], peer);
        if (!Entries.IsDead(entry))
            StartWatching(peer);
        return peer;
    }

    private void Drop(int index)
    {
        if (_peers[index] is not { } peer || index == _self.Index)
            return;
        StopWatching(index);
        Volatile.Write(ref _peers[index], null);
        lock (_graveyard)
            _graveyard.Add(peer);
    }

    private void Bury()
    {
        lock (_graveyard)
        {
            // A dropped peer can be found by no operation that begins now, or that sleeps and wakes now. Sleepers cannot leave
            // while we hold the gate, so the difference is how many are awake. The dear count is made if the cheap one does not tell already.
            if (_operations.IsClosed || _operations.LooksAbove(_sleepers) || _operations.Count() != _sleepers)
                return;
            foreach (Peer peer in _graveyard)
                peer.LeaveOrRelease(this);
            _graveyard.Clear();
        }
    }

    /// <summary>The reference of a message on a lease, whose peer has left: when nobody can be reading that message any more.</summary>
    internal void ReleaseLater(Peer peer)
    {
        bool isClosed;
        lock (_graveyard)
        {
            isClosed = _isBuried;
            if (!isClosed)
                _graveyard.Add(peer);
        }

        if (isClosed)
            peer.Release();
        else
            Bury();
    }

    private void StartWatching(Peer peer)
    {
        // A handle of this process is closed by this process, or dies with it.
        if (peer.File.IsThisProcess)
            return;
        if (peer.File.PidNamespace == ProcessIdentity.PidNamespace)
        {
            SysResult opened = Pidfd.pidfd_open(peer.File.Pid);
            if (opened.Succeeded)
                peer.Pidfd = SafeFd.Of(opened);

            // The number may be somebody else's by now. Then there is nothing to wait for: the lock tells.
            if (peer.Pidfd is not null && !ProcessIdentity.IsRunning(peer.File.Pid, peer.File.StartTime))
            {
                peer.Pidfd.Dispose();
                peer.Pidfd = null;
            }
        }

        _watches[peer.Index] = PeerWatcher.Shared.Add(this, peer.Index, peer.Incarnation, peer.Pidfd);
    }

    private void StopWatching(int index)
    {
        if (_watches[index] == 0)
            return;
        PeerWatcher.Shared.Remove(_watches[index]);
        _watches[index] = 0;
    }

    private void RingAttentionOfOthers()
    {
        for (int index = 1; index <= _ring.HighestIndex; index++)
        {
            if (index != _self.Index && TryPeerAt(index) is { } peer)
                peer.File.RingAttention();
        }
    }
}
