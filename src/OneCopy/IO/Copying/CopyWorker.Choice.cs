using OneCopy.Interop;

namespace OneCopy;

/// <content>Which engine, and which one next.</content>
internal sealed unsafe partial class CopyWorker
{
    /// <summary>Two file systems that were found not to share extents are not asked again for the next file of a tree.</summary>
    private (ulong From, ulong To, string Reason)? _noClone;

    private CopyEngines _refused;
    private bool? _mayShare;

    /// <summary>Of those that <see cref="CopyEngine.Auto"/> goes on from.</summary>
    [Flags]
    private enum CopyEngines
    {
        None = 0,
        Parallel = 1,
        CopyRange = 2,
    }

    private bool TryClone(long size, out long length)
    {
        length = 0;
        _engine = CopyEngine.Clone;
        _reason = null;
        if (options.Engine != CopyEngine.Clone && (options.Engine != CopyEngine.Auto || size == 0 || options.Sparse != SparseMode.Auto))
            return false;
        ulong from = DeviceOf(_status);
        if (options.Engine == CopyEngine.Auto && _noClone is { } known && known.From == from && known.To == _to.Device)
        {
            _reason = known.Reason;
            return false;
        }

        SysResult r;
        do
            r = CopyFileRange.ficlone(_source, _destination);
        while (r.Errno == Errno.EINTR);
        if (r.Succeeded)
        {
            r = Stat.Of(_destination, out statx made);
            if (!r.Succeeded)
                throw Failure("statx", r.Errno, _to);
            length = (long)made.stx_size;
            _reached = length;
            if (length > 0)
                Add(0, length, CopyExtentKind.Data);
            Moved(length);
            return true;
        }

        if (options.Engine == CopyEngine.Clone || !IsRefusal(r.Errno))
        {
            throw Failure("ioctl(FICLONE)", r.Errno, _to, IsRefusal(r.Errno)
                ? "These file systems do not share extents between the two files: use another engine, or Auto." : null);
        }
        _reason = $"clone: {Errno.NameOf(r.Errno)}";
        if (r.Errno is Errno.EOPNOTSUPP or Errno.ENOTTY or Errno.EXDEV or Errno.ENOSYS && _to.Device != 0)
            _noClone = (from, _to.Device, _reason);
        return false;
    }

    /// <summary>The engine that an extent is first tried with: what was refused before is not tried again for this file.</summary>
    private void Choose(long length)
    {
        if (options.Engine != CopyEngine.Auto)
        {
            _engine = options.Engine;
            return;
        }

        if (_refused.HasFlag(CopyEngines.CopyRange))
            _engine = CopyEngine.ReadWrite;
        else
            _engine = FirstChoice(length, !_refused.HasFlag(CopyEngines.Parallel) && (_mayShare ??= MayShare(_source, _destination)));
    }

    /// <summary>
    /// copy_file_range is at least as fast as every other way that one thread has where a file is longer than one buffer, and far faster where a server copies. Where a second
    /// processor is free, two threads are faster than it on file systems that have nothing better. For shorter files, and where
    /// the bytes must be looked at or kept out of the cache, read and write are.
    /// </summary>
    private CopyEngine FirstChoice(long length, bool shares)
    {
        if (options.Sparse == SparseMode.Always || options.DontCache || (long)_status.stx_size <= options.BufferLength)
            return CopyEngine.ReadWrite;
        return shares && Math.Min(length, (long)_status.stx_blocks * 512) >= LeastToShare ? CopyEngine.Parallel : CopyEngine.CopyRange;
    }

    /// <summary>Whether two threads copy the range, hole by hole.</summary>
    private bool SharesOut(long offset, long end)
    {
        Choose(end - offset);
        return _engine == CopyEngine.Parallel;
    }

    /// <summary>Both file systems are of kinds on which it was measured to win, and no other file is copied beside this one.</summary>
    private bool MayShare(int source, int destination) =>
        !IsInTree && options.Parallelism != 1 && Environment.ProcessorCount > 1
        && FileSystem.NameOf(source) is "ext4" or "tmpfs" && FileSystem.NameOf(destination) is "ext4" or "tmpfs";

    /// <summary>After a failure with nothing copied at this offset. Never where the device, the space or the memory is at fault.</summary>
    private bool FallBack(EngineOutcome outcome)
    {
        if (options.Engine != CopyEngine.Auto || _engine != CopyEngine.CopyRange || (outcome.Call is not null && !IsRefusal(outcome.Errno)))
            return false;
        Refuse(CopyEngine.CopyRange, outcome.Call is null ? "moved nothing" : Errno.NameOf(outcome.Errno));
        return true;
    }

    /// <summary>Goes on with the next engine of <see cref="CopyEngine.Auto"/>, and says why.</summary>
    private void Refuse(CopyEngine engine, string reason)
    {
        _refused |= engine == CopyEngine.Parallel ? CopyEngines.Parallel : CopyEngines.CopyRange;
        _reason = $"{NameOf(engine)}: {reason}";
        _engine = engine == CopyEngine.Parallel ? CopyEngine.CopyRange : CopyEngine.ReadWrite;
    }

    /// <summary>The errors by which kernels and file systems say "not this way"; EFBIG is said in error by Linux 6.17's copy_file_range, ENOENT by CIFS.</summary>
    private static bool IsRefusal(int errno) => errno is Errno.ENOSYS or Errno.ENOTTY or Errno.EOPNOTSUPP or Errno.EINVAL or Errno.EBADF or Errno.EXDEV
        or Errno.ETXTBSY or Errno.EPERM or Errno.EACCES or Errno.EFBIG or Errno.ENOENT;

    private static ulong DeviceOf(in statx status) => ((ulong)status.stx_dev_major << 32) | status.stx_dev_minor;

    internal static string NameOf(CopyEngine engine) => engine switch
    {
        CopyEngine.Auto => "auto",
        CopyEngine.Clone => "clone",
        CopyEngine.CopyRange => "copy-range",
        CopyEngine.Mapped => "mapped",
        CopyEngine.Vectored => "vectored",
        CopyEngine.Parallel => "parallel",
        _ => "read-write",
    };
}
