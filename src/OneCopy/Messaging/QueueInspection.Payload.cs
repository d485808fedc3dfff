using OneCopy.Interop;
using OneCopy.Memory;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>The first bytes of a payload, from wherever it is. The caller looks at the block's state before and after.</summary>
public sealed unsafe partial class QueueInspection
{
    // More segments than anybody sends; a table of more is not worth its memory for a look.
    private const int MostSegments = 65536;

    private byte[]? TryReadPayload(Peer sender, int block, in MessageRecord record, int most, out string? notRead)
    {
        notRead = null;
        byte[] payload = new byte[Math.Min(record.Length, most)];
        if (payload.Length == 0)
            return payload;
        if (record.Lane == Lane.Attached)
            return TryPull(sender, block, record, payload, out notRead) ? payload : null;
        byte* source = record.Lane == Lane.Inline ? sender.File.Block(block) + record.BodyOffset : sender.File.Arena(record.BodyOffset);
        new ReadOnlySpan<byte>(source, payload.Length).CopyTo(payload);
        return payload;
    }

    /// <summary>As a receiver pulls: the nonce in the same call says whose memory it was. False: it cannot be read from here.</summary>
    private bool TryPull(Peer sender, int block, in MessageRecord record, byte[] payload, out string? notRead)
    {
        notRead = null;
        if (StateOf(sender) is ParticipantState.NotRecovered or ParticipantState.Left)
            notRead = "it was in its sender's memory, and the sender has ended";
        else if (record.SegmentCount > MostSegments)
            notRead = $"it is in {record.SegmentCount:N0} pieces of its sender's memory";
        else if (sender.RuleAgainst() is not AccessDenialReason.None and var rule)
            notRead = Denied(RefusalText.OfRule(sender.File, rule));
        else if (sender.Pull is { MayBeTried: false, Refusal: { } refusal })
            notRead = Denied(refusal);
        if (notRead is not null)
            return false;

        iovec[] segments = new iovec[record.SegmentCount];
        try
        {
            record.CopySegments(sender.File, block, segments);
        }
        catch (QueueCorruptException)
        {
            notRead = "its list of pieces is damaged";
            return false;
        }

        int errno = 0;
        fixed (byte* start = payload)
        {
            byte* to = start;
            long left = payload.Length;
            int segment = 0;
            ulong skip = 0;
            while (segment < segments.Length && segments[segment].iov_len == 0)
                segment++;
            while (left > 0 && errno == 0)
                errno = MessageQueue.PullOnce(sender, segments, ref segment, ref skip, ref to, ref left);
        }

        if (errno is Errno.EPERM or Errno.ENOSYS or Errno.EACCES)
        {
            ProcessAccess refusal = AccessExplanation.Of(sender.File.Pid, errno, TransferMethod.ProcessVm);
            sender.Pull.Refuse(errno, refusal);
            notRead = Denied(refusal);
        }
        else if (errno != 0)
        {
            notRead = $"its sender's memory cannot be read ({Errno.NameOf(errno)})";
        }

        return errno == 0;
    }

    private static string Denied(ProcessAccess refusal) =>
        $"it is in its sender's memory, which cannot be read from here: {refusal.Explanation}";
}
