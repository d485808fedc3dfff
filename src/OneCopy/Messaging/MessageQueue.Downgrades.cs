using OneCopy.Interop;
using OneCopy.Memory;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>Whose memory may be touched, in which direction, as it was found when it was tried; and what was refused, for people.</summary>
public sealed unsafe partial class MessageQueue
{
    private readonly MonitorLock _refusalsGate = new();

    // Said by this handle of its own refusals, in full words; the files have only the reason.
    private readonly Dictionary<ulong, string> _refusalsInWords = [];

    /// <summary>0: it may be tried. Else errno, of a rule or of the last refusal. The rules of this library come first, as long as no transfer has worked; then what the last try found.</summary>
    private int WhyNot(Peer peer, AccessState state)
    {
        if (_options.Attach == AttachMode.Never)
            return Errno.EPERM;
        if (!state.MayBeTried)
            return state.Errno;
        if (state.Access == PullAccess.Allowed || peer.IsWithinRules)
            return 0;
        AccessDenialReason rule = peer.RuleAgainst();
        if (rule == AccessDenialReason.None)
        {
            peer.IsWithinRules = true;
            return 0;
        }

        ProcessAccess why = RefusalText.OfRule(peer.File, rule);
        Refuse(peer, state, why);
        return why.Errno;
    }

    /// <summary>The system refused: this direction to this peer is not tried again for a while. <paramref name="call"/>: the one that was refused.</summary>
    private void Refuse(Peer peer, AccessState state, int errno, TransferDirection call) =>
        Refuse(peer, state, AccessExplanation.Of(peer.File.Pid, errno, TransferMethod.ProcessVm, call));

    private void Refuse(Peer peer, AccessState state, ProcessAccess why)
    {
        peer.Refuse(state, why.Errno, why);
        if (state == peer.Help)
            return; // Nothing goes another way because of it.
        CopyDirection direction = state == peer.Pull ? CopyDirection.Pull : CopyDirection.Push;
        RefusalTable.Entry entry = new(peer.Index, peer.File.Pid, direction, why.Errno, why.Reason, 1);
        lock (_refusalsGate)
        {
            RefusalTable.Add(_self.Refusals, entry);
            _refusalsInWords[entry.Key] = why.ToString();
        }

        _self.Count(direction == CopyDirection.Pull ? Counter.PullsRefused : Counter.PushesRefused);
    }

    /// <summary>What a participant's file says that it was refused.</summary>
    private string? WordsOfRefusal(ulong key)
    {
        lock (_refusalsGate)
            return _refusalsInWords.GetValueOrDefault(key);
    }
}
