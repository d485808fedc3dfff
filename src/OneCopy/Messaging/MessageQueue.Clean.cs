using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>What dead processes left behind.</summary>
public sealed partial class MessageQueue
{
    /// <summary>
    /// Recovers the dead of a queue and removes what they left, without taking part in it: what they held waits for a receiver again, files that no message needs are gone. A
    /// directory whose creator was killed before the queue was one is removed, and a deletion that did not come to its end is ended. The living are not touched.
    /// Null: there is nothing of this name.
    /// </summary>
    /// <exception cref="OneCopyException">The files cannot be opened.</exception>
    /// <exception cref="QueueCorruptException">The ring is of another version or damaged.</exception>
    internal static QueueCleaning? Clean(string name, string? root = null)
    {
        QueueDirectory directory = QueueDirectory.Of(name, new QueueOptions { Root = root });
        directory.RemoveUnfinished();
        if (!Directory.Exists(directory.Path))
            return null;
        Dictionary<string, long> before = SizesOf(directory);
        QueueCleaning account = new();
        using (Ring? ring = Ring.Open(directory, new QueueOptions(), create: false))
        {
            if (ring is null)
            {
                // Who is just making the queue begins again when it finds its file, or the directory, gone.
                RemoveLeftovers(directory, null);
                account.DirectoryRemoved = Fcntl.rmdir(directory.Path).Succeeded;
            }
            else if (Volatile.Read(ref ring.Deleted) == 0)
            {
                // Again, for one may be the last that kept another, or hold messages that a full ring has room for later.
                for (int tries = 0; tries < 10 && RecoverDeadEntries(directory, ring, account); tries++)
                    continue;
                RemoveLeftovers(directory, ring);
            }
        }

        if (!account.DirectoryRemoved)
        {
            FinishDelete(directory);
            account.DirectoryRemoved = !Directory.Exists(directory.Path);
        }

        Dictionary<string, long> after = SizesOf(directory);
        foreach ((string file, long bytes) in before.Where(f => !after.ContainsKey(f.Key)).OrderBy(f => f.Key, StringComparer.Ordinal))
            account.Add(file, bytes);
        return account;
    }

    /// <summary>Files with the memory or disk space that they take.</summary>
    private static Dictionary<string, long> SizesOf(QueueDirectory directory)
    {
        Dictionary<string, long> sizes = new(StringComparer.Ordinal);
        try
        {
            foreach (string path in Directory.EnumerateFiles(directory.Path))
            {
                if (Stat.Of(path, out statx s, followLinks: false).Succeeded)
                    sizes[System.IO.Path.GetFileName(path)] = (long)s.stx_blocks * 512;
            }
        }
        catch (DirectoryNotFoundException)
        {
            // Removed.
        }

        return sizes;
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

        foreach (string path in Directory.EnumerateFiles(directory.Path).Where(p => !known.Contains(p) && IsOurs(System.IO.Path.GetFileName(p))))
        {
            SysResult opened = Fcntl.open(path, OpenFlags.O_RDWR | OpenFlags.O_NOFOLLOW);
            if (!opened.Succeeded)
                continue;
            using SafeFileHandle file = SafeFd.Of(opened);
            if (Flock.flock(file.Fd(), Flock.LOCK_EX | Flock.LOCK_NB).Succeeded)
                Fcntl.unlink(path);
        }
    }

    private static bool IsOurs(string name) => name.StartsWith("t-", StringComparison.Ordinal) || name[0] == 'p';
}
