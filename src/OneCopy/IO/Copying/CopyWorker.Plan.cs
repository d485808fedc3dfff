using OneCopy.Interop;

namespace OneCopy;

/// <content>The plan: what the copy would find, and try first.</content>
internal sealed unsafe partial class CopyWorker
{
    public FileCopyPlan Plan(in CopyPath from, in CopyPath to, bool followLinks)
    {
        Open(from, followLinks);
        _to = to;
        try
        {
            bool exists = FindExisting();
            long size = (long)_status.stx_size;
            (_engine, string why) = FirstTry(size);
            if (_engine != CopyEngine.Clone)
                PlanExtents(size);
            else if (size > 0)
                Add(0, size, CopyExtentKind.Data);
            return new FileCopyPlan
            {
                Source = from.ToString(),
                Destination = to.ToString(),
                Length = size,
                AllocatedBytes = (long)_status.stx_blocks * 512,
                DestinationExists = exists,
                Skips = exists && options.Existing == ExistingFile.Skip,
                SourceFileSystem = FileSystem.NameOf(_source),
                DestinationFileSystem = FileSystem.NameOf(to.Directory),
                Engine = _engine,
                Reason = why,
                Extents = Extents,
            };
        }
        finally
        {
            CloseSource();
        }
    }

    private bool FindExisting()
    {
        SysResult r = At.statx(_to.Directory, _to.Name, out statx there, followLinks: true);
        if (r.Errno == Errno.ENOENT)
            return IsLink(_to) ? throw Failure("open", Errno.ENOENT, _to, "It is a symbolic link that leads to nothing: nothing is made where it points.") : false;
        if (!r.Succeeded)
            throw Failure("statx", r.Errno, _to);
        if (options.Existing == ExistingFile.Fail)
            throw Failure("open", Errno.EEXIST, _to, "It exists, and was not to be replaced.");
        if (options.Existing == ExistingFile.Replace)
            RefuseDestination(there);
        return true;
    }

    private (CopyEngine Engine, string Why) FirstTry(long size)
    {
        if (options.Engine != CopyEngine.Auto)
            return (options.Engine, "It was asked for.");
        CopyEngine next = FirstChoice(size, MayShare(_source, _to.Directory));
        string why = (next, options.Sparse, options.DontCache) switch
        {
            (CopyEngine.Parallel, _, _) => $"Two threads, each with pieces of its own, as there are at least {LeastToShare} bytes of data; copy-range goes on where the second thread does not run.",
            (CopyEngine.CopyRange, _, _) => $"The kernel copies between the page caches; longer than one buffer ({options.BufferLength} bytes).",
            (_, SparseMode.Always, _) => "Every byte is looked at to find zeros.",
            (_, _, true) => "The page cache is to be kept free.",
            _ => $"One buffer ({options.BufferLength} bytes) holds all of it.",
        };
        if (size == 0 || options.Sparse != SparseMode.Auto)
            return (next, why);
        return FileSystem.MayClone(_source) && FileSystem.IdOf(_source) == FileSystem.IdOf(_to.Directory)
            ? (CopyEngine.Clone, $"This file system shares extents; else {NameOf(next)}.")
            : (next, $"A clone is tried, and refused by this kind of file system. {why}");
    }

    private void PlanExtents(long size)
    {
        bool sparse = options.Sparse != SparseMode.Never && (long)_status.stx_blocks * 512 < size;
        for (long offset = 0; offset < size;)
        {
            long data = offset;
            long hole = size;
            if (sparse)
                sparse = FindData(offset, size, out data, out hole);
            if (data > offset)
                Add(offset, data - offset, CopyExtentKind.Hole);
            if (hole > data)
                Add(data, hole - data, CopyExtentKind.Data);
            offset = hole;
        }
    }
}
