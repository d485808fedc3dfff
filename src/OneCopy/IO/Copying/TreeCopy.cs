using OneCopy.Interop;

namespace OneCopy;

/// <summary>One copy of a tree: threads that take directories and batches of their entries from a queue.</summary>
internal sealed unsafe partial class TreeCopy(FileCopyOptions options, CopyMeter meter, CancellationToken cancellation)
{
    private readonly CopyIdentity _self = new(umask: !options.Preserve.HasFlag(FileMetadata.Mode));
    private readonly TreeQueue _queue = new();
    private readonly TreeLinks _links = new();
    private readonly TreeTally _tally = new();
    private int _rootDestination = -1;
    private readonly Lock _gate = new();

    /// <summary>Directories that are to be closed if the copy ends before its end.</summary>
    private readonly HashSet<TreeNode> _open = [];
    private Exception? _fatal;

    /// <summary>Both roots are open and checked; this closes them.</summary>
    public TreeTally Run(TreeNode root)
    {
        _rootDestination = root.Destination;
        int threads = options.Threads;
        _open.Add(root);
        _queue.Push(root);
        Thread[] others = new Thread[threads - 1];
        for (int i = 0; i < others.Length; i++)
        {
            others[i] = new Thread(Work) { IsBackground = true, Name = "OneCopy tree" };
            others[i].Start();
        }
        Work();
        foreach (Thread other in others)
            other.Join();
        if (_fatal is not null)
        {
            foreach (TreeNode node in _open)
                CloseBoth(node);
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(_fatal);
        }
        return _tally;
    }

    private void Work()
    {
        TreeTally tally = new();
        using CopyWorker worker = new(options, meter, _self, cancellation) { IsInTree = true };
        using TreeRoom room = new();
        while (_queue.Take() is object item)
        {
            try
            {
                if (item is TreeNode node)
                    List(node, worker, room, tally);
                else
                    CopyBatch((TreeBatch)item, worker, tally);
            }
            catch (Exception e)
            {
                // Failures of entries are in the tally; this is a cancellation, or no memory.
                Interlocked.CompareExchange(ref _fatal, e, null);
                _queue.End(options.Threads);
                break;
            }
            _queue.Done(options.Threads);
        }
        _tally.Add(tally);
    }

    /// <summary>Opens a directory on both sides and hands out what is in it; the last, smaller batch is done here and now.</summary>
    private void List(TreeNode node, CopyWorker worker, TreeRoom room, TreeTally tally)
    {
        cancellation.ThrowIfCancellationRequested();
        try
        {
            if (node.Source < 0)
                Open(node);
        }
        catch (OneCopyException e)
        {
            tally.Fail(node.SourceText, e);
            Close(node);
            LetGo(node.Parent!, worker, tally);
            return;
        }
        tally.Directories++;

        TreeBatch batch = new(node);
        while (true)
        {
            SysResult r = Directories.getdents64(node.Source, room.Entries, TreeRoom.EntriesLength);
            if (r.Errno == Errno.EINTR)
                continue;
            if (!r.Succeeded)
                tally.Fail(node.SourceText, new OneCopyException("getdents64", r.Errno, node.SourceText));
            if (!r.Succeeded || r.Value == 0)
                break;
            for (byte* entry = room.Entries; entry < room.Entries + r.Value;)
            {
                byte* name = Directories.Next(ref entry, out byte type);
                if (Directories.IsDots(name))
                    continue;
                ReadOnlySpan<byte> span = TreeNode.SpanOf(name);
                if (TypeOf(node, name, type) == Directories.DT_DIR)
                {
                    _queue.Push(node.Child(span));
                    continue;
                }
                batch.Add(type, span);
                if (batch.Count < TreeBatch.Most)
                    continue;
                node.Hold();
                _queue.Push(batch);
                batch = new TreeBatch(node);
            }
        }
        CopyEntries(batch, worker, tally);
        LetGo(node, worker, tally);
    }

    /// <summary>Not every file system says the type while listing. With links to be followed, what they lead to counts.</summary>
    private byte TypeOf(TreeNode node, byte* name, byte type)
    {
        bool follow = options.Links == SymbolicLinks.Follow;
        if (type != Directories.DT_UNKNOWN && !(follow && type == Directories.DT_LNK))
            return type;
        SysResult r = At.statx(node.Source, name, out statx status, follow);
        return r.Succeeded && (status.stx_mode & Stat.S_IFMT) == Stat.S_IFDIR ? Directories.DT_DIR : type;
    }

    private void Open(TreeNode node)
    {
        int links = options.Links == SymbolicLinks.Follow ? 0 : OpenFlags.O_NOFOLLOW;
        TreeNode parent = node.Parent!;
        lock (_gate)
            _open.Add(node);
        fixed (byte* name = node.Name)
        {
            node.Source = (int)At.openat(parent.Source, name, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | links).OrThrow("open", node.SourceText);
            Stat.Of(node.Source, out node.Status).OrThrow("statx", node.SourceText);
            if (options.Links == SymbolicLinks.Follow)
            {
                for (TreeNode? above = parent; above is not null; above = above.Parent)
                {
                    if (above.IsSame(node.Status))
                        throw new OneCopyException("open", Errno.ELOOP, node.SourceText, "This symbolic link leads back to a directory that it is in.");
                }
            }
            SysResult made = At.mkdirat(parent.Destination, name, Permissions.S_IRWXU);
            if (!made.Succeeded && made.Errno != Errno.EEXIST)
                throw new OneCopyException("mkdir", made.Errno, node.DestinationText);
            node.IsNew = made.Succeeded;
            SysResult opened = At.openat(parent.Destination, name, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW);
            node.Destination = (int)opened.OrThrow(
                "open", node.DestinationText, opened.Errno is Errno.ENOTDIR or Errno.ELOOP ? "Something that is no directory has this name: it is left as it is." : null);
        }
        if (node.IsNew)
        {
            node.IsPlain = parent.IsPlain;
            node.DestinationDevice = parent.DestinationDevice;
        }
        else
        {
            LookAtDestination(node);
        }
    }

    /// <summary>What a directory that was there gives to what is made in it.</summary>
    public void LookAtDestination(TreeNode node)
    {
        Stat.Of(node.Destination, out statx there).OrThrow("statx", node.DestinationText);
        node.ExistingMode = there.stx_mode;
        node.DestinationDevice = ((ulong)there.stx_dev_major << 32) | there.stx_dev_minor;
        fixed (byte* name = "system.posix_acl_default\0"u8)
            node.IsPlain = there.stx_gid == _self.Group && !Xattr.fgetxattr(node.Destination, name, null, 0).Succeeded;
    }

    /// <summary>One thing of a directory is done. After the last one it gets its metadata and is closed, and its parent has one thing less.</summary>
    private void LetGo(TreeNode node, CopyWorker worker, TreeTally tally)
    {
        for (TreeNode? at = node; at is not null && at.Release(); at = at.Parent)
        {
            worker.Metadata.Losses.Clear();
            worker.Metadata.Keep(at.Source, at.Destination, at.Status, at.IsNew, plainDirectory: at.IsPlain, at.ExistingMode);
            tally.Lose(at.SourceText, worker.Metadata.Losses);
            if (at.Parent is null)
                Sync(at, tally);
            Close(at);
        }
    }

    /// <summary>One call for the whole tree, where the files need not be safe before their names are.</summary>
    private void Sync(TreeNode root, TreeTally tally)
    {
        if (options.Durability == CopyDurability.None)
            return;
        SysResult r = Directories.syncfs(root.Destination);
        if (!r.Succeeded)
            tally.Fail(root.DestinationText, new OneCopyException("syncfs", r.Errno, root.DestinationText, "Not all of the tree is on the medium."));
    }

    private void Close(TreeNode node)
    {
        lock (_gate)
            _open.Remove(node);
        CloseBoth(node);
    }

    public static void CloseBoth(TreeNode node)
    {
        if (node.Source >= 0)
            Descriptor.close(node.Source);
        if (node.Destination >= 0)
            Descriptor.close(node.Destination);
        node.Source = node.Destination = -1;
    }
}
