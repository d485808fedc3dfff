using System.Runtime.InteropServices;
using OneCopy.Interop;

namespace OneCopy;

/// <content>
/// Two threads, each with pieces of its own. Writers of a file take turns, by its lock, but one reads while the other writes, and each writes what is still in the cache of its
/// own processor. In tmpfs the second one writes through a map, which needs no turn.
/// </content>
internal sealed unsafe partial class CopyWorker
{
    private const int PieceLength = 256 << 10;

    // Mapping costs the same for any length, and what it writes goes through no buffer.
    private const int MappedPieceLength = 1 << 20;

    /// <summary>With less data than this, a file is copied before a second thread has helped.</summary>
    private const long LeastToShare = 1 << 20;

    /// <summary>After so many bytes of the first thread it is looked at how many the second one has copied. Others' work on its processor takes turns with it every few milliseconds.</summary>
    private const long BytesToJudge = 64 << 20;

    // Each allocation is one at once, where that of a write can wait until it is written to the device: many small ones cost more than they save.
    private const long LeastToAllocate = 1 << 20;

    private SecondThread? _second;

    /// <summary>All data of a range. Returns where the source ended, or the range, or where another engine is to go on; which of them, <paramref name="ended"/> says.</summary>
    private long CopyInParallel(long offset, long end, bool sparse, out bool ended)
    {
        _engine = CopyEngine.Parallel;
        bool allocates = FileSystem.NameOf(_destination) is "ext4";
        bool maps = FileSystem.NameOf(_destination) is "tmpfs" && SetLengthAhead(end);
        PieceHandout? handout = null;
        handout = new PieceHandout(offset, from => FindPieces(handout!, from, end, ref sparse, allocates));
        _second ??= new SecondThread();
        bool refused;
        try
        {
            refused = !CopyPieces(handout, _second, maps);
        }
        finally
        {
            handout.Stop();
            _second.End();
        }

        Moved(handout.TakeMoved());
        (long reached, EngineOutcome? stop) = handout.Reached;
        CutExtents(reached);
        if (stop is { IsEnd: false } failure)
            throw FailureAt(failure.Call!, failure.Errno, failure.OfSource ? _from : _to, reached);
        ended = stop is not null || reached == end;
        if (refused && !ended)
            Refuse(CopyEngine.Parallel, "the second thread seldom ran");
        return reached;
    }

    /// <summary>The owner's part. False: nobody helps, which is better done by another engine.</summary>
    private bool CopyPieces(PieceHandout handout, SecondThread second, bool maps)
    {
        byte* buffer = Buffer(PieceLength);
        long own = 0;
        long helped = 0;
        bool begun = false;
        while (handout.TryTake(helps: false, PieceLength, out long at, out long length))
        {
            // Not before the first piece is taken here: the second thread's lead is counted from it.
            if (!begun)
                second.Begin(() => Help(handout, maps));
            begun = true;
            CopyPiece(handout, buffer, at, length);
            Moved(handout.TakeMoved());
            own += length;
            if (own < BytesToJudge || options.Engine != CopyEngine.Auto)
                continue;
            if (handout.Helped - helped < own / 8)
                return false;
            helped = handout.Helped;
            own = 0;
        }

        return true;
    }

    private void Help(PieceHandout handout, bool maps)
    {
        byte* buffer = (byte*)NativeMemory.AlignedAlloc(PieceLength, (nuint)_page);
        try
        {
            while (handout.TryTake(helps: true, maps ? MappedPieceLength : PieceLength, out long at, out long length))
            {
                long mapped = maps ? ReadIntoMap(at, length) : 0;
                if (mapped > 0)
                    handout.Done(mapped);

                // What a map did not take, for want of room or because the source has ended, is told by the calls that name their errors.
                maps &= mapped == length;
                for (long done = mapped; done < length && CopyPiece(handout, buffer, at + done, Math.Min(PieceLength, length - done)); done += PieceLength)
                {
                }
            }
        }
        finally
        {
            NativeMemory.AlignedFree(buffer);
        }
    }

    /// <summary>One piece by read and write. False: it came not to its end, and the handout knows.</summary>
    private bool CopyPiece(PieceHandout handout, byte* buffer, long offset, long length)
    {
        for (long done = 0; done < length;)
        {
            SysResult r = Read(buffer, length - done, offset + done);
            if (r.Errno == Errno.EINTR)
                continue;
            int errno = r.Succeeded && r.Value > 0 ? Write(buffer, r.Value, offset + done) : 0;
            if (!r.Succeeded || r.Value == 0 || errno != 0)
            {
                handout.Stop(offset + done, r.Succeeded ? new EngineOutcome(0, errno, errno == 0 ? null : "pwrite") : new EngineOutcome(0, r.Errno, "pread", OfSource: true));
                return false;
            }

            done += r.Value;
            handout.Done(r.Value);
        }

        return true;
    }

    /// <summary>
    /// pread(2) with a map of the destination for its buffer: the kernel copies between the page caches, and says EFAULT where a page cannot be had. Returns how many bytes.
    /// </summary>
    private long ReadIntoMap(long offset, long length)
    {
        if (offset % _page != 0)
            return 0;
        SysResult map = Mman.mmap(0, (nuint)length, Prot.Read | Prot.Write, Map.Shared | Map.NoReserve, _destination, offset);
        if (!map.Succeeded)
            return 0;
        long done = 0;
        while (done < length)
        {
            SysResult r = Read((byte*)map.Value + done, length - done, offset + done);
            if (r.Errno == Errno.EINTR)
                continue;
            if (!r.Succeeded || r.Value == 0)
                break;
            done += r.Value;
        }

        Mman.munmap(map.Value, (nuint)length);
        return done;
    }

    /// <summary>Under the handout's lock, by either thread: extents come one after the other.</summary>
    private (long Start, long End) FindPieces(PieceHandout handout, long offset, long end, ref bool sparse, bool allocates)
    {
        long data = offset;
        long hole = end;
        if (sparse && offset < end)
            sparse = FindData(offset, end, out data, out hole);
        if (data == hole && data < end)
            hole = end; // Truncated since: a read says so.
        if (data > offset)
            Add(offset, data - offset, CopyExtentKind.Hole);
        if (data == hole)
            return (data, hole);
        if (allocates && hole - data >= LeastToAllocate)
        {
            SysResult r = FileLength.fallocate(_destination, 0, data, hole - data);
            if (!r.Succeeded && r.Errno is not (Errno.EOPNOTSUPP or Errno.ENOSYS or Errno.EINTR))
            {
                handout.Stop(data, new EngineOutcome(0, r.Errno, "fallocate"));
                return (data, data);
            }
        }

        Add(data, hole - data, CopyExtentKind.Data);
        _reached = Math.Max(_reached, hole);
        return (data, hole);
    }

    /// <summary>A map reaches as far as its file does.</summary>
    private bool SetLengthAhead(long length)
    {
        if (_reached >= length)
            return true;
        if (!FileLength.ftruncate(_destination, length).Succeeded)
            return false;
        _reached = length;
        return true;
    }
}
