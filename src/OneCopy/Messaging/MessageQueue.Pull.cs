using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>The receiver's copy of a payload: from the files, or straight out of the sender's memory.</summary>
public sealed unsafe partial class MessageQueue
{
    /// <summary>
    /// Bytes of one process_vm_readv: long enough that the call costs nothing beside the copy, short enough to cancel soon and not
    /// to hold the sender's memory map against it for long.
    /// </summary>
    private const int LongestPull = 512 * 1024;

    // Segments in one call: what the kernel keeps on its stack, less the nonce's (UIO_FASTIOV is 8; 16 costs one allocation there).
    private const int PullSegments = 15;

    // What a block has room for; longer lists are an array of the message's.
    private const int SegmentsOnStack = 32;

    internal void Copy(Lease message, long offset, byte* destination, long length, CancellationToken ct)
    {
        Enter();
        try
        {
            if (message.Lane == Lane.Attached && Pull(message, offset, destination, length, ct))
                return;
            for (long done = 0; done < length;)
            {
                ct.ThrowIfCancellationRequested();
                long piece = Math.Min(length - done, LongestPull);
                StreamingCopy.Copy(message.InPlace(offset + done), destination + done, piece, length, isOnly: false);
                done += piece;
            }

            if (message.Owner.File.IsDamaged)
                throw message.Damaged();
        }
        finally
        {
            Exit();
        }
    }

    private bool CanPullFrom(Peer owner) => WhyNot(owner, owner.Pull) == 0;

    /// <summary>Pull, or where that is refused, push. False: the payload was moved into the arena instead.</summary>
    private bool Pull(Lease message, long offset, byte* destination, long length, CancellationToken ct)
    {
        if (length == 0)
            return true;
        int count = message.SegmentCount;
        if (count <= SegmentsOnStack)
        {
            iovec* few = stackalloc iovec[SegmentsOnStack];
            message.ReadSegments(new Span<iovec>(few, count));
            PeerMapping? mapping = count == 1 ? MappingOf(message) : null;
            try
            {
                return Pull(new Payload(message, few, count, length, mapping), offset, destination, length, ct);
            }
            finally
            {
                if (mapping is not null)
                    message.Owner.Mappings.Return(mapping);
            }
        }

        fixed (iovec* many = message.Segments())
            return Pull(new Payload(message, many, count, length), offset, destination, length, ct);
    }

    /// <summary>
    /// The sender's buffer, mapped here, to be returned; null if the payload is in none. Only where its memory was read before: then the rules are kept, and the process is the one that it says.
    /// </summary>
    private static PeerMapping? MappingOf(Lease message) =>
        message.Owner.Pull.Access == PullAccess.Allowed ? message.Owner.Mappings.Take(message.ReadBuffer(), writable: false) : null;

    private bool Pull(in Payload payload, long offset, byte* destination, long length, CancellationToken ct)
    {
        Lease message = payload.Message;
        bool tried = CanPullFrom(message.Owner);
        long whole = length;
        int errno = tried ? PullAll(payload, ref offset, ref destination, ref length, ct) : message.Owner.Pull.Errno;
        if (payload.IsDamaged)
        {
            // All of it may be zeros, and is to come another way.
            errno = Errno.EFAULT;
            offset -= whole - length;
            destination -= whole - length;
            length = whole;
        }

        if (errno == 0 && tried)
        {
            message.Owner.Pull.Allow();
            message.CountOnce(Counter.Pulled);
            if (payload.Mapped is not null)
                message.CountOnce(Counter.CopiedFromMapping);
            return true;
        }

        if (errno == Errno.ESRCH && tried)
            RecoverIfDead(message.Owner);
        else if (tried && errno is Errno.EPERM or Errno.ENOSYS or Errno.EACCES)
            Refuse(message.Owner, message.Owner.Pull, errno, Memory.TransferDirection.Read);

        if (IsGoneOrDead(message.Owner))
            throw message.Lost();
        if (message.Owner.Pull.Access == PullAccess.Refused && CanBePushedBy(message.Owner) && BePushed(message, ref offset, ref destination, ref length, ct))
        {
            message.CountOnce(Counter.Pushed);
            return true;
        }

        AskForMove(message.Owner, message.Block, message.Leased);
        AwaitMove(message, ct);
        return false;
    }

    /// <summary>Piece by piece, alone or together with its sender. Advances by what came; 0 if all did, or errno.</summary>
    private int PullAll(in Payload payload, ref long offset, ref byte* destination, ref long length, CancellationToken ct)
    {
        SegmentWalk walk = new(payload);
        int errno = 0;
        while (length > 0 && errno == 0)
        {
            long part = Math.Min(length, PostingLayout.MaxLength);
            if (IsWorthSharing(payload.Message.Owner, part, out bool ring))
            {
                errno = PullByBoth(payload, offset, destination, part, ring, ct);
                if (errno == 0)
                {
                    offset += part;
                    destination += part;
                    length -= part;
                    continue;
                }

                if (errno != Errno.EAGAIN)
                    return errno;
            }

            for (errno = 0; part > 0 && errno == 0;)
            {
                ct.ThrowIfCancellationRequested();
                long before = part;
                CrashPoint.At(Step.PullRead);
                errno = PullNext(payload, ref walk, offset, ref destination, ref part);
                offset += before - part;
                length -= before - part;
                CrashPoint.At(Step.PullCheck);
                ThrowUnlessMine(payload.Message);
            }
        }

        return errno;
    }

    /// <summary>
    /// Some of it, from <paramref name="offset"/> on. Out of a mapping by an ordinary copy: that the lease holds says, looked at afterwards, that it was the message's; and that buffer is its sender's for
    /// as long as anybody has it mapped, dead or alive, so that there is no nonce to read.
    /// </summary>
    private static int PullNext(in Payload payload, ref SegmentWalk walk, long offset, ref byte* destination, ref long length)
    {
        long before = length;
        if (payload.Mapped is null)
        {
            walk.MoveTo(offset);
            int errno = PullOnce(payload.Message.Owner, walk.Segments, ref walk.Segment, ref walk.Skip, ref destination, ref length);
            walk.Advanced(before - length);
            return errno;
        }

        long part = Math.Min(length, LongestPull);
        StreamingCopy.Copy(payload.Mapped + offset, destination, part, payload.Wanted, isOnly: true);
        destination += part;
        length -= part;
        return 0;
    }

    private static void ThrowUnlessMine(Lease message)
    {
        if (!IsStillMine(message))
            throw message.Owner.File.IsDamaged ? message.Damaged() : message.Withdrawn();
    }

    /// <summary>
    /// Whether the lease holds: what was read of the message before is then the message's. The fence keeps those reads before this
    /// one, which an acquiring read alone does not.
    /// </summary>
    internal static bool IsStillMine(Lease message) => IsStillMine(message.Owner, message.Block, message.Leased);

    private static bool IsStillMine(Peer owner, int block, BlockState leased)
    {
        Volatile.ReadBarrier();
        return owner.File.State(block) == leased;
    }

    /// <summary>
    /// One call: some of the payload, and behind it the nonce of the sender's memory. Advances by what came; short counts are
    /// normal, cut at a page. The nonce is there only if all before it came, so the last call for each piece has it.
    /// </summary>
    internal static int PullOnce(
        Peer owner, ReadOnlySpan<iovec> segments, ref int segment, ref ulong skip, ref byte* destination, ref long length)
    {
        iovec* remote = stackalloc iovec[PullSegments + 1];
        iovec* local = stackalloc iovec[2];
        byte* nonce = stackalloc byte[ParticipantLayout.NonceLength];
        int count = 0;
        long total = 0;
        ulong from = skip;
        int shift = VectorCopy.ShiftOf((nuint)(segments[segment].iov_base + skip), destination, length);
        long most = shift == 0 ? Math.Min(length, LongestPull) : Math.Min(length - shift, VectorCopy.LongestShifted);
        for (int s = segment; count < PullSegments && total < most; s++, from = 0)
        {
            ulong n = Math.Min(segments[s].iov_len - from, (ulong)(most - total));
            remote[count++] = new iovec(segments[s].iov_base + (nuint)from, (nuint)n);
            total += (long)n;
        }

        remote[count++] = new iovec(owner.File.NonceAddress, ParticipantLayout.NonceLength);
        local[0] = new iovec((nuint)(destination + shift), (nuint)total);
        local[1] = new iovec((nuint)nonce, ParticipantLayout.NonceLength);
        SysResult r = Uio.process_vm_readv(owner.File.Pid, local, 2, remote, count);
        if (!r.Succeeded)
            return r.Errno;
        long came = Math.Min(r.Value, total);
        if (came == 0)
            return Errno.EFAULT;
        if (r.Value == total + ParticipantLayout.NonceLength)
        {
            // Another process has the number, or this one another memory: as good as gone.
            if (new Guid(new ReadOnlySpan<byte>(nonce, ParticipantLayout.NonceLength)) != owner.File.Nonce)
                return Errno.ESRCH;
        }
        else if (came == total)
        {
            return Errno.ESRCH; // All of it, and not the nonce: that memory is not what was published.
        }

        if (shift != 0)
            VectorCopy.MoveDown(destination + shift, destination, came);
        destination += came;
        length -= came;
        while (came > 0)
        {
            ulong left = segments[segment].iov_len - skip;
            if ((ulong)came < left)
            {
                skip += (ulong)came;
                break;
            }

            came -= (long)left;
            segment++;
            skip = 0;
        }

        return 0;
    }
}
