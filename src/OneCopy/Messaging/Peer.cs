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
    // A few of the kernel's ticks: longer than a wake-up takes on a machine that is not overloaded.
    private const long FreshMilliseconds = 8;

    private int _firstStagings = 4;
    private readonly CopyTrial?[] _stagingTrials = new CopyTrial?[4];
    private Lease?[] _idle = new Lease?[4];
    private int _idleCount;
    private bool _isLeaving;
    private readonly RungAt[] _rung = [new(), new(), new()]; // At once, so that none is allocated for a message.
    private int _references = 1;

    public Participant File { get; } = file;

    public int Index => File.Index;

    public long Incarnation { get; } = file.Incarnation;

    /// <summary>What the table says of it as long as it lives.</summary>
    public long LiveEntry { get; } = Entries.Live(file.Incarnation);

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

    /// <summary>Buffers of its process, mapped here.</summary>
    public PeerMappings Mappings { get; } = new(file.Pid);

    /// <summary>Whether its help with copies was worth asking for: while it was awake, and while it had to be woken.</summary>
    public HelpRecord HelpAwake { get; } = new();

    public HelpRecord HelpAsleep { get; } = new();

    /// <summary>True for the first few, until one was: so that both sides soon have what they need for it, and need nothing later.</summary>
    public bool IsToBeStagedFirst() => Volatile.Read(ref _firstStagings) > 0 && Interlocked.Decrement(ref _firstStagings) >= 0;

    /// <summary>All of one was staged.</summary>
    public void WasStaged() => Volatile.Write(ref _firstStagings, 0);

    /// <summary>Whether a payload of so many bytes comes faster through a staging buffer than by the kernel. By length: what is in the caches, and which, decides.</summary>
    public CopyTrial StagingTrialOf(long length)
    {
        ref CopyTrial? trial = ref _stagingTrials[length < 512 << 10 ? 0 : length < 4 << 20 ? 1 : length < 32 << 20 ? 2 : 3];
        return trial ?? Interlocked.CompareExchange(ref trial, new CopyTrial(leastPiece: 0, faster: 20, of: 19, run: 16), null) ?? trial;
    }

    /// <summary>No rule is against touching its memory (<see cref="RuleAgainst"/>), as was found when it was asked last. It is not asked again before a transfer is refused.</summary>
    public bool IsWithinRules { get; set; }

    /// <summary>A transfer, or a rule, was against it.</summary>
    /// <param name="state">Of the direction.</param>
    /// <param name="errno">Why.</param>
    /// <param name="why">The same in words.</param>
    public void Refuse(AccessState state, int errno, ProcessAccess? why = null)
    {
        state.Refuse(errno, why);
        IsWithinRules = false;
    }

    /// <summary>Of the block that was claimed last; a guess for the next one.</summary>
    public uint LikelyGeneration { get; set; }

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
            Mappings.Clear();
            File.Dispose();
        }
    }

    /// <summary>
    /// Rings it, unless this handle has done so since it last began to look: then it is on its way, and will see what there is now as well. So many messages for one who is just
    /// waking up cost one system call. After a full fence.
    /// </summary>
    /// <remarks>
    /// A sleeper reads its doorbell, counts a look (full fence), looks, and sleeps on the value read. That the count has not changed since before the last ring means: the value it has was read before that
    /// ring, so it cannot fall asleep on it, and its next look begins after what we have just put in. One that is stopped meanwhile is passed over.
    /// </remarks>
    public unsafe Rung TryRing(WaitKind kind)
    {
        RungAt at = _rung[(int)kind];
        uint looks = Volatile.Read(ref *File.Looks(kind));
        long tick = Environment.TickCount64;
        if (Volatile.Read(ref at.Looks) == looks)
            return tick - Volatile.Read(ref at.Tick) <= FreshMilliseconds ? Rung.OnItsWay : Rung.NotComing;
        File.Ring(kind);

        // After the ring: another thread that finds it here need not ring.
        Volatile.Write(ref at.Tick, tick);
        Volatile.Write(ref at.Looks, looks);
        return Rung.Now;
    }

    /// <summary>A lease for a message of this peer, with its reference. Null: the memory is gone.</summary>
    public Lease? TakeLease(MessageQueue queue, nint thread) => TakeIdleLease(queue, thread) ?? (TryAddReference() ? new Lease(queue, this) : null);

    /// <summary>The same if one is idle. Throws nothing.</summary>
    public Lease? TakeIdleLease(MessageQueue queue, nint thread)
    {
        Lease? idle = null;
        queue.Leases.Enter(thread);
        if (_idleCount > 0)
        {
            idle = _idle[--_idleCount];
            _idle[_idleCount] = null;
        }

        queue.Leases.Exit();
        return idle;
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

    /// <summary>First the table's reference goes, and those of the idle leases; then, each time, that of one that was in use, and is answered.</summary>
    public void LeaveOrRelease(MessageQueue queue)
    {
        if (_isLeaving)
        {
            Release();
            return;
        }

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

    /// <summary>When this handle last rang it, and the looks that it had begun by then.</summary>
    private sealed class RungAt
    {
        public long Looks = -1;
        public long Tick;
    }
}

/// <summary>What became of a ring.</summary>
internal enum Rung
{
    Now,

    /// <summary>It was rung a moment ago, and has not looked since.</summary>
    OnItsWay,

    /// <summary>It was rung long ago and has not looked since: stopped, or kept from a processor.</summary>
    NotComing,
}
