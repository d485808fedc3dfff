using OneCopy.Interop;
using OneCopy.Memory;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>
/// Both copy, the receiver's half: it posts its place as for a push, and takes pieces from the same cursor as its sender. It depends on nobody's help: what the sender does
/// not take it pulls itself, and it waits only for pieces that the sender has taken.
/// </summary>
public sealed unsafe partial class MessageQueue
{
    // Below, two system calls and the words to agree on them cost more than half of the copy.
    private const long SharedFrom = 128 * 1024;

    // A thread that sleeps comes after the time in which so much is copied alone.
    private const long WokenFrom = 512 * 1024;

    // The same for a thread of this process.
    private const long ThreadsFrom = 1024 * 1024;

    // No errno: the lease is over.
    private const int LeaseIsOver = -1;

    private readonly SharedCopy?[] _copies = new SharedCopy?[PostingLayout.Slots];

    /// <summary>
    /// Whether to post it. Only where this process may read that one's memory, and did so before. <paramref name="ring"/>: its thread sleeps, and the message is long enough to wake it. Who
    /// does not sleep looks by itself, and costs no system call.
    /// </summary>
    private bool IsWorthSharing(Peer owner, long length, out bool ring)
    {
        ring = false;
        if (length < SharedFrom || !s_spinsHelp || owner.Pull.Access != PullAccess.Allowed)
            return false;
        if (owner.PushedBy.MayBeTried)
        {
            bool awake = Volatile.Read(ref owner.File.Looking) != 0 || Volatile.Read(ref owner.File.OwnSleeping) == 0;
            if (awake ? owner.HelpAwake.IsWorthAsking : length >= WokenFrom && owner.HelpAsleep.IsWorthAsking)
            {
                ring = !awake;
                return true;
            }
        }

        return _options.CopyThreads > 1 && length >= ThreadsFrom;
    }

    /// <summary>One posting, of which all has come: 0. Or errno, and none of it counts; EAGAIN: nothing can be posted now.</summary>
    private int PullTogether(in Payload payload, long offset, byte* destination, long length, bool ring, CancellationToken ct)
    {
        if (!_postings.TryTake(out int slot))
            return Errno.EAGAIN;
        PoolMapping? buffer = null;
        uint rental = 0;
        try
        {
            buffer = SharedBuffers.TryPin(destination, (ulong)length, out rental);
            long piece = payload.Mapped is not null && buffer is not null ? PostingLayout.MappedPieceLength(length) : PostingLayout.SharedPieceLength(length);
            OpenPosting posting = new(slot, OwnPostings.NextTag(), PostingLayout.PiecesOf(length, piece), piece, payload.Message, buffer);
            Prepare(posting, offset, destination, length);
            return PullTogether(posting, new PieceSource(payload, slot, posting.Tag, posting.Pieces, piece, offset, destination, length), ring, ct);
        }
        finally
        {
            buffer?.Unpin(rental);
            _postings.Return(slot);
        }
    }

    private int PullTogether(OpenPosting posting, in PieceSource source, bool ring, CancellationToken ct)
    {
        Peer owner = posting.Message.Owner;
        long begun = Deadline.Now;
        long pulled = begun;
        int errno = 0;
        try
        {
            SharedCopy? threads = ThreadsFor(source);
            try
            {
                Post(posting, ring, isForBoth: true);
                threads?.Begin(source, _options.CopyThreads - 1);
                errno = PullPieces(source, ct);
            }
            finally
            {
                // However it went: nobody takes any more, and all that were taken are waited for.
                pulled = Deadline.Now;
                int others = ClosePosting(posting, threads);
                errno = errno != 0 ? errno : others;
            }

            long end = Deadline.Now;
            int helped = posting.Pieces - _postings.Mine(posting.Slot).Count;
            if (errno == 0)
                errno = PullGivenBack(posting, source, ref helped);
            (ring ? owner.HelpAsleep : owner.HelpAwake).Add(helped, end - pulled, end - begun);
            if (errno == 0 && helped > 0)
                posting.Message.CountOnce(Counter.CopiedByBoth);
        }
        finally
        {
            Unpost(posting);
        }

        CrashPoint.At(Step.PullCheck);
        ThrowUnlessMine(posting.Message);
        return errno;
    }

    private SharedCopy? ThreadsFor(in PieceSource source) =>
        _options.CopyThreads > 1 && source.Length >= ThreadsFrom ? _copies[source.Slot] ??= new SharedCopy(this) : null;

    /// <summary>
    /// Takes and pulls until none is left, in one of this process's threads. 0, or why it went no further. What it takes it marks as its own before anything can fail: nobody
    /// else is to be waited for there.
    /// </summary>
    internal int PullPieces(in PieceSource source, CancellationToken ct)
    {
        SegmentWalk walk = new(source.Payload);
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            if (!IsStillMine(source.Payload.Message))
                return LeaseIsOver;
            CrashPoint.At(Step.BothTake);
            if (!_self.TryTakePiece(source.Slot, source.Tag, source.Pieces, fromBack: false, out int piece))
                return 0;
            if (!_postings.Mine(source.Slot).Add(piece))
                return Errno.EIO; // Taken twice: somebody has tampered with the cursor.
            CrashPoint.At(Step.BothPull);
            int errno = PullPiece(source, piece, ref walk);
            if (errno != 0)
                return errno;
        }
    }

    /// <summary>
    /// Pieces that the sender took and could not write, or that died with it, which the pull finds out. And those of which it says that it wrote them, if its nonce did not come with
    /// them: they went elsewhere.
    /// </summary>
    private int PullGivenBack(OpenPosting posting, in PieceSource source, ref int helped)
    {
        Peer owner = source.Payload.Message.Owner;
        bool believed = HasLanded(posting);
        for (int piece = 0; piece < source.Pieces; piece++)
        {
            if (_postings.Mine(source.Slot).Has(piece) || (_self.MarkOf(source.Slot, piece, out int refusal) == PieceMark.Pushed && believed))
                continue;
            helped--;
            if (refusal is Errno.EPERM or Errno.ENOSYS or Errno.EACCES)
                owner.PushedBy.Refuse(refusal);
            SegmentWalk walk = new(source.Payload);
            CrashPoint.At(Step.BothAgain);
            int errno = PullPiece(source, piece, ref walk);
            if (errno != 0)
                return errno;
        }

        return 0;
    }

    private static int PullPiece(in PieceSource source, int piece, ref SegmentWalk walk)
    {
        long from = piece * source.PieceLength;
        long left = Math.Min(source.PieceLength, source.Length - from);
        long end = from + left;
        byte* to = source.Destination + from;
        int errno = 0;
        while (left > 0 && errno == 0)
            errno = PullNext(source.Payload, ref walk, source.Offset + end - left, ref to, ref left);

        return errno;
    }
}
