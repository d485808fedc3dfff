using OneCopy.Interop;

namespace OneCopy;

/// <content>The walk over the source: extents, engines and their fallbacks, and a source that changes meanwhile.</content>
internal sealed unsafe partial class CopyWorker
{
    private CopyEngine _engine;
    private string? _reason;
    private long _data;

    /// <summary>The destination's length so far: what was written, or allocated.</summary>
    private long _reached;

    private SourceChange CopyBytes(out long length, out long data)
    {
        long size = (long)_status.stx_size;
        _data = 0;
        _reached = 0;
        _refused = CopyEngines.None;
        _mayShare = null;
        SourceChange change = SourceChange.None;
        if (TryClone(size, out length))
        {
            data = length;
            return change;
        }

        Choose(size);
        if (TryAtOnce(size, out length))
        {
            data = _data;
            return length < size ? SourceChange.Shrank : change;
        }

        length = size == 0 ? CopyToEnd() : CopyRange(0, size);
        SysResult r = Stat.Of(_source, out statx now);
        if (!r.Succeeded)
            throw Failure("statx", r.Errno, _from);
        long sizeNow = (long)now.stx_size;
        if (sizeNow < size)
        {
            // A hole may have been taken for longer than it still is. What was read before the end came nearer is a copy of what was there.
            length = Math.Min(length, Math.Max(sizeNow, LastDataEnd()));
            change = length < size ? SourceChange.Shrank : SourceChange.Modified;
        }
        else if (sizeNow > size && size != 0 && length == size)
        {
            // Once, so that somebody who appends faster than this copies does not keep it here for ever.
            change = SourceChange.Grew;
            length = CopyRange(size, sizeNow);
        }
        else if (now.stx_mtime.tv_sec != _status.stx_mtime.tv_sec || now.stx_mtime.tv_nsec != _status.stx_mtime.tv_nsec)
        {
            change = sizeNow > size ? SourceChange.Grew : SourceChange.Modified;
        }

        if (length != _reached)
            SetLength(length);
        CutExtents(length);
        data = _data;
        return change;
    }

    /// <summary>Both ends of a range, hole by hole where the file has some. Returns where the source ended: <paramref name="end"/>, or less.</summary>
    private long CopyRange(long offset, long end)
    {
        bool sparse = options.Sparse != SparseMode.Never && (long)_status.stx_blocks * 512 < (long)_status.stx_size;
        while (offset < end)
        {
            if (SharesOut(offset, end))
            {
                offset = CopyInParallel(offset, end, sparse, out bool ended);
                if (ended)
                    return offset;
                continue;
            }

            long data = offset;
            long hole = end;
            if (sparse)
                sparse = FindData(offset, end, out data, out hole);
            if (data > offset)
            {
                Add(offset, data - offset, CopyExtentKind.Hole);
                Moved(data - offset);
            }
            if (data < hole)
            {
                Choose(hole - data);
                long copied = CopyData(data, hole - data);
                if (copied < hole - data)
                    return data + copied;
            }
            offset = hole;
        }
        return end;
    }

    /// <summary>The next piece of data and where it ends. False: this file system cannot say, and all is data.</summary>
    private bool FindData(long offset, long end, out long data, out long hole)
    {
        data = offset;
        hole = end;
        SysResult r = FileLength.lseek(_source, offset, FileLength.SEEK_DATA);
        if (r.Errno == Errno.ENXIO)
        {
            data = end;
            return true;
        }
        if (!r.Succeeded)
            return false;
        data = Math.Min(end, r.Value);
        r = FileLength.lseek(_source, data, FileLength.SEEK_HOLE);

        // ENXIO: truncated since. The copy finds out where it ends.
        if (r.Succeeded)
            hole = Math.Min(end, Math.Max(r.Value, data));
        return true;
    }

    /// <summary>One extent, by as many engines as it takes: another one only where this one moved nothing. Returns less only where the source ended.</summary>
    private long CopyData(long offset, long length)
    {
        long done = 0;
        while (done < length)
        {
            CopyEngine engine = _engine;
            EngineOutcome outcome = Run(engine, offset + done, length - done);
            done += outcome.Copied;
            if (done == length)
                break;
            if (_engine != engine)
                continue;
            if (outcome.IsEnd)
            {
                // A call that moves nothing has not said that there is nothing: files of /proc do so. read(2) has the last word.
                if (_engine is CopyEngine.ReadWrite || !HasByteAt(offset + done))
                    return done;
                outcome = new EngineOutcome(0, 0, null);
            }
            else if (outcome.Errno == Errno.EINTR)
            {
                continue;
            }
            if (!FallBack(outcome))
            {
                throw outcome.Call is null
                    ? FailureAt(NameOf(_engine), Errno.EINVAL, _from, offset + done)
                    : FailureAt(outcome.Call, outcome.Errno, outcome.OfSource ? _from : _to, offset + done);
            }
        }
        return done;
    }

    private bool HasByteAt(long offset)
    {
        byte one;
        SysResult r = Fcntl.pread(_source, &one, 1, offset);
        return r.Succeeded ? r.Value > 0 : throw FailureAt("pread", r.Errno, _from, offset);
    }

    private void SetLength(long length)
    {
        SysResult r = FileLength.ftruncate(_destination, length);
        if (!r.Succeeded)
            throw Failure("ftruncate", r.Errno, _to);
        _reached = length;
    }

    /// <summary>One more piece; with its neighbour it is one, where they went the same way.</summary>
    private void Add(long offset, long length, CopyExtentKind kind)
    {
        if (kind == CopyExtentKind.Data)
            _data += length;
        if (Extents.Count > 0)
        {
            CopyExtent last = Extents[^1];
            if (last.Kind == kind && last.Engine == _engine && ReferenceEquals(last.Reason, _reason) && last.Offset + last.Length == offset)
            {
                Extents[^1] = last with { Length = last.Length + length };
                return;
            }
        }
        Extents.Add(new CopyExtent(offset, length, kind, _engine, _reason));
    }

    private long LastDataEnd()
    {
        for (int i = Extents.Count - 1; i >= 0; i--)
        {
            if (Extents[i].Kind == CopyExtentKind.Data)
                return Extents[i].Offset + Extents[i].Length;
        }
        return 0;
    }

    private void CutExtents(long length)
    {
        while (Extents.Count > 0 && Extents[^1].Offset + Extents[^1].Length > length)
        {
            CopyExtent last = Extents[^1];
            Extents.RemoveAt(Extents.Count - 1);
            if (last.Kind == CopyExtentKind.Data)
                _data -= last.Length;
            if (last.Offset >= length)
                continue;
            Extents.Add(last with { Length = length - last.Offset });
            if (last.Kind == CopyExtentKind.Data)
                _data += length - last.Offset;
        }
    }
}
