namespace OneCopy;

/// <summary>RWF_* of preadv2(2): what holds for one call alone. Which of them a file knows depends on its file system and on the kernel.</summary>
/// <remarks><see cref="VectoredIO.SupportedReadFlags"/> and <see cref="VectoredIO.SupportedWriteFlags"/> tell.</remarks>
[Flags]
public enum VectoredFlags
{
    /// <summary>A plain call.</summary>
    None = 0,

    /// <summary>RWF_HIPRI: poll the device for the end of the transfer. Has an effect with O_DIRECT on few devices; elsewhere it is accepted.</summary>
    HighPriority = 0x01,

    /// <summary>RWF_DSYNC: the data, and what is needed to find it again, are on the device when the write returns (O_DSYNC for one call).</summary>
    DataSync = 0x02,

    /// <summary>RWF_SYNC: as <see cref="DataSync"/>, and the file's times as well (O_SYNC for one call).</summary>
    Sync = 0x04,

    /// <summary>RWF_NOWAIT: do not wait. With nothing at hand the call fails with EAGAIN; with some of it, the count falls short.</summary>
    NoWait = 0x08,

    /// <summary>RWF_APPEND: write at the end of the file as it is then; the offset is not used.</summary>
    Append = 0x10,

    /// <summary>RWF_NOAPPEND (Linux 6.9): write at the offset though the file was opened with O_APPEND.</summary>
    NoAppend = 0x20,

    /// <summary>RWF_ATOMIC (Linux 6.11): all of the write or nothing of it after a loss of power. Needs O_DIRECT, a length that is a power of two, and
    /// a device that can do it.</summary>
    Atomic = 0x40,

    /// <summary>RWF_DONTCACHE (Linux 6.14): through the page cache, and out of it again when the transfer is over.</summary>
    DontCache = 0x80,
}

/// <summary>
/// What may be done in place of a flag that the file does not know. Without a permission such a request fails before it moved a
/// byte. <see cref="VectoredFlags.Append"/>, <see cref="VectoredFlags.NoAppend"/> and <see cref="VectoredFlags.Atomic"/> have nothing that would do the same.
/// </summary>
[Flags]
public enum VectoredFallback
{
    /// <summary>Nothing: the request fails.</summary>
    None = 0,

    /// <summary><see cref="VectoredFlags.HighPriority"/> is left out.</summary>
    WithoutPriority = 0x01,

    /// <summary>
    /// In place of <see cref="VectoredFlags.DataSync"/> and <see cref="VectoredFlags.Sync"/>, fdatasync(2) or fsync(2) when all is written: of the
    /// whole file, not of these bytes alone. For a read both are left out.
    /// </summary>
    SyncAfterwards = 0x02,

    /// <summary><see cref="VectoredFlags.NoWait"/> is left out: the call waits.</summary>
    Wait = 0x08,

    /// <summary>
    /// In place of <see cref="VectoredFlags.DontCache"/>, posix_fadvise(2) POSIX_FADV_DONTNEED for the range when all is moved: clean pages leave the
    /// cache, those that are still being written stay. At the file's position nothing is done afterwards.
    /// </summary>
    DropFromCache = 0x80,

    /// <summary>All of them.</summary>
    All = WithoutPriority | SyncAfterwards | Wait | DropFromCache,
}
