using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>The way around a pull that is refused or fails: the sender moves the payload into its arena, and it goes on from there.</summary>
public sealed partial class MessageQueue
{
    /// <summary>Move, the receiver's half: asks the owner, and is rung when it is done.</summary>
    private void AskForMove(Peer owner, int block, BlockState leased)
    {
        // A move that failed before (no room) is asked for anew.
        ulong failed = Volatile.Read(ref owner.File.Moved(block));
        if (failed >> 32 == leased.Generation && (uint)failed != 0)
            Interlocked.CompareExchange(ref owner.File.Moved(block), 0, failed);

        ulong request = ((ulong)leased.Generation << 32) | (uint)_self.Index;
        while (true)
        {
            // Another message's request, of a later generation, is not to be overwritten by one whose message was withdrawn.
            ulong seen = Volatile.Read(ref owner.File.MoveRequest(block));
            if (seen != 0 && (int)((uint)(seen >> 32) - leased.Generation) > 0)
                return;
            CrashPoint.At(Step.MoveRequest);
            if (Interlocked.CompareExchange(ref owner.File.MoveRequest(block), request, seen) == seen)
                break;
        }

        CrashPoint.At(Step.MoveRing);
        owner.File.Ring(WaitKind.Own);
    }

    private void AwaitMove(Lease message, CancellationToken ct)
    {
        WaitUntil(WaitKind.Own, message, static (q, m) => q.IsMoveOver(m), Deadline.Never, ct);
        if (message.Owner.File.IsDamaged)
            throw message.Damaged();
        if (!IsStillMine(message))
            throw message.Withdrawn();
        ulong moved = Volatile.Read(ref message.Owner.File.Moved(message.Block));
        if ((uint)(moved >> 32) != message.Leased.Generation)
            throw message.Lost();
        if ((uint)moved != 0)
        {
            throw new OneCopyException(
                "process_vm_readv", message.Owner.Pull.Errno, $"process {message.Owner.File.Pid}",
                $"Nor could the sender move the message of {message.Length:N0} bytes into its arena ({Errno.NameOf((int)moved)}): " +
                ((int)moved == Errno.EAGAIN ? "other moved messages fill it; abandon this one and go on, it will come again. " : "raise its QueueOptions.ArenaLimit. ") +
                "onecopy doctor says what denies the pull.");
        }

        message.OnMoved();
    }

    private bool IsMoveOver(Lease message) =>
        (uint)(Volatile.Read(ref message.Owner.File.Moved(message.Block)) >> 32) == message.Leased.Generation
        || !IsStillMine(message) || IsGoneOrDead(message.Owner) || message.Owner.File.IsDamaged || HasEnded(message.Owner);

    /// <summary>
    /// Its process has ended, whoever has its lock now: nothing will be moved any more, and that is not to be waited for until its recoverer,
    /// who may be stopped, is done. What it answered before its end is seen after this.
    /// </summary>
    private static bool HasEnded(Peer owner)
    {
        if (owner.File.PidNamespace != ProcessIdentity.PidNamespace)
            return false;
        SysResult opened = Pidfd.pidfd_open(owner.File.Pid);
        if (!opened.Succeeded)
            return opened.Errno == Errno.ESRCH;
        using Microsoft.Win32.SafeHandles.SafeFileHandle pidfd = SafeFd.Of(opened);
        return Pidfd.HasExited(pidfd.Fd());
    }

    private bool MoveIsAsked(AttachedSend waiting) =>
        (uint)(Volatile.Read(ref _self.MoveRequest(waiting.Block)) >> 32) == waiting.Generation
        && (uint)(Volatile.Read(ref _self.Moved(waiting.Block)) >> 32) != waiting.Generation;

    /// <summary>Move: a receiver could not pull, so the payload goes into the arena and on from there.</summary>
    private void Move(AttachedSend waiting)
    {
        if (!TryEnter())
            return;
        try
        {
            lock (waiting.Gate)
            {
                waiting.IsMoving = false;
                if (waiting.IsOver || IsDone(waiting) || !MoveIsAsked(waiting))
                    return;
                int receiver = (int)(uint)Volatile.Read(ref _self.MoveRequest(waiting.Block));
                if (_options.Attach == AttachMode.Required)
                {
                    TakeBack(waiting, NoOtherWay(receiver));
                    return;
                }

                if (MoveIntoArena(waiting) == Errno.EFAULT)
                {
                    TakeBack(waiting, LostPayload(waiting.Length));
                    return;
                }

                // Where others do take what is attached, it goes on being attached.
                if (Interlocked.Exchange(ref _attachedSinceMove, 0) == 0)
                    Volatile.Write(ref _copiesBeforeAttach, CopiesAfterRefusal);
                CrashPoint.At(Step.MoveRing);
                TryPeerAt(receiver)?.File.Ring(WaitKind.Own);
            }
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>0, or the errno that it failed with. EFAULT: the payload itself cannot be read, and no answer is given.</summary>
    private unsafe int MoveIntoArena(AttachedSend waiting)
    {
        SysResult taken = TakeMovePlace(waiting.Length, out long offset);
        CrashPoint.At(Step.MoveCopy);
        int errno = taken.Succeeded ? waiting.CopyPayload(_self.Arena(offset)) : taken.Errno;
        _blocksGate.Enter();
        try
        {
            // Done meanwhile (another receiver could pull it), and the block perhaps another message's already.
            ref OwnBlock own = ref _blocks[waiting.Block];
            bool current = own.Waiting == waiting && !IsDone(waiting);
            if (taken.Succeeded && (errno != 0 || !current))
                _moves.Free(offset, waiting.Length);
            if (!current)
                return 0;
            if (errno == Errno.EFAULT)
                return errno;
            if (errno == 0)
            {
                waiting.IsMoved = true;
                own.MovedOffset = offset;
                own.MovedSize = waiting.Length;
                _self.MovedPlace(waiting.Block) = offset;
                _self.Count(Counter.Moved);
            }

            CrashPoint.At(Step.MoveAnswer);
            // Release: the new place is written before the word that says so.
            Volatile.Write(ref _self.Moved(waiting.Block), ((ulong)waiting.Generation << 32) | (uint)errno);
            return errno;
        }
        finally
        {
            _blocksGate.Exit();
        }
    }

    private SysResult TakeMovePlace(long length, out long offset)
    {
        _blocksGate.Enter();
        try
        {
            return TakeFrom(_moves, length, out offset);
        }
        finally
        {
            _blocksGate.Exit();
        }
    }
}
