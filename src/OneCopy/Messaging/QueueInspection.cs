using System.Diagnostics.CodeAnalysis;
using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>
/// A look into a queue from outside: what is in it, who takes part, what went through it. It takes no part itself: it writes nothing, makes no file,
/// takes no place among the participants, takes no lock and tries none, so that nobody's work is disturbed and nobody's death
/// is mistaken. The files are mapped for reading alone. Everything is read while others change it; what is not
/// consistent is read again, or left out. All members are thread-safe.
/// </summary>
public sealed partial class QueueInspection : IDisposable
{
    private readonly Lock _gate = new();
    private readonly QueueDirectory _directory;
    private readonly Ring _ring;
    private readonly Dictionary<int, Peer> _peers = [];
    private bool _disposed;

    private QueueInspection(QueueDirectory directory, Ring ring)
    {
        _directory = directory;
        _ring = ring;
    }

    /// <summary>The queue's name.</summary>
    public string Name => _directory.Name;

    /// <summary>The directory of the queue's files.</summary>
    public string Path => _directory.Path;

    /// <summary>What its maker has fixed.</summary>
    public QueueGeometry Geometry => new(
        _ring.Capacity, _ring.BlockSize, _ring.MaxParticipants, _ring.MaxAttempts, _ring.TimeToLive == 0 ? null : TimeSpan.FromMicroseconds(_ring.TimeToLive), _ring.Access);

    /// <summary>False: the queue was deleted since the look began. One of the same name may have been made anew: look again.</summary>
    public bool Exists
    {
        get
        {
            lock (_gate)
            {
                ThrowIfDisposed();
                return Stat.Of(_ring.File.Fd(), out statx s).Succeeded && s.stx_nlink > 0;
            }
        }
    }

    /// <summary>
    /// What <see cref="MessageQueue.Statistics"/> says. Messages that a dead process held count as held until
    /// somebody who takes part has given them back; a participant whose process has ended counts as not alive before that already.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The look is over.</exception>
    public QueueStatistics Statistics
    {
        get
        {
            lock (_gate)
            {
                ThrowIfDisposed();
                return Count();
            }
        }
    }

    /// <summary>Who takes part, in the order of their numbers.</summary>
    /// <exception cref="ObjectDisposedException">The look is over.</exception>
    public IReadOnlyList<InspectedParticipant> Participants
    {
        get
        {
            lock (_gate)
            {
                ThrowIfDisposed();
                return [.. Refresh().Select(Describe)];
            }
        }
    }

    internal static bool TryOpen(string name, [NotNullWhen(true)] out QueueInspection? inspection, string? root)
    {
        QueueDirectory directory = QueueDirectory.Of(name, new QueueOptions { Root = root });
        Ring? ring = Ring.OpenReadOnly(directory);
        inspection = ring is null ? null : new QueueInspection(directory, ring);
        return inspection is not null;
    }

    /// <summary>Ends the look.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            foreach (Peer peer in _peers.Values)
                peer.Release();
            _ring.Dispose();
        }
    }

    /// <summary>The participants as they are now, their files mapped. Those whose files are damaged, or are not ours to read, are left out.</summary>
    private List<Peer> Refresh()
    {
        List<Peer> found = [];
        for (int index = 1; index <= _ring.HighestIndex; index++)
        {
            long entry = Volatile.Read(ref _ring.Entry(index));
            if (_peers.TryGetValue(index, out Peer? known) && (entry == 0 || known.Incarnation != Entries.IncarnationOf(entry)))
            {
                _peers.Remove(index);
                known.Release();
                known = null;
            }

            if (entry != 0 && (known ?? TryAttach(index, Entries.IncarnationOf(entry))) is { } peer)
                found.Add(peer);
        }

        return found;
    }

    private Peer? TryAttach(int index, long incarnation)
    {
        try
        {
            return Participant.Attach(_directory, _ring, index, incarnation, readOnly: true) is { } file ? _peers[index] = new Peer(file) : null;
        }
        catch (OneCopyException)
        {
            return null;
        }
    }

    private QueueStatistics Count() => QueueTally.Count(_ring, tally =>
    {
        foreach (Peer peer in Refresh())
        {
            bool alive = StateOf(peer) is ParticipantState.Alive or ParticipantState.Unknown;
            tally.Add(peer.File, new ParticipantStatistics(peer.Index, peer.File.Pid, (int)peer.File.Uid, alive, PullDenied: null));
        }
    });

    private InspectedParticipant Describe(Peer peer)
    {
        ParticipantState state = StateOf(peer);
        Participant file = peer.File;
        string? name = state is not ParticipantState.Unknown && Runs(file) ? Memory.ProcessStatus.Of(file.Pid)?.Name : null;
        long bytes = Stat.Of(file.File.Fd(), out statx s).Succeeded ? (long)s.stx_size : 0;
        return new InspectedParticipant(
            file.Index, file.Incarnation, file.Pid, name, (int)file.FileUid, state, file.BlockCount, file.ArenaLimit, bytes);
    }

    /// <summary>
    /// Without the lock, which is the proof: whoever tries it holds it for an instant, and is the recoverer then. For showing, the
    /// process's number together with its time of start is enough.
    /// </summary>
    private ParticipantState StateOf(Peer peer)
    {
        Participant file = peer.File;
        if (Volatile.Read(ref _ring.Entry(file.Index)) != Entries.Live(file.Incarnation))
            return ParticipantState.Left;
        if (Volatile.Read(ref file.Closed) != 0)
            return ParticipantState.NotRecovered;
        if (file.PidNamespace != ProcessIdentity.PidNamespace)
            return ParticipantState.Unknown;
        return Runs(file) ? ParticipantState.Alive : ParticipantState.NotRecovered;
    }

    private static bool Runs(Participant file) =>
        file.PidNamespace == ProcessIdentity.PidNamespace && ProcessIdentity.IsRunning(file.Pid, file.StartTime);

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed, this);
}

public sealed partial class MessageQueue
{
    /// <summary>Looks into a queue without taking part in it. False: there is none of this name.</summary>
    /// <param name="name">As for <see cref="Open"/>.</param>
    /// <param name="inspection">The look; dispose it when done.</param>
    /// <param name="root">Null: the default root.</param>
    /// <exception cref="OneCopyException">The files cannot be opened.</exception>
    /// <exception cref="QueueCorruptException">The ring is of another version or damaged.</exception>
    public static bool TryInspect(string name, [NotNullWhen(true)] out QueueInspection? inspection, string? root = null) =>
        QueueInspection.TryOpen(name, out inspection, root);
}
