using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>Another participant, or oneself, as one handle knows it: its mapped file, and whether its memory can be pulled from.</summary>
internal sealed class Peer(Participant file) : IDisposable
{
    public Participant File { get; } = file;

    public int Index => File.Index;

    public long Incarnation => File.Incarnation;

    /// <summary>Stays with the process, whatever becomes of its number. Null: not watched (own process, another pid namespace).</summary>
    public SafeFileHandle? Pidfd { get; set; }

    /// <summary>What the last pull from this participant found.</summary>
    public PullAccess Access { get; set; }

    /// <summary>errno of the refusal, for the reason given to people.</summary>
    public int RefusedWith { get; set; }

    public void Dispose()
    {
        Pidfd?.Dispose();
        File.Dispose();
    }

    /// <summary>
    /// Whether a pull may be tried at all. A process with more rights than its peers must not be led to read a stranger, so the
    /// target must run as the user that we are, and its file must be that user's too: the file system's word, not the peer's.
    /// </summary>
    public bool MayBeTried()
    {
        if (Access == PullAccess.Unknown)
        {
            uint me = Prctl.geteuid();
            bool same = File.PidNamespace == ProcessIdentity.PidNamespace && File.FileUid == me && File.Uid == me
                && ProcessIdentity.RunsAs(File.Pid, me);
            Access = same ? PullAccess.Allowed : PullAccess.Refused;
            RefusedWith = same ? 0 : File.PidNamespace == ProcessIdentity.PidNamespace ? Errno.EPERM : Errno.ESRCH;
        }

        return Access == PullAccess.Allowed;
    }

    public void Refuse(int errno)
    {
        Access = PullAccess.Refused;
        RefusedWith = errno;
    }
}

/// <summary>Whether a participant's memory can be pulled from: found by doing it.</summary>
internal enum PullAccess
{
    Unknown,
    Allowed,
    Refused,
}
