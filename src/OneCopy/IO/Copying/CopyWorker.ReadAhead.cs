using OneCopy.Interop;

namespace OneCopy;

/// <content>Read by one thread, written by another.</content>
internal sealed unsafe partial class CopyWorker
{
    /// <summary>After so many pieces it is looked at how many of them the second thread had ready: 16 MiB.</summary>
    private const int PiecesToJudge = 64;

    // Each allocation is one at once, where that of a write can wait until it is written to the device: many small ones cost more than they save.
    private const long LeastToAllocate = 64 << 20;

    private ReadAhead? _ahead;

    private EngineOutcome RunReadAhead(long offset, long length)
    {
        // One piece: there is nothing to be ahead of.
        if (length <= ReadAhead.PieceLength)
            return RunReadWrite(offset, length);
        SysResult allocated = AllocateAhead(offset, length);
        if (!allocated.Succeeded)
            return new EngineOutcome(0, allocated.Errno, "fallocate");
        _ahead ??= new ReadAhead();
        _ahead.Begin(_source, offset, length);
        try
        {
            return WriteBehind(_ahead, offset, length);
        }
        finally
        {
            _ahead.End();
        }
    }

    private EngineOutcome WriteBehind(ReadAhead ahead, long offset, long length)
    {
        byte* own = Buffer(ReadAhead.PieceLength);
        long done = 0;
        int late = 0;
        for (long piece = 0; done < length; piece++)
        {
            long wanted = Math.Min(ReadAhead.PieceLength, length - done);
            if (!ahead.TryTake(piece, out byte* bytes, out int count))
            {
                late++;
                SysResult r;
                do
                    r = Read(own, wanted, offset + done);
                while (r.Errno == Errno.EINTR);
                if (!r.Succeeded)
                    return new EngineOutcome(done, r.Errno, "pread", OfSource: true);
                bytes = own;
                count = (int)r.Value;
            }

            if (count == 0)
                break;
            int errno = WriteOut(bytes, count, offset + done);
            if (errno != 0)
                return new EngineOutcome(done, errno, "pwrite");
            ahead.Release(piece);
            done += count;
            Moved(count);
            if (count < wanted)
            {
                // Pieces are whole, but for the last: what is behind a short one is read in turn, to where the file ends.
                EngineOutcome rest = RunReadWrite(offset + done, length - done);
                return rest with { Copied = done + rest.Copied };
            }

            if (piece % PiecesToJudge == PiecesToJudge - 1)
            {
                if (options.Engine == CopyEngine.Auto && late > PiecesToJudge / 2)
                {
                    Refuse(CopyEngine.ReadAhead, "the second thread was seldom ahead");
                    break;
                }

                late = 0;
            }
        }

        return new EngineOutcome(done, 0, null);
    }

    /// <summary>ext4 finds the blocks of a file that is allocated at once in less time than those of each write. Other file systems were not seen to gain by it.</summary>
    private SysResult AllocateAhead(long offset, long length)
    {
        if (length < LeastToAllocate || FileSystem.NameOf(_destination) is not "ext4")
            return SysResult.Ok();
        SysResult r = FileLength.fallocate(_destination, 0, offset, length);
        if (r.Errno is Errno.EOPNOTSUPP or Errno.ENOSYS)
            return SysResult.Ok();
        if (r.Succeeded)
            _reached = Math.Max(_reached, offset + length);
        return r;
    }
}
