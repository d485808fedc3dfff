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
        foreach (string path in FilesOf(directory))
        {
            if (Stat.Of(path, out statx s, followLinks: false).Succeeded)
                sizes[System.IO.Path.GetFileName(path)] = (long)s.stx_blocks * 512;
        }

        return sizes;
    }
}
