using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>
/// Push, and both copy, the sender's half: finds what a receiver of its messages has posted, and writes the payload there piece by piece, as long as
/// the lease holds and the message is not taken back. In which thread: the sender's own while it is blocked in the send, else one of the pool.
/// </summary>
public sealed unsafe partial class MessageQueue
{
    // For so long what was read of a receiver's memory is believed. Its number is another process's at the earliest when the system has given out
    // all others, of which there are 300 at least: tens of milliseconds.
    private const long PlaceHolds = 100_000;

    private const long SpinForNextPiece = 30_000;

    // One thread of the pool does it for all.
    private int _lingers;

    /// <summary>Whether the holder of the lease has posted a place for this message. Within an operation. On the doorbell thread: no system call but a first mapping.</summary>
    private bool PushIsAsked(AttachedSend waiting)
    {
        if (HolderOf(waiting) is not { } receiver)
            return false;
        for (ulong slots = Volatile.Read(ref receiver.File.Posted); slots != 0; slots &= slots - 1)
        {
            int slot = System.Numerics.BitOperations.TrailingZeroCount(slots);
            if (slot < PostingLayout.Slots && receiver.File.ReadPosting(slot) is var posting && IsFor(waiting, posting)
                && receiver.File.HasOpenPieces(slot, posting) && !waiting.IsRefused(receiver.Incarnation, posting.Tag))
                return true;
        }

        return false;
    }

    private Peer? HolderOf(AttachedSend waiting)
    {
        BlockState s = _self.State(waiting.Block);
        return s.Phase == Phase.Leased && s.Generation == waiting.Generation ? TryPeerAt(s.Actor) : null;
    }

    private bool IsFor(AttachedSend waiting, in Posting posting) =>
        posting.Tag != 0 && posting.Owner == _self.Incarnation && posting.Block == waiting.Block && posting.Generation == waiting.Generation;

    /// <summary>
    /// On a thread of the pool: everything that is posted for this message now, and what comes soon, of it or of others: a piece that is staged follows the one before it in microseconds, and would be a ring each. What is posted later comes with
    /// another one.
    /// </summary>
    internal void Push(AttachedSend waiting)
    {
        if (!TryEnter())
            return;
        try
        {
            waiting.BeginPush();
            Interlocked.Increment(ref _self.Looking);
            bool lingers = false;
            try
            {
                lingers = PushPosted(waiting) && s_spinsHelp && _options.WaitStrategy != WaitStrategy.Sleep && Interlocked.Exchange(ref _lingers, 1) == 0;
                if (lingers)
                    HelpWhileAsked(waiting, SpinForNextPiece, SpinForNextPiece);
            }
            finally
            {
                if (lingers)
                    Volatile.Write(ref _lingers, 0);
                Interlocked.Decrement(ref _self.Looking);
            }

            // A receiver that posted and still found it looking did not ring. Those that help themselves are looked after by their own threads; the receiver does not wait for them longer than for a piece.
            AttendToAttachedSends();
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>False: nothing could be taken.</summary>
    private bool PushPosted(AttachedSend waiting)
    {
        CrashPoint.At(Step.HelpRead);
        if (HolderOf(waiting) is not { } receiver || !receiver.TryAddReference())
            return false;
        try
        {
            bool any = false;
            for (ulong slots = Volatile.Read(ref receiver.File.Posted); slots != 0; slots &= slots - 1)
            {
                int slot = System.Numerics.BitOperations.TrailingZeroCount(slots);
                if (slot < PostingLayout.Slots && receiver.File.ReadPosting(slot) is var posting && IsFor(waiting, posting))
                    any |= PushPieces(waiting, receiver, slot, posting);
            }

            // Once, and not for each piece: it waits for the last one. The fence: what is marked is seen before the sleeper is looked for.
            CrashPoint.At(Step.HelpRing);
            Interlocked.MemoryBarrier();
            if (any && Volatile.Read(ref receiver.File.OwnSleeping) != 0)
                receiver.File.Ring(WaitKind.Own);
            return any;
        }
        finally
        {
            receiver.Release();
        }
    }

    private bool PushPieces(AttachedSend waiting, Peer receiver, int slot, in Posting posting)
    {
        PeerMapping? mapping = null;
        try
        {
            return PushPieces(waiting, receiver, slot, posting, ref mapping);
        }
        finally
        {
            if (mapping is not null)
                receiver.Mappings.Return(mapping);
        }
    }

    private bool PushPieces(AttachedSend waiting, Peer receiver, int slot, in Posting posting, ref PeerMapping? mapping)
    {
        bool any = false;
        PostedPlace place = default;
        int errno = 0;
        long believed = long.MinValue;
        while (true)
        {
            // Taking back and pushing exclude each other: the payload is not the caller's again while it is being read here. One piece at
            // a time, so that taking back waits for no more than that.
            lock (waiting.Gate)
            {
                CrashPoint.At(Step.HelpCheck);
                BlockState s = _self.State(waiting.Block);
                if (waiting.IsOver || !waiting.IsAttached || !IsFor(waiting, posting) || s.Phase != Phase.Leased || s.Actor != receiver.Index || s.Generation != waiting.Generation)
                    return any;
                if (!receiver.File.HasOpenPieces(slot, posting) || waiting.IsRefused(receiver.Incarnation, posting.Tag))
                    return any;
                if (Deadline.Now is var now && now > believed)
                {
                    errno = FindPlace(waiting, receiver, slot, posting, ref mapping, out place);
                    believed = now + PlaceHolds;
                }

                int pieces = errno == 0 ? PostingLayout.PiecesOf(place.Length, place.PieceLength) : Math.Min(posting.Pieces, PostingLayout.MaxPieces);
                CrashPoint.At(Step.HelpTake);
                if (!receiver.File.TryTakePiece(slot, posting.Tag, pieces, fromBack: true, out int piece))
                {
                    // The file says that there are more than its poster's memory does: somebody has tampered with it, and would be looked at again and again.
                    if (receiver.File.HasOpenPieces(slot, posting))
                        waiting.Refuse(receiver.Incarnation, posting.Tag);
                    return any;
                }

                any = true;
                CrashPoint.At(Step.HelpPush);
                if (errno == 0)
                    errno = PushPiece(waiting, receiver, slot, posting, place, piece, mapping);
                CrashPoint.At(errno == 0 ? Step.HelpMark : Step.HelpBack);
                receiver.File.Mark(slot, piece, errno);
                if (errno != 0)
                    waiting.Refuse(receiver.Incarnation, posting.Tag);
            }
        }
    }

    /// <summary>
    /// Reads the posted place out of the receiver's own memory, with its nonce: 0, or why it cannot be pushed. Again when some time has passed, so that a
    /// process that has gone meanwhile is noticed before its number can be another one's.
    /// </summary>
    private int FindPlace(AttachedSend waiting, Peer receiver, int slot, in Posting posting, ref PeerMapping? mapping, out PostedPlace place)
    {
        place = default;
        AccessState state = StateFor(receiver, posting);
        if (WhyNot(receiver, state) is var refusal and not 0)
            return refusal;
        if (FindMappedPlace(waiting, receiver, state, posting, ref mapping, out place))
            return 0;
        if (LocalHandles.Of(receiver.File) is { } local)
        {
            place = local.Place(slot);
        }
        else
        {
            int errno = ReadPlace(receiver, posting, out place);
            if (errno is Errno.EPERM or Errno.ENOSYS or Errno.EACCES)
                RefusePush(receiver, posting, errno, Memory.TransferDirection.Read);
            if (errno != 0)
                return errno;
        }

        return place.IsGood(receiver.File.Nonce, posting.Tag, waiting.Length) ? 0 : Errno.ESRCH;
    }

    /// <summary>
    /// The place in a buffer of the receiver's pool that is mapped here, if the payload lies in one of ours or in arrays, which nobody can take away under an ordinary copy. Only where its memory was written before: then the rules are
    /// kept, and the process is the one that it says. What the buffer's own label says is as good as what is read out of the process: nobody else can write there.
    /// </summary>
    private static bool FindMappedPlace(AttachedSend waiting, Peer receiver, AccessState state, in Posting posting, ref PeerMapping? mapping, out PostedPlace place)
    {
        place = default;
        if ((waiting.Buffer.IsNone && !waiting.IsInArrays) || state.Access != PullAccess.Allowed)
            return false;
        mapping ??= receiver.Mappings.Take(posting.Buffer, writable: true);
        if (mapping is null)
            return false;
        if (PostedPlace.TryReadFrom(mapping.Label, posting.Tag, out place) && place.IsGood(receiver.File.Nonce, posting.Tag, waiting.Length)
            && mapping.At(place.Address, (nuint)place.Length) is not null)
            return true;
        receiver.Mappings.Return(mapping);
        mapping = null;
        return false;
    }

    private static int ReadPlace(Peer receiver, in Posting posting, out PostedPlace place)
    {
        fixed (PostedPlace* p = &place)
        {
            iovec local = new((nuint)p, PostedPlace.LandingOffset);
            iovec remote = new(posting.Place, PostedPlace.LandingOffset);
            SysResult r = Uio.process_vm_readv(receiver.File.Pid, &local, 1, &remote, 1);
            return !r.Succeeded ? r.Errno : r.Value == PostedPlace.LandingOffset ? 0 : Errno.EFAULT;
        }
    }

    private int PushPiece(AttachedSend waiting, Peer receiver, int slot, in Posting posting, in PostedPlace place, int piece, PeerMapping? mapping)
    {
        long from = piece * place.PieceLength;
        iovec there = new(place.Address + (nuint)from, (nuint)Math.Min(place.PieceLength, place.Length - from));

        // Of what is longer than one posting, this one is a part.
        long wanted = place.Length < PostingLayout.MaxLength ? place.Length : waiting.Length;
        int errno = 0;
        if (mapping is not null && mapping.At(there.iov_base, there.iov_len) is var here && here is not null)
        {
            waiting.CopyPart(place.PayloadOffset + from, new iovec((nuint)here, there.iov_len), wanted);

            // A page that any thread of ours found missing: after that this copy went nowhere.
            if (mapping.IsDamaged)
                return Errno.EFAULT;
            ((PostedPlace*)mapping.Label.Room(posting.Tag))->Landing = _self.Nonce;
            _self.Count(Counter.PushedBytes, (long)there.iov_len);
            return 0;
        }

        // Within this process by an ordinary copy only if its receiver was refused the kernel's, for which unmapped memory is an error and not the process's end.
        if (!posting.IsForBoth && LocalHandles.Of(receiver.File) is { } local)
        {
            waiting.CopyPart(place.PayloadOffset + from, there, wanted);
            local.Place(slot).Landing = _self.Nonce;
        }
        else
        {
            errno = waiting.PushPart(receiver.File.Pid, place.PayloadOffset + from, there, posting.Place + PostedPlace.LandingOffset, _self.NonceAddress);
        }

        if (errno == 0)
        {
            StateFor(receiver, posting).Allow();
            _self.Count(Counter.PushedBytes, (long)there.iov_len);
        }
        else if (errno is Errno.EPERM or Errno.ENOSYS or Errno.EACCES)
        {
            RefusePush(receiver, posting, errno, Memory.TransferDirection.Write);
        }

        return errno;
    }

    private static AccessState StateFor(Peer receiver, in Posting posting) => posting.IsForBoth ? receiver.Help : receiver.Push;

    private void RefusePush(Peer receiver, in Posting posting, int errno, Memory.TransferDirection call)
    {
        // A help's refusal is shown to nobody, and need not be looked into.
        if (posting.IsForBoth)
            receiver.Refuse(receiver.Help, errno);
        else
            Refuse(receiver, receiver.Push, errno, call);
    }
}
