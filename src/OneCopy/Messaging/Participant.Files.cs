using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>Making, attaching, locking and growing the file.</summary>
internal sealed unsafe partial class Participant
{
    private const int MaxBlockCount = Cell.MaxBlocks;
    private const long MaxArenaLimit = 1L << 40;

    // From here on, an arena that cannot be mapped is the fault of its header, and not of what this process has open.
    private const long LargeArena = 1L << 36;

    private const int HeaderLength = ParticipantLayout.ReceiveDoorbellOffset;

    private SafeFileHandle? _lock;

    /// <summary>What a look at a participant's lock tells.</summary>
    public enum Life
    {
        /// <summary>The lock is held: alive, or being recovered by somebody.</summary>
        Alive,

        /// <summary>The lock was free and is now the prober's: dead, and the prober is its recoverer.</summary>
        Dead,
    }

    /// <summary>Join: makes this process's own file under a temporary name, allocated, filled in and locked.</summary>
    public static Participant Create(QueueDirectory directory, Ring ring, QueueOptions options)
    {
        long arenaLimit = new ArenaAllocator(options.ArenaLimit).Limit;
        long arenaOffset = ParticipantLayout.ArenaOffset(options.Blocks, ring.BlockSize);
        string path = directory.TemporaryPath();
        CrashPoint.At(Step.JoinFile);
        SafeFileHandle file = SafeFd.Open(path, OpenFlags.O_RDWR | OpenFlags.O_CREAT | OpenFlags.O_EXCL, ring.Access is null ? QueueFileMode.Owner : QueueFileMode.Group);
        SafeFileHandle? held = null;
        MemoryMapping? map = null;
        MemoryMapping? arena = null;
        try
        {
            ring.Access?.Share(file, path, isDirectory: false);

            // A description of its own, so that no other use of the file can drop the lock.
            CrashPoint.At(Step.JoinLock);
            held = SafeFd.Open(path, OpenFlags.O_RDWR);
            Flock.LockWithin(held.Fd(), TimeSpan.FromSeconds(5)).OrThrow("flock", path);
            Stat.Of(held.Fd(), out statx created).OrThrow("statx", path);
            if (created.stx_nlink == 0)
                SysResult.Failed(Errno.ENOENT).OrThrow("flock", path); // Taken for a leftover in between: the caller begins again.
            CrashPoint.At(Step.JoinAllocate);
            FileLength.fallocate(file.Fd(), 0, 0, arenaOffset).OrThrow("fallocate", path);
            map = MemoryMapping.OfFile(file, 0, arenaOffset, Prot.Read | Prot.Write, path);
            arena = arenaLimit == 0 ? null : MemoryMapping.OfFile(file, arenaOffset, 2 * arenaLimit, Prot.Read | Prot.Write, path);
            long incarnation = ring.NextIncarnation();
            CrashPoint.At(Step.JoinHeader);

            // Filled in here and copied there: what this process goes by is never read out of the file, not even its own.
            byte* p = stackalloc byte[HeaderLength];
            new Span<byte>(p, HeaderLength).Clear();
            *(uint*)(p + ParticipantLayout.VersionOffset) = RingLayout.Version;
            *(int*)(p + ParticipantLayout.PidOffset) = ProcessIdentity.Pid;
            *(long*)(p + ParticipantLayout.IncarnationOffset) = incarnation;
            ring.QueueId.TryWriteBytes(new Span<byte>(p + ParticipantLayout.QueueIdOffset, 16));
            *(uint*)(p + ParticipantLayout.UidOffset) = Prctl.geteuid();
            *(uint*)(p + ParticipantLayout.GidOffset) = Prctl.getegid();
            *(ulong*)(p + ParticipantLayout.StartTimeOffset) = ProcessIdentity.StartTime;
            *(ulong*)(p + ParticipantLayout.PidNamespaceOffset) = ProcessIdentity.PidNamespace;
            *(int*)(p + ParticipantLayout.BlockCountOffset) = options.Blocks;
            *(int*)(p + ParticipantLayout.BlockSizeOffset) = ring.BlockSize;
            *(long*)(p + ParticipantLayout.ArenaLimitOffset) = arenaLimit;
            *(nuint*)(p + ParticipantLayout.NonceAddressOffset) = ProcessIdentity.NonceAddress;
            ProcessIdentity.Nonce.CopyTo(new Span<byte>(p + ParticipantLayout.NonceOffset, ParticipantLayout.NonceLength));
            *(ulong*)(p + ParticipantLayout.MagicOffset) = ParticipantLayout.Magic;
            new ReadOnlySpan<byte>(p, HeaderLength).CopyTo(new Span<byte>(map.Address, HeaderLength));

            // Generations begin anywhere, so that references to messages of the last holder of this index are stale.
            uint generation = (uint)Random.Shared.Next(1, int.MaxValue);
            for (int block = 0; block < options.Blocks; block++)
                *(ulong*)(map.Address + ParticipantLayout.BlocksOffset + ((long)block * ring.BlockSize)) = new BlockState(generation, Phase.Free, 0, 0).Bits;
            return new Participant(path, 0, incarnation, file, map, arena, arenaOffset, p) { _lock = held };
        }
        catch
        {
            Fcntl.unlink(path);
            arena?.Dispose();
            map?.Dispose();
            held?.Dispose();
            file.Dispose();
            throw;
        }
    }

    /// <summary>Maps another participant's file; <paramref name="readOnly"/> for those who only look. Null: it is gone.</summary>
    public static Participant? Attach(QueueDirectory directory, Ring ring, int index, long incarnation, bool readOnly = false)
    {
        string path = directory.ParticipantPath(index, incarnation);
        if (OpenFile(path, readOnly) is not { } file)
            return null;
        MemoryMapping? map = null;
        MemoryMapping? arena = null;
        try
        {
            Stat.Of(file.Fd(), out statx s).OrThrow("statx", path);
            if ((s.stx_mode & Stat.S_IFMT) != Stat.S_IFREG || s.stx_size < Pages.Granularity)
                throw new QueueCorruptException(path, $"a file of {s.stx_size} bytes is no participant's");
            byte* header = stackalloc byte[HeaderLength];
            using (MemoryMapping head = MemoryMapping.OfFile(file, 0, Pages.Granularity, Prot.Read, path))
                new ReadOnlySpan<byte>(head.Address, HeaderLength).CopyTo(new Span<byte>(header, HeaderLength));
            (long arenaOffset, long arenaLimit) = Check(header, path, ring, incarnation, (long)s.stx_size);
            map = MemoryMapping.OfFile(file, 0, arenaOffset, readOnly ? Prot.Read : Prot.Read | Prot.Write, path);
            arena = arenaLimit == 0 ? null : MapArena(file, arenaOffset, arenaLimit, path);
            return new Participant(path, index, incarnation, file, map, arena, (long)s.stx_size, header) { FileUid = s.stx_uid, FileMode = s.stx_mode };
        }
        catch
        {
            arena?.Dispose();
            map?.Dispose();
            file.Dispose();
            throw;
        }
    }

    /// <summary>Whose the file is by the file system, which its writer cannot forge.</summary>
    public uint FileUid { get; private init; } = Prctl.geteuid();

    /// <summary>Its type and permissions, when it was attached.</summary>
    public ushort FileMode { get; private init; } = Stat.S_IFREG;

    /// <summary>Gives the own file its final name, or another one, at <paramref name="index"/>.</summary>
    public void MoveTo(QueueDirectory directory, int index)
    {
        string path = directory.ParticipantPath(index, Incarnation);
        CrashPoint.At(Step.JoinRename);
        Fcntl.rename(Path, path).OrThrow("rename", path);
        Path = path;
        Index = index;
    }

    /// <summary>
    /// Tries the participant's lock. On <see cref="Life.Dead"/>, <paramref name="proof"/> holds the lock; while it is open nobody
    /// else recovers. An error is no proof of death.
    /// </summary>
    public Life Probe(out SafeFileHandle? proof)
    {
        proof = null;
        bool added = false;
        try
        {
            // The file that is mapped here, whatever has its name by now; the name where /proc is not there.
            _file.DangerousAddRef(ref added);
            SysResult opened = Fcntl.open($"/proc/self/fd/{_file.Fd()}", OpenFlags.O_RDWR);
            if (!opened.Succeeded)
                opened = Fcntl.open(Path, OpenFlags.O_RDWR | OpenFlags.O_NOFOLLOW | OpenFlags.O_NONBLOCK);
            return ProbeLock(opened, out proof);
        }
        catch (ObjectDisposedException)
        {
            return Life.Alive; // Nothing can be said any more.
        }
        finally
        {
            if (added)
                _file.DangerousRelease();
        }
    }

    private static Life ProbeLock(SysResult opened, out SafeFileHandle? proof)
    {
        proof = null;
        if (!opened.Succeeded)
            return Life.Alive;
        SafeFileHandle file = SafeFd.Of(opened);
        if (Flock.flock(file.Fd(), Flock.LOCK_EX | Flock.LOCK_NB).Succeeded)
        {
            proof = file;
            return Life.Dead;
        }

        file.Dispose();
        return Life.Alive;
    }

    /// <summary>Gives up the own lock, by which the others would know that this participant lives; returns it still held.</summary>
    public SafeFileHandle TakeOwnLock()
    {
        SafeFileHandle held = _lock!;
        _lock = null;
        return held;
    }

    /// <summary>Owner only: gives the file memory for a range of the arena. ENOSPC comes from here, and not as SIGBUS later; EIO: it was truncated.</summary>
    public SysResult Allocate(long arenaOffset, long bytes)
    {
        CrashPoint.At(Step.ArenaGrow);

        // A file that was truncated would grow a hole where its header and blocks were, and say nothing.
        LookAtLength();
        if (IsDamaged)
            return SysResult.Failed(Errno.EIO);
        SysResult allocated = FileLength.fallocate(_file.Fd(), 0, ArenaOffset + arenaOffset, bytes);
        CrashPoint.At(Step.ArenaGrown);
        if (allocated.Succeeded)
            Volatile.Write(ref _fileSize, Math.Max(_fileSize, ArenaOffset + arenaOffset + bytes));
        return allocated;
    }

    /// <summary>Only a regular file is opened, by its own name; nothing that lies there under its name can hold us up. Null: it is gone.</summary>
    private static SafeFileHandle? OpenFile(string path, bool readOnly = false)
    {
        SysResult opened = Fcntl.open(path, (readOnly ? OpenFlags.O_RDONLY : OpenFlags.O_RDWR) | OpenFlags.O_NOFOLLOW | OpenFlags.O_NONBLOCK);
        switch (opened.Errno)
        {
            case 0:
                return SafeFd.Of(opened);
            case Errno.ENOENT:
                return null;
            case Errno.ELOOP or Errno.EISDIR or Errno.ENXIO or Errno.ENODEV:
                throw new QueueCorruptException(path, "it is no regular file");

            // Its owner may not open it either, so nobody is locked out by mistake.
            case Errno.EACCES when Stat.Of(path, out statx s, followLinks: false).Succeeded && (s.stx_mode & 0x180) != 0x180:
                throw new QueueCorruptException(path, "it has lost its permissions");
            default:
                opened.OrThrow("open", path);
                return null;
        }
    }

    private static MemoryMapping MapArena(SafeFileHandle file, long offset, long limit, string path)
    {
        try
        {
            return MemoryMapping.OfFile(file, offset, 2 * limit, Prot.Read, path);
        }
        catch (OneCopyException e) when (e.Errno == Errno.ENOMEM && limit > LargeArena)
        {
            throw new QueueCorruptException(path, $"it asks for an arena of {limit:N0} bytes, for which there is no address space");
        }
    }

    private static (long ArenaOffset, long ArenaLimit) Check(byte* p, string path, Ring ring, long incarnation, long size)
    {
        if (*(ulong*)p != ParticipantLayout.Magic || *(uint*)(p + ParticipantLayout.VersionOffset) != RingLayout.Version)
            throw new QueueCorruptException(path, "it does not begin as a participant's file of this version does");
        if (new Guid(new ReadOnlySpan<byte>(p + ParticipantLayout.QueueIdOffset, 16)) != ring.QueueId
            || *(long*)(p + ParticipantLayout.IncarnationOffset) != incarnation)
            throw new QueueCorruptException(path, "it belongs to another queue or another participant");
        int count = *(int*)(p + ParticipantLayout.BlockCountOffset);
        int blockSize = *(int*)(p + ParticipantLayout.BlockSizeOffset);
        long limit = *(long*)(p + ParticipantLayout.ArenaLimitOffset);
        if (count is < 1 or > MaxBlockCount || blockSize != ring.BlockSize || limit is < 0 or > MaxArenaLimit)
            throw new QueueCorruptException(path, $"impossible geometry ({count} blocks of {blockSize}, an arena of {limit} bytes)");
        long arenaOffset = ParticipantLayout.ArenaOffset(count, blockSize);
        if (arenaOffset > size)
            throw new QueueCorruptException(path, $"it has {size} bytes where {arenaOffset} are needed");
        return (arenaOffset, limit);
    }
}
