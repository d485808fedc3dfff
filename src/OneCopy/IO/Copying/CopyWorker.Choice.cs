using OneCopy.Interop;

namespace OneCopy;

/// <content>Which engine, and which one next.</content>
internal sealed unsafe partial class CopyWorker
{
    /// <summary>Two file systems that were found not to share extents are not asked again for the next file of a tree.</summary>
    private (ulong From, ulong To, string Reason)? _noClone;

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

    /// <summary>The engine that data is first tried with.</summary>
    private void Choose(long size)
    {
        if (options.Engine != CopyEngine.Auto)
        {
            _engine = options.Engine;
            return;
        }
        _engine = FirstChoice(options, size);
    }

    /// <summary>
    /// copy_file_range is at least as fast as every other way where a file is longer than one buffer, and far faster where a server copies; for shorter files, and where
    /// the bytes must be looked at or kept out of the cache, read and write are.
    /// </summary>
    internal static CopyEngine FirstChoice(FileCopyOptions options, long size) =>
        options.Sparse == SparseMode.Always || options.DontCache || size <= options.BufferLength ? CopyEngine.ReadWrite : CopyEngine.CopyRange;

    /// <summary>After a failure with nothing copied at this offset. Never where the device, the space or the memory is at fault.</summary>
    private bool FallBack(EngineOutcome outcome)
    {
        if (options.Engine != CopyEngine.Auto || _engine != CopyEngine.CopyRange || (outcome.Call is not null && !IsRefusal(outcome.Errno)))
            return false;
        _reason = outcome.Call is null ? "copy-range: moved nothing" : $"copy-range: {Errno.NameOf(outcome.Errno)}";
        _engine = CopyEngine.ReadWrite;
        return true;
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
        _ => "read-write",
    };
}
