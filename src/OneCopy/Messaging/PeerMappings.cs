using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;
using OneCopy.Memory;

namespace OneCopy.Messaging;

/// <summary>
/// A buffer of another process's pool, mapped here. What it holds is that process's to change, as a payload in the arena is; that it cannot become shorter is sealed. Null memory: it could not be mapped, which is not
/// tried again.
/// </summary>
internal sealed unsafe class PeerMapping(Guid key, bool isWritable, MemoryMapping? memory)
{
    // Copied out once, and checked.
    private readonly nuint _there = memory is null ? 0 : LabelOf(memory).Address;

    public Guid Key => key;

    public bool IsWritable => isWritable;

    public MemoryMapping? Memory => memory;

    /// <summary>
    /// A page could not be had (swap that fails, no memory left under strict accounting): from there on it is zeros, and not the buffer. Asked for after a copy; behind a full fence, for the loss that another thread met
    /// meanwhile.
    /// </summary>
    public bool IsDamaged
    {
        get
        {
            Interlocked.MemoryBarrier();
            return memory!.IsDamaged;
        }
    }

    /// <summary>How many copies are at it, and when the last one began. Under the lock of those who keep it.</summary>
    public int Users { get; set; }

    public long LastUse { get; set; }

    /// <summary>Behind the buffer: the last of the file.</summary>
    public SharedLabel Label => LabelOf(memory!);

    public static SharedLabel LabelOf(MemoryMapping memory) => new(memory.Address + memory.Length - SharedLabel.Size);

    /// <summary>Where here is what has this address there. Null: not all of it is inside.</summary>
    public byte* At(nuint address, ulong length)
    {
        ulong offset = address - _there;
        ulong capacity = (ulong)(memory!.Length - SharedLabel.Size);
        return address >= _there && offset <= capacity && length <= capacity - offset ? memory.Address + offset : null;
    }
}

/// <summary>
/// The buffers of one peer that are mapped here, the ones used last. A buffer that its owner has given up is empty for all who have it mapped, so that only addresses are kept too long.
/// </summary>
internal sealed unsafe class PeerMappings(int pid)
{
    private const int Most = 32;

    private readonly MonitorLock _gate = new();
    private readonly List<PeerMapping> _kept = new(Most);

    /// <summary>
    /// The one of this name, to be returned. Null: it cannot be mapped, or is another buffer than its name says. The rules of touching the peer's memory (<see cref="Peer.RuleAgainst"/>) have been asked.
    /// </summary>
    public PeerMapping? Take(in SharedName name, bool writable)
    {
        if (name.IsNone)
            return null;
        lock (_gate)
        {
            PeerMapping? mapping = Find(name.Key, writable) ?? Add(name, writable);
            if (mapping?.Memory is null || mapping.IsDamaged)
                return null;
            mapping.Users++;
            mapping.LastUse = Environment.TickCount64;
            return mapping;
        }
    }

    public void Return(PeerMapping mapping)
    {
        lock (_gate)
            mapping.Users--;
    }

    /// <summary>Nobody uses them, and nobody will.</summary>
    public void Clear()
    {
        foreach (PeerMapping mapping in _kept)
            mapping.Memory?.Dispose();
        _kept.Clear();
    }

    private PeerMapping? Find(Guid key, bool writable)
    {
        foreach (PeerMapping mapping in _kept)
        {
            if (mapping.Key == key && mapping.IsWritable == writable)
                return mapping;
        }

        return null;
    }

    private PeerMapping? Add(in SharedName name, bool writable)
    {
        if (_kept.Count == Most && !TryEvict())
            return null;
        PeerMapping mapping = new(name.Key, writable, TryMap(name, writable)) { LastUse = Environment.TickCount64 };
        _kept.Add(mapping);
        return mapping;
    }

    private bool TryEvict()
    {
        PeerMapping? oldest = null;
        foreach (PeerMapping mapping in _kept)
        {
            if (mapping.Users == 0 && (oldest is null || mapping.LastUse < oldest.LastUse))
                oldest = mapping;
        }

        oldest?.Memory?.Dispose();
        return oldest is not null && _kept.Remove(oldest);
    }

    /// <summary>
    /// proc_pid_fd(5): opens the file anew, for who may read that process. The number may be another file's by now, or was never a buffer's: it is looked at without opening it, since opening a device, and closing a
    /// file that this process has locks on, does something. What is mapped says itself which buffer it is.
    /// </summary>
    private MemoryMapping? TryMap(in SharedName name, bool writable)
    {
        SysResult found = Fcntl.open($"/proc/{pid}/fd/{name.Fd}", FileKind.O_PATH);
        if (!found.Succeeded)
            return null;
        using SafeFileHandle place = SafeFd.Of(found);
        if (!PoolMapping.IsFile(place))
            return null;
        SysResult opened = Fcntl.open($"/proc/self/fd/{place.Fd()}", writable ? OpenFlags.O_RDWR : OpenFlags.O_RDONLY);
        if (!opened.Succeeded)
            return null;
        using SafeFileHandle file = SafeFd.Of(opened);
        SysResult seals = Descriptor.fcntl(file.Fd(), Descriptor.F_GET_SEALS);
        if (!seals.Succeeded || (seals.Value & Memfd.F_SEAL_SHRINK) == 0
            || !Stat.Of(file.Fd(), out statx status).Succeeded || status.stx_size <= SharedLabel.Size || status.stx_size > long.MaxValue)
            return null;
        MemoryMapping memory;
        try
        {
            memory = MemoryMapping.OfFile(file, 0, (long)status.stx_size, writable ? Prot.Read | Prot.Write : Prot.Read, $"a buffer of process {pid}");
        }
        catch (OneCopyException)
        {
            return null; // Out of addresses or of maps: there is another way.
        }

        SharedLabel label = PeerMapping.LabelOf(memory);
        if (label.IsGood && label.Key == name.Key && label.Capacity == memory.Length - SharedLabel.Size)
            return memory;
        memory.Dispose();
        return null;
    }
}
