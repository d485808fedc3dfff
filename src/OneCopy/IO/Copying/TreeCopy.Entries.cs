using OneCopy.Interop;

namespace OneCopy;

/// <content>What is in a directory and is none itself.</content>
internal sealed unsafe partial class TreeCopy
{
    private void CopyBatch(TreeBatch batch, CopyWorker worker, TreeTally tally)
    {
        CopyEntries(batch, worker, tally);
        LetGo(batch.Node, worker, tally);
    }

    private void CopyEntries(TreeBatch batch, CopyWorker worker, TreeTally tally)
    {
        fixed (byte* entries = batch.Entries)
        {
            byte* end = entries + batch.Entries.Length;
            for (byte* at = entries; at < end;)
            {
                byte* name = at + 1;
                int length = TreeNode.SpanOf(name).Length;
                CopyEntry(batch.Node, name, type: *at, worker, tally);
                at = name + length + 1;
            }
        }
    }

    /// <summary>Of the entries, regular files are opened at once; all others are looked at first.</summary>
    private void CopyEntry(TreeNode node, byte* name, byte type, CopyWorker worker, TreeTally tally)
    {
        try
        {
            if (type == Directories.DT_REG)
                CopyFile(node, name, worker, tally);
            else
                CopyOther(node, name, worker, tally);
        }
        catch (OneCopyException e)
        {
            tally.Fail(node.SourceOf(name).ToString(), e);
        }
    }

    private void CopyFile(TreeNode node, byte* name, CopyWorker worker, TreeTally tally)
    {
        CopyPath from = node.SourceOf(name);
        worker.Open(from, followLinks: options.Links == SymbolicLinks.Follow);
        bool linked = worker.Status.stx_nlink > 1;
        if (linked)
        {
            switch (_links.Meet(worker.Status, node, TreeNode.SpanOf(name), out byte[]? path))
            {
                case LinkTurn.Wait:
                    worker.CloseSource();
                    return;
                case LinkTurn.Link when Link(node, name, path!, worker, tally):
                    return;
                case LinkTurn.Link:
                    linked = false;
                    break;
            }
        }

        statx status = worker.Status;
        bool copied = false;
        try
        {
            CopyOutcome outcome = worker.CopyOpened(node.DestinationOf(name), node.IsPlain);
            tally.Add(outcome, worker, from);
            copied = !outcome.Skipped;
        }
        finally
        {
            if (linked)
                Settle(status, copied ? node.PathOf(TreeNode.SpanOf(name)) : null, worker, tally);
        }
    }

    /// <summary>The other names of a file get the copy, or, where there is none, are copied like a file met for the first time.</summary>
    private void Settle(in statx status, byte[]? path, CopyWorker worker, TreeTally tally)
    {
        foreach ((TreeNode node, byte[] name) in path is null ? _links.GiveUp(status) : _links.Settle(status, path))
        {
            fixed (byte* bytes = name)
            {
                try
                {
                    // Met again: the copy is there by now, or this name's turn is the first.
                    CopyFile(node, bytes, worker, tally);
                }
                catch (OneCopyException e)
                {
                    tally.Fail(node.SourceOf(bytes).ToString(), e);
                }
            }
            LetGo(node, worker, tally);
        }
    }

    /// <summary>The open source gets no copy but another name of the one that is there. False: this directory cannot have that name, and needs a copy of its own.</summary>
    private bool Link(TreeNode node, byte* name, byte[] path, CopyWorker worker, TreeTally tally)
    {
        fixed (byte* from = path)
        {
            SysResult r = At.linkat(_rootDestination, from, node.Destination, name);
            if (r.Errno is Errno.EXDEV or Errno.EMLINK or Errno.EPERM)
                return false;
            worker.CloseSource();
            if (r.Errno == Errno.EEXIST)
            {
                if (IsTaken(node, name, tally))
                    return true;
                r = At.linkat(_rootDestination, from, node.Destination, name);
            }
            if (!r.Succeeded)
                throw new OneCopyException("link", r.Errno, node.DestinationOf(name).ToString());
        }
        tally.HardLinks++;
        return true;
    }

    /// <summary>Clears the way for an entry that is made rather than written. True: what is there stays.</summary>
    private bool IsTaken(TreeNode node, byte* name, TreeTally tally)
    {
        if (options.Existing == ExistingFile.Skip)
        {
            tally.Skipped++;
            return true;
        }
        string text = node.DestinationOf(name).ToString();
        if (options.Existing == ExistingFile.Fail)
            throw new OneCopyException("open", Errno.EEXIST, text, "It exists, and was not to be replaced.");
        SysResult r = At.unlinkat(node.Destination, name);
        if (!r.Succeeded && r.Errno != Errno.ENOENT)
            throw new OneCopyException("unlink", r.Errno, text);
        return false;
    }

    private void CopyOther(TreeNode node, byte* name, CopyWorker worker, TreeTally tally)
    {
        CopyPath from = node.SourceOf(name);
        SysResult r = At.statx(node.Source, name, out statx status, options.Links == SymbolicLinks.Follow);
        if (!r.Succeeded)
            throw new OneCopyException("statx", r.Errno, from.ToString(), r.Errno == Errno.ENOENT ? "It is gone, or a symbolic link that leads to nothing." : null);
        int kind = status.stx_mode & Stat.S_IFMT;
        if (kind == Stat.S_IFREG)
        {
            CopyFile(node, name, worker, tally);
            return;
        }
        if (kind is not (FileKind.S_IFLNK or FileKind.S_IFIFO))
            throw CopyWorker.RefusalOf(status, from) ?? new OneCopyException("copy", Errno.EINVAL, from.ToString());

        CopyPath to = node.DestinationOf(name);
        r = Make(from, to, kind);
        if (r.Errno == Errno.EEXIST)
        {
            if (IsTaken(node, name, tally))
                return;
            r = Make(from, to, kind);
        }
        if (!r.Succeeded)
            throw new OneCopyException(kind == FileKind.S_IFLNK ? "symlink" : "mkfifo", r.Errno, to.ToString());
        worker.Metadata.Losses.Clear();
        worker.Metadata.KeepOfName(to, status);
        tally.Lose(from, worker.Metadata.Losses);
        if (kind == FileKind.S_IFLNK)
            tally.SymbolicLinks++;
        else
            tally.NamedPipes++;
    }

    private static SysResult Make(in CopyPath from, in CopyPath to, int kind) =>
        kind == FileKind.S_IFLNK ? CopyWorker.MakeLink(from, to) : At.mkfifoat(to.Directory, to.Name, 0x180);
}
