using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>
/// The file <c>ring</c>, mapped: cells, head and tail, the table of participants, the sleepers. All that several processes write
/// besides the blocks' states is here.
/// </summary>
internal sealed unsafe partial class Ring : IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly MemoryMapping _map;
    private readonly byte* _base;
    private readonly ulong* _cells;
    private readonly int _lapShift;
    private readonly nuint _lastPlace;
    private readonly string _path;

    private Ring(SafeFileHandle file, MemoryMapping map, string path, Geometry geometry)
    {
        _path = path;
        _file = file;
        _map = map;
        Capacity = (int)geometry.Capacity;
        MaxParticipants = (int)geometry.Participants;
        _lastPlace = geometry.Capacity - 1;
        _lapShift = System.Numerics.BitOperations.Log2(geometry.Capacity);
        _base = map.Address;
        _cells = (ulong*)(map.Address + RingLayout.CellsOffset);
        BlockSize = (int)geometry.BlockSize;
        MaxAttempts = (int)geometry.Attempts;
        TimeToLive = geometry.TimeToLive;
        QueueId = new Guid(new ReadOnlySpan<byte>(map.Address + RingLayout.QueueIdOffset, 16));
        _next = Volatile.Read(ref Head);
    }

    public int Capacity { get; }

    /// <summary>How many may live at a time.</summary>
    public int MaxParticipants { get; }

    /// <summary>The highest index that was ever taken: loops over participants end here. Bounded, for it is read from shared memory.</summary>
    public int HighestIndex => Math.Clamp(Volatile.Read(ref HighestIndexWord), 0, Cell.MaxParticipants);

    public int BlockSize { get; }

    public int MaxAttempts { get; }

    /// <summary>Microseconds that messages live whose senders do not say otherwise; 0 = for ever.</summary>
    public long TimeToLive { get; }

    public Guid QueueId { get; }

    /// <summary>Whom the queue is shared with, by its file's mode, which all participants follow. Null: nobody.</summary>
    public QueueAccess? Access { get; private init; }

    public SafeFileHandle File => _file;

    /// <summary>Whether the file was truncated under its mapping.</summary>
    public bool IsDamaged => _map.IsDamaged;

    /// <summary>Truncated where nothing was touched since, it is found by its length.</summary>
    public void LookAtLength()
    {
        if (Stat.Of(_file.Fd(), out statx s).Succeeded && (long)s.stx_size < _map.Length)
            _map.MarkDamaged();
    }

    public ref ulong Head => ref *(ulong*)(_base + RingLayout.HeadOffset);

    public ref ulong Tail => ref *(ulong*)(_base + RingLayout.TailOffset);

    public ref uint Deleted => ref *(uint*)(_base + RingLayout.DeletedOffset);

    /// <summary>Opens the ring, or makes it if <paramref name="create"/>. Null: it does not exist, or vanished meanwhile.</summary>
    public static Ring? Open(QueueDirectory directory, QueueOptions options, bool create)
    {
        directory.RefuseForeignRoot();
        while (true)
        {
            SysResult opened = Fcntl.open(directory.RingPath, OpenFlags.O_RDWR | OpenFlags.O_NOFOLLOW | OpenFlags.O_NONBLOCK);
            if (opened.Succeeded)
                return Attach(SafeFd.Of(opened), directory.RingPath);
            if (opened.Errno != Errno.ENOENT)
                opened.OrThrow("open", directory.RingPath, opened.Errno == Errno.EACCES ? "It is another user's queue, or of a group that this process is not in (QueueOptions.Access of who made it)." : null);
            if (!create)
                return null;
            Create(directory, options);
        }
    }

    public long NextIncarnation()
    {
        long next = Interlocked.Increment(ref *(long*)(_base + RingLayout.NextIncarnationOffset));
        return next is > 0 and < Entries.MaxIncarnation ? next : throw new QueueCorruptException(_path, $"incarnation {next} is impossible");
    }

    /// <summary>For those who only look: mapped so that nothing can be written, and no right to write is needed. Null: it does not exist.</summary>
    public static Ring? OpenReadOnly(QueueDirectory directory)
    {
        directory.RefuseForeignRoot();
        SysResult opened = Fcntl.open(directory.RingPath, OpenFlags.O_RDONLY | OpenFlags.O_NOFOLLOW | OpenFlags.O_NONBLOCK);
        if (opened.Errno is Errno.ENOENT)
            return null;
        opened.OrThrow("open", directory.RingPath);
        return Attach(SafeFd.Of(opened), directory.RingPath, Prot.Read);
    }

    public ref long Entry(int index) => ref *(long*)(_base + RingLayout.EntriesOffset + (index * 8L));

    public ref long RetiredCounter(int counter) => ref *(long*)(_base + RingLayout.RetiredCountersOffset + (counter * 8L));

    /// <summary>The same as <see cref="Messaging.Sleepers.Any"/>, for the path of every message: one word, unless there ever were more participants than it has bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool AnySleeps(WaitKind kind) =>
        Volatile.Read(ref *(ulong*)(_base + SleepersOffset(kind))) != 0 || (HighestIndexWord >= 64 && Sleepers(kind).Any);

    /// <summary>Whether anybody sleeps for a message, or for room in the ring.</summary>
    public bool AnySleeps() =>
        (Volatile.Read(ref *(ulong*)(_base + RingLayout.ReceiveSleepersOffset)) | Volatile.Read(ref *(ulong*)(_base + RingLayout.SpaceSleepersOffset))) != 0
        || (HighestIndexWord >= 64 && (Sleepers(WaitKind.Receive).Any || Sleepers(WaitKind.Space).Any));

    public Sleepers Sleepers(WaitKind kind) => new(
        (ulong*)(_base + SleepersOffset(kind)),
        HighestIndex);

    /// <summary>Raised before the entry is taken, so that whoever looks for the entry finds it.</summary>
    public void RaiseHighestIndex(int index)
    {
        while (true)
        {
            int seen = Volatile.Read(ref HighestIndexWord);
            if (seen >= index || Interlocked.CompareExchange(ref HighestIndexWord, index, seen) == seen)
                return;
        }
    }

    public void Dispose()
    {
        _map.Dispose();
        _file.Dispose();
    }

    private static void Create(QueueDirectory directory, QueueOptions options)
    {
        CrashPoint.At(Step.CreateDirectory);
        directory.Create();
        QueueAccess? access = directory.AccessAsMade();
        string temporary = directory.TemporaryPath();
        CrashPoint.At(Step.CreateFile);
        SysResult made = Fcntl.open(temporary, OpenFlags.O_RDWR | OpenFlags.O_CREAT | OpenFlags.O_EXCL, access is null ? QueueFileMode.Owner : QueueFileMode.Group);
        if (made.Errno == Errno.ENOENT)
            return; // The directory was deleted after it was made: begin again.
        made.OrThrow("open", temporary);
        try
        {
            using SafeFileHandle file = SafeFd.Of(made);
            access?.Share(file, temporary, isDirectory: false);
            long size = RingLayout.FileSize(options.RingCapacity);
            CrashPoint.At(Step.CreateAllocate);
            FileLength.fallocate(file.Fd(), 0, 0, size).OrThrow("fallocate", temporary);
            using (MemoryMapping map = MemoryMapping.OfFile(file, 0, RingLayout.EntriesOffset, Prot.Read | Prot.Write, temporary))
            {
                CrashPoint.At(Step.CreateHeader);
                byte* p = map.Address;
                *(uint*)(p + RingLayout.VersionOffset) = RingLayout.Version;
                *(uint*)(p + RingLayout.CapacityOffset) = (uint)options.RingCapacity;
                *(uint*)(p + RingLayout.MaxParticipantsOffset) = (uint)options.MaxParticipants;
                *(uint*)(p + RingLayout.BlockSizeOffset) = (uint)options.BlockSize;
                *(uint*)(p + RingLayout.MaxAttemptsOffset) = (uint)options.MaxDeliveryAttempts;
                *(long*)(p + RingLayout.TimeToLiveOffset) = options.TimeToLive is { } t && t != Timeout.InfiniteTimeSpan ? SendOptions.Microseconds(t) : 0;
                Guid.NewGuid().TryWriteBytes(new Span<byte>(p + RingLayout.QueueIdOffset, 16));
                *(ulong*)(p + RingLayout.MagicOffset) = RingLayout.Magic;
            }

            // link fails if the name is taken: one creator wins, the others open what it made.
            CrashPoint.At(Step.CreateLink);
            SysResult linked = Fcntl.link(temporary, directory.RingPath);
            if (!linked.Succeeded && linked.Errno is not (Errno.EEXIST or Errno.ENOENT))
                linked.OrThrow("link", directory.RingPath);
        }
        finally
        {
            CrashPoint.At(Step.CreateUnlink);
            Fcntl.unlink(temporary);
        }
    }

    private static Ring Attach(SafeFileHandle file, string path, Prot rights = Prot.Read | Prot.Write)
    {
        MemoryMapping? map = null;
        try
        {
            Stat.Of(file.Fd(), out statx s).OrThrow("statx", path);
            if ((s.stx_mode & Stat.S_IFMT) != Stat.S_IFREG || s.stx_size < RingLayout.EntriesOffset || s.stx_size > int.MaxValue)
                throw new QueueCorruptException(path, $"a file of {s.stx_size} bytes is no ring");
            map = MemoryMapping.OfFile(file, 0, (long)s.stx_size, rights, path);
            byte* p = map.Address;
            if (*(ulong*)p != RingLayout.Magic)
                throw new QueueCorruptException(path, "it does not begin as a ring does");
            uint version = *(uint*)(p + RingLayout.VersionOffset);
            if (version != RingLayout.Version)
                throw new QueueCorruptException(path, $"layout version {version}, this library has version {RingLayout.Version}");

            // Copied, then checked; it is not read again.
            Geometry g = new(
                Volatile.Read(ref *(uint*)(p + RingLayout.CapacityOffset)),
                Volatile.Read(ref *(uint*)(p + RingLayout.MaxParticipantsOffset)),
                Volatile.Read(ref *(uint*)(p + RingLayout.BlockSizeOffset)),
                Volatile.Read(ref *(uint*)(p + RingLayout.MaxAttemptsOffset)),
                Volatile.Read(ref *(long*)(p + RingLayout.TimeToLiveOffset)));
            if (!g.IsPossible || RingLayout.FileSize((int)g.Capacity) != (long)s.stx_size)
            {
                throw new QueueCorruptException(
                    path, $"impossible geometry ({g.Capacity} cells, {g.Participants} participants, blocks of {g.BlockSize}, {s.stx_size} bytes, {g.TimeToLive} µs to live)");
            }

            return new Ring(file, map, path, g) { Access = QueueAccess.Of(s) };
        }
        catch
        {
            map?.Dispose();
            file.Dispose();
            throw;
        }
    }

    private static int SleepersOffset(WaitKind kind) => kind == WaitKind.Receive ? RingLayout.ReceiveSleepersOffset : RingLayout.SpaceSleepersOffset;

    private ref int HighestIndexWord => ref *(int*)(_base + RingLayout.HighestIndexOffset);

    private readonly record struct Geometry(uint Capacity, uint Participants, uint BlockSize, uint Attempts, long TimeToLive)
    {
        public bool IsPossible => System.Numerics.BitOperations.IsPow2(Capacity) && Capacity is >= RingLayout.MinCapacity and <= RingLayout.MaxCapacity
            && Participants is > 0 and <= Cell.MaxParticipants
            && System.Numerics.BitOperations.IsPow2(BlockSize) && BlockSize is >= BlockLayout.MinBlockSize and <= BlockLayout.MaxBlockSize
            && Attempts is > 0 and <= ushort.MaxValue && TimeToLive is >= 0 and <= SendOptions.MaxTimeToLive;
    }
}
