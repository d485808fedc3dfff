using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>Another participant, or oneself, as one handle knows it: its mapped file, and whether its memory can be pulled from.</summary>
/// <remarks>
/// Counted: the table of peers has one reference, each lease and each rented buffer another, for it reads this memory. The last one unmaps it. Leases that
/// are idle are kept for the next messages, until the table lets go of the peer.
/// </remarks>
internal sealed class Peer(Participant file)
{
    private Lease?[] _idle = new Lease?[4];
    private int _idleCount;
    private bool _isLeaving;
    private int _references = 1;

    public Participant File { get; } = file;

    public int Index => File.Index;

    public long Incarnation => File.Incarnation;

    /// <summary>Stays with the process, whatever becomes of its number. Null: not watched (own process, another pid namespace).</summary>
    public SafeFileHandle? Pidfd { get; set; }

    /// <summary>Copying out of its memory, into ours.</summary>
    public AccessState Pull { get; } = new();

    /// <summary>Copying into its memory, out of ours.</summary>
    public AccessState Push { get; } = new();

    /// <summary>The same beside its own pull. Nothing goes another way where that is refused, so that it is nobody's downgrade.</summary>
    public AccessState Help { get; } = new();

    /// <summary>Its copying into our memory, by what it answered.</summary>
    public AccessState PushedBy { get; } = new();

    /// <summary>Whether its help with copies was worth asking for: while it was awake, and while it had to be woken.</summary>
    public HelpRecord HelpAwake { get; } = new();

    public HelpRecord HelpAsleep { get; } = new();

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

    /// <summary>An idle lease for a message of this peer, with its reference. Null: the memory is gone.</summary>
    public Lease? TakeLease(MessageQueue queue)
    {
        Lease? idle = null;
        queue.Leases.Enter();
        if (_idleCount > 0)
        {
            idle = _idle[--_idleCount];
            _idle[_idleCount] = null;
        }

        queue.Leases.Exit();
        return idle ?? (TryAddReference() ? new Lease(queue, this) : null);
    }

    /// <summary>Of an idle lease, within the handle's gate for them. False: nobody will want it again; it is to be released.</summary>
    public bool TryReturn(Lease lease)
    {
        if (_isLeaving)
            return false;
        if (_idleCount == _idle.Length)
            Array.Resize(ref _idle, _idleCount * 2);
        _idle[_idleCount++] = lease;
        return true;
    }

    /// <summary>The table's reference goes, and those of the idle leases; those in use go when they are answered.</summary>
    public void Leave(MessageQueue queue)
    {
        queue.Leases.Enter();
        _isLeaving = true;
        int idle = _idleCount;
        _idleCount = 0;
        queue.Leases.Exit();
        for (int i = 0; i <= idle; i++)
            Release();
    }

    /// <summary>Descriptors go; what is mapped stays for those who hold references.</summary>
    public void CloseFiles()
    {
        Pidfd?.Dispose();
        File.CloseFiles();
    }

    /// <summary>
    /// Why its memory must not be touched, whatever the kernel says; None if it may be tried. A process with more rights than its peers must
    /// not be led to touch a stranger, so the target must run as the user that we are, and its file must be that user's too: the file
    /// system's word, not the peer's. And one that says it is this process is so only if its handle is open here.
    /// </summary>
    public AccessDenialReason RuleAgainst()
    {
        if (File.PidNamespace != ProcessIdentity.PidNamespace)
            return AccessDenialReason.PidNamespace;
        if (File.Pid == ProcessIdentity.Pid)
            return LocalHandles.Of(File) is not null ? AccessDenialReason.None : AccessDenialReason.NoSuchProcess;
        uint me = Prctl.geteuid();
        if (File.FileUid != me || File.Uid != me || !ProcessIdentity.RunsAs(File.Pid, me))
            return AccessDenialReason.OtherUser;

        // Where others may write the file, its pid is only their word: the process must be the one that holds its lock.
        return File.NamesItsOwnProcess() ? AccessDenialReason.None : AccessDenialReason.NoSuchProcess;
    }
}
