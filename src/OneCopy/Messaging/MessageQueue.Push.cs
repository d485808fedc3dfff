using OneCopy.Interop;
using OneCopy.Memory;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>
/// Push, the receiver's half: where it may not read the sender's memory, it posts a piece of its own, and the sender writes there, alone. What is
/// posted for both to copy (MessageQueue.Both.cs) is the same, but that the receiver takes pieces too.
/// </summary>
public sealed unsafe partial class MessageQueue
{
    // How often a handle that is closing looks whether the process that it waits for is dead.
    private const long LookAgain = 100_000_000;

    // A piece is copied in less than a millisecond. So long one that runs may be kept from it by a busy machine, and no longer.
    private const long LongestPiece = 30_000_000_000;
    private const long OnePiece = 1_000_000_000;
    private const long SpinForPiece = 150_000;

    private readonly OwnPostings _postings = new();

    internal OwnPostings Postings => _postings;

    internal void Count(Counter counter) => _self.Count(counter);

    /// <summary>An owner that refused is not asked before some time has passed; one that we may not touch may not touch us, by the same rule.</summary>
    private bool CanBePushedBy(Peer owner) =>
        _options.Attach != AttachMode.Never && owner.PushedBy.MayBeTried
        && (owner.PushedBy.Access == PullAccess.Allowed || owner.RuleAgainst() == AccessDenialReason.None);

    /// <summary>Advances by what came. False: the owner refuses, or nothing can be posted now; the rest has to come by another way.</summary>
    private bool BePushed(Lease message, ref long offset, ref byte* destination, ref long length, CancellationToken ct)
    {
        while (length > 0)
        {
            if (!_postings.TryTake(out int slot))
                return false;
            long part = Math.Min(length, PostingLayout.MaxLength);
            int errno;
            try
            {
                OpenPosting posting = new(slot, OwnPostings.NextTag(), PostingLayout.PiecesOf(part, PostingLayout.MaxPieceLength), PostingLayout.MaxPieceLength, message, null);
                errno = BePushed(posting, offset, destination, part, ct);
            }
            finally
            {
                _postings.Return(slot);
            }

            if (errno != 0)
            {
                if (errno is Errno.EPERM or Errno.ENOSYS or Errno.EACCES)
                    message.Owner.PushedBy.Refuse(errno);
                return false;
            }

            message.Owner.PushedBy.Allow();
            offset += part;
            destination += part;
            length -= part;
        }

        return true;
    }

    /// <summary>One posting, from its preparation to its end. 0, or the errno that the owner gave it back with.</summary>
    private int BePushed(OpenPosting posting, long offset, byte* destination, long length, CancellationToken ct)
    {
        Lease message = posting.Message;
        Prepare(posting, offset, destination, length);
        try
        {
            Post(posting, ring: true, isForBoth: false);
            CrashPoint.At(Step.PushWait);
            WaitUntil(WaitKind.Own, posting, static (q, p) => q.IsPushOver(p), Deadline.Never, ct);
        }
        finally
        {
            // However the wait ended: the memory is its owner's again only when nobody writes into it any more.
            ClosePosting(posting);
            Unpost(posting);
        }

        CrashPoint.At(Step.PushCheck);
        if (!IsStillMine(message))
            throw message.Withdrawn();
        int errno = FirstRefusal(posting, out bool all);
        if (all)
            return HasLanded(posting) ? 0 : Errno.ESRCH; // Marked, and written elsewhere.
        if (IsGoneOrDead(message.Owner))
            throw message.Lost();
        return errno != 0 ? errno : Errno.EAGAIN;
    }

    /// <summary>
    /// First the cursor gets the new tag, which the full fence makes visible before anything else: whoever has read an older posting, or
    /// half of this one, takes nothing.
    /// </summary>
    private void Prepare(OpenPosting posting, long offset, byte* destination, long length)
    {
        CrashPoint.At(Step.BothPrepare);
        Interlocked.Exchange(ref _self.Cursor(posting.Slot), PostingLayout.Cursor(posting.Tag, 0));
        for (int piece = 0; piece < posting.Pieces; piece++)
            _self.MarkWord(posting.Slot, piece) = 0;
        _postings.Mine(posting.Slot) = default;
        _postings.Place(posting.Slot) = new PostedPlace
        {
            Nonce = _self.Nonce,
            Tag = posting.Tag,
            Address = (nuint)destination,
            Length = length,
            PayloadOffset = offset,
            PieceLength = posting.PieceLength,
        };
        if (posting.Buffer is { } buffer)
        {
            lock (buffer.LabelGate)
                _postings.Place(posting.Slot).WriteTo(buffer.Label);
        }
    }

    /// <param name="posting">Prepared.</param>
    /// <param name="ring">
    /// Wakes the owner's threads if one of them sleeps. Who sends this message announces its sleep before it looks for the last time, as every sleeper, and does
    /// not sleep without: if none is announced, it is awake and will look.
    /// </param>
    /// <param name="isForBoth">This process pulls too.</param>
    private void Post(OpenPosting posting, bool ring, bool isForBoth)
    {
        Lease message = posting.Message;
        _self.WritePosting(posting.Slot, new Posting(
            posting.Tag, _postings.AddressOf(posting.Slot), message.Owner.Incarnation, message.Block, message.Leased.Generation, posting.Pieces, isForBoth, posting.Buffer?.Name ?? default));
        CrashPoint.At(Step.BothPost);
        // Release: marks, place and posting are written before the tag that makes them one. The bit by a full fence: it is seen before the sleepers are
        // looked for.
        Volatile.Write(ref _self.PostingTag(posting.Slot), posting.Tag);
        Interlocked.Or(ref _self.Posted, 1UL << posting.Slot);
        CrashPoint.At(Step.BothRing);
        // One that was awake before the post may have begun to sleep meanwhile: what it looked at then was not posted yet.
        if ((ring || Volatile.Read(ref message.Owner.File.Looking) == 0) && Volatile.Read(ref message.Owner.File.OwnSleeping) != 0)
            message.Owner.File.Ring(WaitKind.Own);
    }

    /// <summary>
    /// Nobody takes a piece any more, and nobody is at one: when it returns, nobody writes to the place. <paramref name="threads"/>: of this process, which
    /// take pieces too; what became of theirs is returned.
    /// </summary>
    private int ClosePosting(OpenPosting posting, SharedCopy? threads = null)
    {
        CrashPoint.At(Step.BothClose);
        ulong cursor = Interlocked.Exchange(ref _self.Cursor(posting.Slot), PostingLayout.Cursor(posting.Tag, PostingLayout.ClosedCursor));
        bool impossible = PostingLayout.TagOf(cursor) != posting.Tag || PostingLayout.TakenOf(cursor) > posting.Pieces;
        int errno = threads?.End() ?? 0;
        AwaitTaken(posting, impossible ? posting.Pieces : PostingLayout.BackOf(cursor), impossible);
        return errno;
    }

    private void Unpost(OpenPosting posting)
    {
        CrashPoint.At(Step.BothUnpost);
        Interlocked.And(ref _self.Posted, ~(1UL << posting.Slot));
        Volatile.Write(ref _self.PostingTag(posting.Slot), 0);
        Forget(posting);
    }

    /// <summary>What others can write says no more which posting there is: the place itself must say that there is none.</summary>
    private void Forget(OpenPosting posting)
    {
        Volatile.Write(ref _postings.Place(posting.Slot).Tag, 0);
        if (posting.Buffer is { } buffer)
        {
            lock (buffer.LabelGate)
                PostedPlace.Clear(buffer.Label, posting.Tag);
        }
    }

    /// <summary>Whether the owner's nonce has come with what it wrote: beside the place, or behind the buffer that it has mapped.</summary>
    private bool HasLanded(OpenPosting posting)
    {
        Guid nonce = posting.Message.Owner.File.Nonce;
        return _postings.Place(posting.Slot).Landing == nonce || (posting.Buffer is { } buffer && PostedPlace.TryReadFrom(buffer.Label, posting.Tag, out PostedPlace place) && place.Landing == nonce);
    }

    private bool IsPushOver(OpenPosting posting)
    {
        int errno = FirstRefusal(posting, out bool all);
        return all || errno != 0 || !IsStillMine(posting.Message) || IsGoneOrDead(posting.Message.Owner);
    }

    private int FirstRefusal(OpenPosting posting, out bool all)
    {
        all = true;
        for (int piece = 0; piece < posting.Pieces; piece++)
        {
            PieceMark mark = _self.MarkOf(posting.Slot, piece, out int errno);
            if (mark == PieceMark.GivenBack)
            {
                all = false;
                return errno == 0 ? Errno.EIO : errno;
            }

            all &= mark == PieceMark.Pushed;
        }

        return 0;
    }

    /// <summary>
    /// Waits for the pieces, so many from the back, that the owner took before the cursor was closed: until they are marked, or the owner is dead and so writes no
    /// more. Nothing else ends it, neither a cancellation nor closing the handle: the owner may be writing. But for files that no longer tell: then
    /// the place is withdrawn, where the owner looks before it writes, and a copy that is under way has time enough to end. An owner that takes
    /// a piece and never marks it, though it runs, is taken for damaged as well.
    /// </summary>
    private void AwaitTaken(OpenPosting posting, int taken, bool impossible)
    {
        CrashPoint.At(Step.BothWait);
        if (IsQuiet(posting, taken) || SpinUntilQuiet(posting, taken))
            return;
        Announce(WaitKind.Own);
        long late = Deadline.Now + LongestPiece;
        long end = Deadline.Never;
        try
        {
            while (true)
            {
                if (!Deadline.IsAhead(end))
                {
                    // An ordinary copy can be held up in its middle, and go on later: not into the user's memory.
                    TakeAway(posting, taken);
                    return;
                }

                CrashPoint.At(Step.SleepRead);
                uint seen = BeginLook(WaitKind.Own);
                CrashPoint.At(Step.SleepLook);
                if (IsQuiet(posting, taken))
                    return;
                Peer owner = posting.Message.Owner;
                bool tells = !impossible && !IsBroken && !owner.File.IsDamaged && (Deadline.IsAhead(late) || ProcessIdentity.IsStopped(owner.File.Pid));
                if (tells)
                    end = Deadline.Never;
                else if (end == Deadline.Never)
                {
                    Forget(posting);
                    end = Deadline.Now + OnePiece;
                }

                // A handle that is closing gets no notice of deaths any more: it looks itself.
                if (Volatile.Read(ref _closed) && RecoverIfDead(posting.Message.Owner))
                    continue;
                CrashPoint.At(Step.SleepWait);
                CountSleeper(1);
                Futex.Wait(_self.Doorbell(WaitKind.Own), seen, Deadline.Now + LookAgain);
                CountSleeper(-1);
            }
        }
        finally
        {
            LeaveSleep(WaitKind.Own);
        }
    }

    /// <summary>The pages of the pieces that are not marked, if others have them mapped: they get new ones, and this process too, with the same in them.</summary>
    private void TakeAway(OpenPosting posting, int taken)
    {
        _postings.Lose(posting.Slot);
        if (posting.Buffer is not { } buffer)
            return;
        ref PostedPlace place = ref _postings.Place(posting.Slot);
        for (int piece = posting.Pieces - taken; piece < posting.Pieces; piece++)
        {
            long from = piece * posting.PieceLength;
            if (!_postings.Mine(posting.Slot).Has(piece) && _self.MarkOf(posting.Slot, piece, out _) == PieceMark.Open)
                buffer.Detach((byte*)place.Address + from, Math.Min(posting.PieceLength, place.Length - from));
        }
    }

    private bool IsQuiet(OpenPosting posting, int taken)
    {
        ref PieceSet mine = ref _postings.Mine(posting.Slot);
        for (int piece = posting.Pieces - taken; piece < posting.Pieces; piece++)
        {
            if (!mine.Has(piece) && _self.MarkOf(posting.Slot, piece, out _) == PieceMark.Open)
                return IsGoneOrDead(posting.Message.Owner);
        }

        return true;
    }

    /// <summary>For as long as a piece may take that was begun just now: it is not worth a sleep.</summary>
    private bool SpinUntilQuiet(OpenPosting posting, int taken)
    {
        if (!s_spinsHelp || _options.WaitStrategy == WaitStrategy.Sleep)
            return false;
        long until = Deadline.Now + SpinForPiece;
        do
        {
            for (int i = 0; i < 16; i++)
            {
                Thread.SpinWait(2);
                if (IsQuiet(posting, taken))
                    return true;
            }
        }
        while (Deadline.IsAhead(until));
        return false;
    }

    /// <summary>A place of this process that is posted now, and the buffer that it lies in if the owner may map that.</summary>
    private readonly record struct OpenPosting(int Slot, ulong Tag, int Pieces, long PieceLength, Lease Message, PoolMapping? Buffer);
}
