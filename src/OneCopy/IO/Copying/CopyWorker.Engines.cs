using OneCopy.Interop;

namespace OneCopy;

/// <summary>How far an engine came in an extent. Nothing more and no errno: the source ended.</summary>
internal readonly record struct EngineOutcome(long Copied, int Errno, string? Call, bool OfSource = false)
{
    public bool IsEnd => Errno == 0;
}

/// <content>The engines. Each copies a range at explicit offsets, so that another one can go on where it stopped.</content>
internal sealed unsafe partial class CopyWorker
{
    /// <summary>Bytes of one copy_file_range: often enough to hear of a cancellation, far below what one call moves at most.</summary>
    private const long RangeStep = 16 << 20;

    private EngineOutcome Run(CopyEngine engine, long offset, long length) => engine switch
    {
        CopyEngine.CopyRange => RunCopyRange(offset, length),
        CopyEngine.ReadWrite => RunReadWrite(offset, length),
        CopyEngine.Mapped => RunMapped(offset, length),
        CopyEngine.Vectored => RunVectored(offset, length),
        _ => throw new InvalidOperationException($"{engine} has no extents."),
    };

    private EngineOutcome RunCopyRange(long offset, long length)
    {
        long done = 0;
        while (done < length)
        {
            SysResult r = CopyFileRange.copy_file_range(_source, offset + done, _destination, offset + done, (nuint)Math.Min(length - done, RangeStep));
            if (r.Errno == Errno.EINTR)
                continue;
            if (!r.Succeeded)
                return new EngineOutcome(done, r.Errno, "copy_file_range");
            if (r.Value == 0)
                break;
            Add(offset + done, r.Value, CopyExtentKind.Data);
            done += r.Value;
            _reached = Math.Max(_reached, offset + done);
            Moved(r.Value);
        }
        return new EngineOutcome(done, 0, null);
    }

    private EngineOutcome RunReadWrite(long offset, long length)
    {
        long room = RoundToPages(options.BufferLength);
        byte* buffer = Buffer(room + _page);
        long done = 0;
        while (done < length)
        {
            SysResult r = Read(buffer, Math.Min(room, length - done), offset + done);
            if (r.Errno == Errno.EINTR)
                continue;
            if (!r.Succeeded)
                return new EngineOutcome(done, r.Errno, "pread", OfSource: true);
            if (r.Value == 0)
                break;
            int errno = WriteOut(buffer, r.Value, offset + done);
            if (errno != 0)
                return new EngineOutcome(done, errno, "pwrite");
            done += r.Value;
            Moved(r.Value);
        }
        return new EngineOutcome(done, 0, null);
    }

    /// <summary>A file that says it has no bytes is read until it has no more: those of /proc say so of all.</summary>
    private long CopyToEnd()
    {
        if (_engine != CopyEngine.ReadWrite)
        {
            _engine = CopyEngine.ReadWrite;
            _reason = "its length is not known";
        }
        return CopyData(0, long.MaxValue);
    }

    /// <summary>A file of at most one buffer: one read that asks for more than there is, and one write. True: that was all.</summary>
    private bool TryAtOnce(long size, out long length)
    {
        length = 0;
        if (options.Engine != CopyEngine.Auto || _engine != CopyEngine.ReadWrite || size > options.BufferLength
            || (options.Sparse != SparseMode.Never && (long)_status.stx_blocks * 512 < size))
        {
            return false;
        }

        // The room for a page more than the file has: an answer that falls short of it says that the file ends there.
        long room = RoundToPages(options.BufferLength) + _page;
        byte* buffer = Buffer(room);
        SysResult r;
        do
            r = Read(buffer, room, 0);
        while (r.Errno == Errno.EINTR);
        if (!r.Succeeded)
            throw FailureAt("pread", r.Errno, _from, 0);

        // Another length than the one that it says it has: read on until there is no more.
        if (r.Value != size)
            return false;
        int errno = WriteOut(buffer, size, 0);
        if (errno != 0)
            throw FailureAt("pwrite", errno, _to, 0);
        length = size;
        if (_reached != size)
            SetLength(size);
        Moved(size);
        return true;
    }

    private SysResult Read(byte* buffer, long length, long offset) => Fcntl.pread(_source, buffer, (nuint)length, offset);

    /// <summary>Writes what was read, or with <see cref="SparseMode.Always"/> those blocks of it that are not all zeros. Returns errno, or 0.</summary>
    private int WriteOut(byte* buffer, long length, long offset)
    {
        if (options.Sparse != SparseMode.Always)
        {
            int errno = Write(buffer, length, offset);
            if (errno == 0)
                Add(offset, length, CopyExtentKind.Data);
            _reached = Math.Max(_reached, offset + length);
            return errno;
        }

        // Blocks are counted from the beginning of the file, as the file system does.
        for (long at = 0; at < length;)
        {
            bool zero = IsZero(buffer, at, length, offset, out long end);
            long start = at;
            for (at = end; at < length && IsZero(buffer, at, length, offset, out end) == zero; at = end)
            {
            }
            if (!zero)
            {
                int errno = Write(buffer + start, at - start, offset + start);
                if (errno != 0)
                    return errno;
                _reached = Math.Max(_reached, offset + at);
            }
            Add(offset + start, at - start, zero ? CopyExtentKind.Hole : CopyExtentKind.Data);
        }
        return 0;
    }

    private bool IsZero(byte* buffer, long at, long length, long offset, out long end)
    {
        end = Math.Min(length, at + _page - ((offset + at) % _page));
        return new ReadOnlySpan<byte>(buffer + at, (int)(end - at)).IndexOfAnyExcept((byte)0) < 0;
    }

    /// <summary>All of it. Returns errno, or 0.</summary>
    private int Write(byte* buffer, long length, long offset)
    {
        for (long done = 0; done < length;)
        {
            SysResult r = Fcntl.pwrite(_destination, buffer + done, (nuint)(length - done), offset + done);
            if (r.Errno == Errno.EINTR)
                continue;
            if (!r.Succeeded)
                return r.Errno;

            // No kernel was seen to do this; were one to, it would be a loop without an end.
            if (r.Value == 0)
                return Errno.EIO;
            done += r.Value;
        }
        return 0;
    }

    private long RoundToPages(long length) => (length + _page - 1) & -_page;
}
