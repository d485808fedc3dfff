using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>What is done about files that are damaged, hostile or left over. What is read of them is checked where it is read.</summary>
public sealed partial class MessageQueue
{
    /// <summary>
    /// How often those who sleep without a time limit look whether their files still have their length: a page that was truncated away can ring
    /// nobody. Once in so long for each sleeping thread, and once for all that waits without one.
    /// </summary>
    private const long QuietPeriod = 2_000_000_000;

    // The peers whose files were said to be damaged, by their incarnation: once is enough.
    private readonly long[] _reported = new long[Cell.MaxParticipants + 1];

    // Somebody gave this handle's place in the table away: the others do not know it any more.
    private bool _expelled;

    /// <summary>
    /// The ring or the own file has lost pages, or this handle its place: nothing that it says can be relied on. As long as all is well, this looks at two
    /// words that hardly ever change.
    /// </summary>
    private bool IsBroken => Volatile.Read(ref _expelled) || (MappingGuard.HasFaulted && (_ring.IsDamaged || _self.IsDamaged));

    bool IDoorbellOwner.IsBroken => IsBroken;

    private QueueCorruptException Broken() => _ring.IsDamaged ? QueueCorruptException.Truncated(_directory.RingPath)
        : _self.IsDamaged ? QueueCorruptException.Truncated(_self.Path)
        : new QueueCorruptException(_directory.RingPath, $"the place of this handle (participant {_self.Index}) was given away");

    /// <summary>After the step that must not have been done on zeros, and before its success is told.</summary>
    private void ThrowIfBroken()
    {
        if (IsBroken)
            throw Broken();
    }

    void IDoorbellOwner.OnQuiet()
    {
        if (!TryEnter())
            return;
        LookAtOwnFiles();
        Exit();
    }

    void IDoorbellOwner.OnBroken()
    {
        if (!TryEnter())
            return;
        FailAttached(Broken());
        ReleaseAwaiters();
        Exit();
    }

    private void LookAtOwnFiles()
    {
        if (Volatile.Read(ref _ring.Entry(_self.Index)) != Entries.Live(_self.Incarnation))
            Volatile.Write(ref _expelled, true);
        _ring.LookAtLength();
        _self.LookAtLength();
    }

    private void FailAttached(Exception why)
    {
        lock (_attached)
        {
            foreach (AttachedSend waiting in _attached)
                waiting.Fail(why);
        }
    }

    /// <summary>Whose message a reference stands for. A file that cannot be read has none: the reference is dropped, and it is said once why.</summary>
    private Peer? OwnerOf(MessageReference reference, out QueueCorruptException? corrupt)
    {
        corrupt = null;
        try
        {
            return PeerAt(reference.Participant);
        }
        catch (QueueCorruptException e)
        {
            corrupt = e;
            return null;
        }
    }

    /// <summary>For a message that could not be claimed. Null: it was merely stale, or this was said before.</summary>
    private QueueCorruptException? UnsaidDamage(int index, Peer? owner, QueueCorruptException? corrupt)
    {
        if (owner is { File.IsDamaged: true })
            corrupt = QueueCorruptException.Truncated(owner.File.Path);
        if (corrupt is null)
            return null;
        long incarnation = Entries.IncarnationOf(Volatile.Read(ref _ring.Entry(index)));
        return Interlocked.Exchange(ref _reported[index], incarnation) == incarnation ? null : corrupt;
    }

    /// <summary>
    /// A participant whose file is none: if nothing holds the lock of what has its name, it is recovered without its file, so that nobody waits for what it held
    /// and its place is free again.
    /// </summary>
    private static void RecoverUnreadable(QueueDirectory directory, Ring ring, IStaleness staleness, Func<int, Participant?> participantAt, int index, long entry)
    {
        long incarnation = Entries.IncarnationOf(entry);
        if (Participant.ProbeByName(directory, index, incarnation, out SafeFileHandle? proof) != Participant.Life.Dead)
            return;
        using (proof)
        {
            if (Volatile.Read(ref ring.Entry(index)) != entry)
                return;
            using Participant unreadable = Participant.Unreadable(directory, index, incarnation);
            Recovery recovery = new(ring, staleness, participantAt);
            if (Entries.IsDead(entry) || recovery.TryRecover(unreadable))
                recovery.TryRetire(unreadable);
        }
    }

    /// <summary>
    /// Files of joiners and makers that were killed before their file had its place: in no entry, and not locked. A living joiner that
    /// loses its file this way, in the moment before it locks it, begins again. No ring: nothing has a place.
    /// </summary>
    private static void RemoveLeftovers(QueueDirectory directory, Ring? ring)
    {
        HashSet<string> known = new(StringComparer.Ordinal) { directory.RingPath };
        for (int index = 1; index <= (ring?.HighestIndex ?? 0); index++)
        {
            long entry = Volatile.Read(ref ring!.Entry(index));
            if (entry != 0)
                known.Add(directory.ParticipantPath(index, Entries.IncarnationOf(entry)));
        }

        foreach (string path in FilesOf(directory).Where(p => !known.Contains(p) && IsOurs(System.IO.Path.GetFileName(p))))
        {
            SysResult opened = Fcntl.open(path, OpenFlags.O_RDWR | OpenFlags.O_NOFOLLOW | OpenFlags.O_NONBLOCK);
            if (!opened.Succeeded)
                continue;
            using SafeFileHandle file = SafeFd.Of(opened);
            if (Flock.flock(file.Fd(), Flock.LOCK_EX | Flock.LOCK_NB).Succeeded)
                Fcntl.unlink(path);
        }
    }

    private static bool IsOurs(string name) => name.StartsWith("t-", StringComparison.Ordinal) || name[0] == 'p';

    // It may be deleted just now, by somebody who does not ask.
    private static string[] FilesOf(QueueDirectory directory)
    {
        try
        {
            return Directory.GetFiles(directory.Path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
