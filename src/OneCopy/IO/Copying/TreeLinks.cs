using OneCopy.Interop;

namespace OneCopy;

/// <summary>Files that have more than one name. The first name met is copied; the others become links to that copy, once it is there.</summary>
internal sealed class TreeLinks
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(ulong Device, ulong Inode), Entry> _entries = [];

    /// <summary>
    /// Of a first name <see cref="Settle"/> or <see cref="GiveUp"/> must be told. <see cref="LinkTurn.Wait"/>: the name is kept, and its directory held, until then.
    /// </summary>
    public LinkTurn Meet(in statx status, TreeNode node, ReadOnlySpan<byte> name, out byte[]? path)
    {
        (ulong, ulong) key = KeyOf(status);
        lock (_gate)
        {
            path = null;
            if (!_entries.TryGetValue(key, out Entry? entry))
            {
                _entries.Add(key, new Entry());
                return LinkTurn.First;
            }
            path = entry.Path;
            if (path is not null)
                return LinkTurn.Link;
            node.Hold();
            entry.Waiting.Add((node, TreeNode.Terminated(name)));
            return LinkTurn.Wait;
        }
    }

    /// <summary>The copy is there under a path below the destination. Returns the names that waited for it.</summary>
    public List<(TreeNode Node, byte[] Name)> Settle(in statx status, byte[] path)
    {
        lock (_gate)
        {
            Entry entry = _entries[KeyOf(status)];
            entry.Path = path;
            List<(TreeNode, byte[])> waiting = entry.Waiting;
            entry.Waiting = [];
            return waiting;
        }
    }

    /// <summary>There is no copy: the next one met is the first again. Returns the names that waited, to be met again.</summary>
    public List<(TreeNode Node, byte[] Name)> GiveUp(in statx status)
    {
        lock (_gate)
            return _entries.Remove(KeyOf(status), out Entry? entry) ? entry.Waiting : [];
    }

    private static (ulong Device, ulong Inode) KeyOf(in statx status) => (((ulong)status.stx_dev_major << 32) | status.stx_dev_minor, status.stx_ino);

    private sealed class Entry
    {
        /// <summary>Where the copy is, from the tree's root, with 0 behind it; null: not yet there.</summary>
        public byte[]? Path { get; set; }

        public List<(TreeNode Node, byte[] Name)> Waiting { get; set; } = [];
    }
}

/// <summary>What to do with a name of a file that has several.</summary>
internal enum LinkTurn
{
    First,
    Link,
    Wait,
}
