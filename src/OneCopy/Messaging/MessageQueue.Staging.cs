using System.Runtime.CompilerServices;
using OneCopy.Interop;
using OneCopy.Memory;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>
/// Both copy, through a buffer of the receiver's: its sender writes piece after piece there, and it copies each to its place, both by ordinary copies and at the same time. Two copies in the caches are faster than one by
/// the kernel where that is slow at pinning pages, so for each sender both are tried. Each piece is a posting of its own, as any (MessageQueue.Push.cs): what is said there of death, withdrawal and stops holds for it. What the
/// sender does not take in time the receiver pulls.
/// </summary>
public sealed unsafe partial class MessageQueue
{
    // As long as a piece takes on a machine that is not overloaded, several times over; and for a thread that has to be woken.
    private const long SpinForAwake = 50_000;
    private const long SpinForWoken = 300_000;

    private readonly StagingBuffer _staging = new();

    /// <summary>For tests: wherever it may be, whatever was faster, or nowhere.</summary>
    internal static bool? Stages { get; set; }

    /// <summary>Copied by both, one way or the other; all of it, or errno; EAGAIN: nothing can be posted now, and none of it came.</summary>
    private int PullByBoth(in Payload payload, long offset, byte* destination, long length, bool ring, CancellationToken ct)
    {
        // Only arrays: other memory may be unmapped or truncated under the sender's copy, which is an error if the kernel copies, and its end if it does itself. Nor where more threads of this process were asked for: they pull.
        bool mayBe = payload.Mapped is null && payload.Message.IsInArrays && _options.CopyThreads == 1
            && ((_options.Staging && _options.WaitStrategy != WaitStrategy.Sleep) || Stages is true);
        if (!mayBe)
            return PullTogether(payload, offset, destination, length, ring, ct);
        CopyTrial trial = payload.Message.Owner.StagingTrialOf(length);
        bool isStaged = Stages ?? (trial.TakesOther || payload.Message.Owner.IsToBeStagedFirst());
        PoolMapping? buffer = isStaged ? _staging.TryTake() : null;
        long begun = trial.Begin();
        int errno;
        if (buffer is not null)
        {
            try
            {
                errno = PullStaged(payload, buffer, offset, destination, length, ring, ct);
            }
            finally
            {
                _staging.Return();
            }
        }
        else
        {
            errno = PullTogether(payload, offset, destination, length, ring, ct);
        }

        if (errno == 0 && isStaged == (buffer is not null))
            trial.End(isStaged, length, begun);
        return errno;
    }

    private int PullStaged(in Payload payload, PoolMapping buffer, long offset, byte* destination, long length, bool ring, CancellationToken ct)
    {
        long pieceLength = StagingBuffer.PieceLength(length);
        int pieces = PostingLayout.PiecesOf(length, pieceLength);
        StagedPostings open = default;
        SegmentWalk walk = new(payload);
        Peer owner = payload.Message.Owner;
        bool isHelped = true;
        int staged = 0;
        int errno = 0;

        // Those from the next one up to this are posted, and open.
        int posted = 0;
        int next = 0;
        try
        {
            while (next < pieces && errno == 0)
            {
                // There may have been no slot for the one before.
                posted = Math.Max(posted, next);
                while (isHelped && posted < pieces && posted < next + StagingBuffer.Pieces && _postings.TryTake(out int slot))
                {
                    // In the list before it can be seen: whatever happens, it is ended.
                    int piece = posted++;
                    long from = piece * pieceLength;
                    OpenPosting posting = open[piece % StagingBuffer.Pieces] = new OpenPosting(slot, OwnPostings.NextTag(), 1, pieceLength, payload.Message, buffer);
                    Prepare(posting, offset + from, PlaceOf(buffer, piece), Math.Min(pieceLength, length - from));
                    Post(posting, ring && piece == 0, isForBoth: true);
                }

                ct.ThrowIfCancellationRequested();
                int mine = next++;
                long done = mine * pieceLength;
                long end = Math.Min(done + pieceLength, length);
                if (mine < posted)
                {
                    OpenPosting first = open[mine % StagingBuffer.Pieces];
                    isHelped &= SpinUntilStaged(first, ring && mine == 0 ? SpinForWoken : SpinForAwake);
                    bool isThere = EndStaged(first);
                    if (isThere)
                    {
                        CrashPoint.At(Step.StagedCopy);
                        StreamingCopy.Copy(PlaceOf(buffer, mine), destination + done, end - done, payload.Wanted, isOnly: true);
                        staged++;
                        done = end;
                    }

                    isHelped &= isThere;
                }
                else if (!isHelped)
                {
                    // None is on its way any more: as much as there is in each call.
                    next = pieces;
                    end = length;
                }

                if (done < end)
                    CrashPoint.At(Step.StagedPull);
                for (byte* to = destination + done; done < end && errno == 0;)
                {
                    ct.ThrowIfCancellationRequested();
                    long left = end - done;
                    errno = PullNext(payload, ref walk, offset + done, ref to, ref left);
                    done = end - left;
                    ThrowUnlessMine(payload.Message);
                }

                ThrowUnlessMine(payload.Message);
            }
        }
        finally
        {
            EndStaged(ref open, next, posted);
        }

        (ring ? owner.HelpAsleep : owner.HelpAwake).Add(isHelped ? staged : 0, 0, 0);
        if (staged == pieces)
            owner.WasStaged();
        if (staged > 0)
            payload.Message.CountOnce(Counter.Staged);
        return errno;
    }

    // One in each half of it, in turn.
    private static byte* PlaceOf(PoolMapping buffer, int piece) => buffer.Address + (piece % StagingBuffer.Pieces * StagingBuffer.MaxPieceLength);

    /// <summary>False: it is not there in time.</summary>
    private bool SpinUntilStaged(OpenPosting posting, long spin)
    {
        CrashPoint.At(Step.StagedWait);
        long until = Deadline.Now + spin;
        do
        {
            for (int look = 0; look < LooksAtOnce; look++)
            {
                if (_self.MarkOf(posting.Slot, 0, out _) != PieceMark.Open)
                    return true;
                Processor.Pause();
            }
        }
        while (Deadline.IsAhead(until));
        return false;
    }

    /// <summary>All that are open. Each, though the one before could not be.</summary>
    private void EndStaged(ref StagedPostings open, int from, int to)
    {
        if (from >= to)
            return;
        try
        {
            EndStaged(open[from % StagingBuffer.Pieces]);
        }
        finally
        {
            EndStaged(ref open, from + 1, to);
        }
    }

    /// <summary>Nobody writes there any more. Whether the piece is there.</summary>
    private bool EndStaged(OpenPosting posting)
    {
        try
        {
            ClosePosting(posting);
            int errno = FirstRefusal(posting, out bool isPushed);
            if (errno is Errno.EPERM or Errno.ENOSYS or Errno.EACCES)
                posting.Message.Owner.PushedBy.Refuse(errno);
            return isPushed && HasLanded(posting);
        }
        finally
        {
            Unpost(posting);
            _postings.Return(posting.Slot);
        }
    }

    [InlineArray(StagingBuffer.Pieces)]
    private struct StagedPostings
    {
        private OpenPosting _first;
    }
}
