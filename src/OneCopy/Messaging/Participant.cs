using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>
/// One participant's file, mapped: by its owner to write, by the others to read its messages, change their states and ring its
/// doorbells. Identity and geometry are copied and checked once, when it is attached; they are not read again.
/// </summary>
internal sealed unsafe partial class Participant : IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly MemoryMapping _map;
    private readonly MemoryMapping? _arenaMap;
    private readonly byte* _base;
    private readonly byte* _blocks;
    private readonly long _movesOffset;
    private long _fileSize;

    private Participant(string path, int index, long incarnation, SafeFileHandle file, MemoryMapping map, MemoryMapping? arenaMap, long fileSize, byte* header)
    {
        Path = path;
        Index = index;
        Incarnation = incarnation;
        _file = file;
        _map = map;
        _arenaMap = arenaMap;
        _base = map.Address;
        _fileSize = fileSize;
        Pid = *(int*)(header + ParticipantLayout.PidOffset);
        Uid = *(uint*)(header + ParticipantLayout.UidOffset);
        StartTime = *(ulong*)(header + ParticipantLayout.StartTimeOffset);
        PidNamespace = *(ulong*)(header + ParticipantLayout.PidNamespaceOffset);
        BlockCount = *(int*)(header + ParticipantLayout.BlockCountOffset);
        BlockSize = *(int*)(header + ParticipantLayout.BlockSizeOffset);
        ArenaLimit = *(long*)(header + ParticipantLayout.ArenaLimitOffset);
        NonceAddress = *(nuint*)(header + ParticipantLayout.NonceAddressOffset);
        QueueId = new Guid(new ReadOnlySpan<byte>(header + ParticipantLayout.QueueIdOffset, 16));
        Nonce = new Guid(new ReadOnlySpan<byte>(header + ParticipantLayout.NonceOffset, ParticipantLayout.NonceLength));
        _blocks = _base + ParticipantLayout.BlocksOffset;
        InlineCapacity = BlockSize - BlockLayout.InlineOffset;
        _movesOffset = ParticipantLayout.MovesOffset(BlockCount, BlockSize);
        ArenaOffset = ParticipantLayout.ArenaOffset(BlockCount, BlockSize);
    }

    public string Path { get; private set; }

    public int Index { get; private set; }

    public long Incarnation { get; }

    public int Pid { get; }

    public uint Uid { get; }

    public ulong StartTime { get; }

    public ulong PidNamespace { get; }

    public int BlockCount { get; }

    public int BlockSize { get; }

    /// <summary>Bytes of the arena for sends; behind it lies as much again for payloads that are moved (<see cref="OwnArena"/>).</summary>
    public long ArenaLimit { get; }

    public nuint NonceAddress { get; }

    public Guid Nonce { get; }

    public Guid QueueId { get; }

    public SafeFileHandle File => _file;

    /// <summary>Where the arena begins in the file.</summary>
    public long ArenaOffset { get; }

    public int InlineCapacity { get; }

    public bool IsThisProcess => Pid == ProcessIdentity.Pid && PidNamespace == ProcessIdentity.PidNamespace
        && StartTime == ProcessIdentity.StartTime;

    public ref uint OwnSleeping => ref *(uint*)(_base + ParticipantLayout.OwnSleepingOffset);

    public ref int Looking => ref *(int*)(_base + ParticipantLayout.LookingOffset);

    /// <summary>Set by a handle that was closed but could not finish: its process lives, its lock is free, others are to recover it.</summary>
    public ref uint Closed => ref *(uint*)(_base + ParticipantLayout.ClosedOffset);

    public byte* Block(int index) => _blocks + ((nint)index * BlockSize);

    public ref ulong StateWord(int block) => ref *(ulong*)(Block(block) + BlockLayout.StateOffset);

    /// <summary>An acquiring read: what was written before this state was published can be read after it.</summary>
    public BlockState State(int block) => new(Volatile.Read(ref StateWord(block)));

    /// <summary>Whether a reference to this participant means a message that is queued here now.</summary>
    public bool HasQueued(MessageReference reference) =>
        reference.Block < BlockCount && State(reference.Block).IsQueuedAs(reference.Generation);

    /// <summary>The one way a state changes hands between participants.</summary>
    public bool TryChange(int block, BlockState from, BlockState to) => Change(block, from, to) == from;

    /// <summary>The same for who guesses what it is, and is told: a look before would bring the line here to be read, and the exchange once more to be written.</summary>
    public BlockState Change(int block, BlockState from, BlockState to) =>
        new(Interlocked.CompareExchange(ref StateWord(block), to.Bits, from.Bits));

    public ref ulong MoveRequest(int block) => ref *(ulong*)(Move(block) + MoveLayout.RequestOffset);

    public ref ulong Moved(int block) => ref *(ulong*)(Move(block) + MoveLayout.MovedOffset);

    /// <summary>Where in the arena the moved payload of a block is; written before <see cref="Moved"/>.</summary>
    public ref long MovedPlace(int block) => ref *(long*)(Move(block) + MoveLayout.PlaceOffset);

    public ref long CounterWord(int counter) => ref *(long*)(_base + ParticipantLayout.CountersOffset + (counter * 8L));

    /// <summary>A lane's two counters of a kind, by whoever keeps all others that write them away.</summary>
    /// <param name="kind">The first of the kind: those of the lanes follow one another, each with its bytes behind it.</param>
    /// <param name="lane">Whose.</param>
    /// <param name="messages">So many more.</param>
    /// <param name="bytes">With so many bytes.</param>
    public void CountInGate(Counter kind, Lane lane, long messages, long bytes)
    {
        int word = (int)kind + ((int)lane * 2);
        CounterWord(word) += messages;
        CounterWord(word + 1) += bytes;
    }

    public void Count(Counter counter, long by = 1) => Interlocked.Add(ref CounterWord((int)counter), by);

    /// <summary>Whether a range of the arena is inside the file as it is now; it only ever grows. Not even an empty one, where there is no arena.</summary>
    public bool ArenaHolds(long offset, long length)
    {
        if (_arenaMap is null || offset < 0 || length < 0 || offset > (2 * ArenaLimit) - length)
            return false;
        if (ArenaOffset + offset + length <= Volatile.Read(ref _fileSize))
            return true;
        if (!Stat.Of(_file.Fd(), out statx s).Succeeded)
            return false;
        Volatile.Write(ref _fileSize, (long)s.stx_size);
        return ArenaOffset + offset + length <= (long)s.stx_size;
    }

    /// <summary>Whether the file has this many bytes of memory, wherever: it can be made as long as one likes for nothing.</summary>
    public bool HasAllocated(long bytes) => Stat.Of(_file.Fd(), out statx s).Succeeded && (long)s.stx_blocks * 512 >= bytes;

    /// <summary>Memory of the arena. The caller has asked <see cref="ArenaHolds"/>.</summary>
    public byte* Arena(long offset) => _arenaMap!.Address + offset;

    /// <summary>Whether the file was truncated under its mappings: what is read from it may be zeros.</summary>
    public bool IsDamaged => MappingGuard.HasFaulted && (_map.IsDamaged || (_arenaMap is not null && _arenaMap.IsDamaged));

    /// <summary>Owner only, who knows how long the file must be: truncated where nothing was touched since, it is found by its length.</summary>
    public void LookAtLength()
    {
        // Read before the file is looked at: another thread may make that longer just now, and says so afterwards.
        long atLeast = Volatile.Read(ref _fileSize);
        if (Stat.Of(_file.Fd(), out statx s).Succeeded && (long)s.stx_size < atLeast)
            _map.MarkDamaged();
    }

    private byte* Move(int block) => _base + _movesOffset + ((long)block * MoveLayout.Size);

    public void Dispose()
    {
        CloseFiles();
        _arenaMap?.Dispose();
        _map.Dispose();
    }

    /// <summary>The mappings live without them.</summary>
    public void CloseFiles()
    {
        _lock?.Dispose();
        _file.Dispose();
    }
}
