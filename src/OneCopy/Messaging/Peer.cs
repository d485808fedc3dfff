using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>Another participant, or oneself, as one handle knows it: its mapped file, and whether its memory can be pulled from.</summary>
/// <remarks>
/// Counted: the table of peers has one reference, each message not answered and each rented buffer another, for it reads this memory.
/// The last one unmaps it.
/// </remarks>
internal sealed class Peer(Participant file)
{
    private int _references = 1;

    public Participant File { get; } = file;

    public int Index => File.Index;

    public long Incarnation => File.Incarnation;

    /// <summary>Stays with the process, whatever becomes of its number. Null: not watched (own process, another pid namespace).</summary>
    public SafeFileHandle? Pidfd { get; set; }

    /// <summary>What the last pull from this participant found.</summary>
    public PullAccess Access { get; set; }

    /// <summary>errno of the refusal, for the reason given to people.</summary>
    public int RefusedWith { get; set; }

    /// <summary>False: the last reference is gone, and the memory with it.</summary>
    public bool TryAddReference()
    {
        while (true)
        {
            int seen = Volatile.Read(ref _references);
            if (seen == 0)
                return false;
            if (Interlocked.CompareExchange(ref _references, seen + 1, seen) == seen)
                return true;
        }
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) == 0)
        {
            CloseFiles();
            File.Dispose();
        }
    }

    /// <summary>Descriptors go; what is mapped stays for those who hold references.</summary>
    public void CloseFiles()
    {
        Pidfd?.Dispose();
        File.CloseFiles();
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
                && ProcessIdentity.RunsAs(File.Pid, me) && File.NamesItsOwnProcess();
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
