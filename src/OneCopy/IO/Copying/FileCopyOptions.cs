namespace OneCopy;

/// <summary>How bytes are moved from one file to another.</summary>
public enum CopyEngine
{
    /// <summary>The best that the two file systems allow, decided for each extent, and said in the result.</summary>
    Auto,

    /// <summary>Shares the extents of the source until one of the two files is changed (ioctl_ficlone(2)): no byte is copied. The whole file or nothing.</summary>
    Clone,

    /// <summary>copy_file_range(2): the kernel copies between page caches, or the file server copies by itself.</summary>
    CopyRange,

    /// <summary>A window of the source and one of the destination mapped into memory, and one copy between the two.</summary>
    Mapped,

    /// <summary>preadv(2) and pwritev(2) with several buffers in each call.</summary>
    Vectored,

    /// <summary>read(2) into an aligned buffer, and write(2) from it.</summary>
    ReadWrite,

    /// <summary>The same by two threads, each with pieces of its own: faster than one thread can be where a second processor is free. In tmpfs the second one writes through a map.</summary>
    Parallel,
}

/// <summary>What becomes of the holes of a sparse file.</summary>
public enum SparseMode
{
    /// <summary>The holes of the source are holes in the destination.</summary>
    Auto,

    /// <summary>Blocks of zeros become holes, too. Every byte is looked at, so that <see cref="CopyEngine.Clone"/> and <see cref="CopyEngine.CopyRange"/> are out.</summary>
    Always,

    /// <summary>The destination is fully allocated; holes of the source are written out as zeros.</summary>
    Never,
}

/// <summary>What the destination takes over from the source beside its bytes.</summary>
[Flags]
public enum FileMetadata
{
    /// <summary>Nothing: a new file gets the source's permission bits less the umask, as every new file does.</summary>
    None = 0,

    /// <summary>Permissions and the access control list. Set-user-ID and set-group-ID bits only where owner and group are the source's.</summary>
    Mode = 1,

    /// <summary>Access and modification times, to the nanosecond that the file system keeps.</summary>
    Times = 2,

    /// <summary>Owner and group; others' files need the right to (CAP_CHOWN), which is reported where it is missing.</summary>
    Owner = 4,

    /// <summary>Extended attributes: user.*, and those of trusted.* and security.* that this process may read and write.</summary>
    ExtendedAttributes = 8,

    /// <summary>All of it.</summary>
    All = Mode | Times | Owner | ExtendedAttributes,
}

/// <summary>What is done when the destination exists.</summary>
public enum ExistingFile
{
    /// <summary>It gets the new content: in place, or as a new file with <see cref="FileCopyOptions.Atomic"/>.</summary>
    Replace,

    /// <summary>The copy fails with EEXIST, and the file is as it was.</summary>
    Fail,

    /// <summary>Nothing is copied, which is no error; <see cref="FileCopyResult.Skipped"/> says it.</summary>
    Skip,
}

/// <summary>What is on the medium when the copy returns, as far as the kernel and the device keep their word.</summary>
public enum CopyDurability
{
    /// <summary>Nothing need be: the kernel writes when it likes.</summary>
    None,

    /// <summary>The bytes and what is needed to read them (fdatasync(2)); with <see cref="FileCopyOptions.Atomic"/>, before the name is.</summary>
    Data,

    /// <summary>Bytes, metadata and the name: fsync(2) of the file, and then of its directory.</summary>
    Full,
}

/// <summary>What is done with symbolic links.</summary>
public enum SymbolicLinks
{
    /// <summary>A source that is a link is followed; links within a tree are copied as links.</summary>
    FollowSource,

    /// <summary>Every link is copied as a link, the source itself too.</summary>
    Keep,

    /// <summary>Every link is followed: what it leads to is copied in its place.</summary>
    Follow,
}

/// <summary>How <see cref="FileCopier"/> copies.</summary>
public sealed partial record FileCopyOptions
{
    /// <summary>How the bytes move. One that is named and not possible here is an error; <see cref="CopyEngine.Auto"/> (the default) finds one that is.</summary>
    public CopyEngine Engine { get; init; } = CopyEngine.Auto;

    /// <summary>Bytes mapped at a time by <see cref="CopyEngine.Mapped"/>, rounded up to whole pages. Default 4 MiB: on ext4 a window of less than a huge page (2 MiB) was measured to be ten times slower, for every page of the destination is then a fault of its own.</summary>
    public long WindowLength { get; init; } = 4 << 20;

    /// <summary>Bytes of the buffer of <see cref="CopyEngine.ReadWrite"/>, and of each of those of <see cref="CopyEngine.Vectored"/>; rounded up to whole pages, at most 1 GiB. Default 256 KiB.</summary>
    public long BufferLength { get; init; } = 256 << 10;

    /// <summary>Buffers of <see cref="CopyEngine.Vectored"/>, at most 65,536, and 16 GiB together. Default 8.</summary>
    public int BufferCount { get; init; } = 8;

    /// <summary>What becomes of holes.</summary>
    public SparseMode Sparse { get; init; } = SparseMode.Auto;

    /// <summary>What is kept beside the bytes. Default: mode and times.</summary>
    public FileMetadata Preserve { get; init; } = FileMetadata.Mode | FileMetadata.Times;

    /// <summary>What is done when the destination exists.</summary>
    public ExistingFile Existing { get; init; } = ExistingFile.Replace;

    /// <summary>
    /// The destination's name leads to the old file or to the complete new one, never to a part: the copy is made under no name (or a hidden one, where the file system
    /// has no O_TMPFILE) and gets its name by link or rename. A destination that is a symbolic link stays one: what it leads to is replaced.
    /// Without it, an existing destination is overwritten in place, and is lost when the copy fails.
    /// </summary>
    public bool Atomic { get; init; }

    /// <summary>What is on the medium when the copy returns.</summary>
    public CopyDurability Durability { get; init; }

    /// <summary>
    /// Reads both files again after the copy and compares. What is in the page cache is read from there: this proves the copy, not the
    /// medium. With a <see cref="Durability"/> the destination's cached pages are dropped first, as far as the kernel agrees.
    /// </summary>
    public bool Verify { get; init; }

    /// <summary>Threads that copy files of a tree. 0 (the default): as many as there are processors. 1: a single file is copied by one thread, too (<see cref="CopyEngine.Parallel"/> is not taken by itself).</summary>
    public int Parallelism { get; init; }

    /// <summary>Asks the kernel to keep neither file in the page cache, for copies larger than memory. The destination's pages are written out behind the copy.</summary>
    public bool DontCache { get; init; }

    /// <summary>What is done with symbolic links.</summary>
    public SymbolicLinks Links { get; init; }
}
