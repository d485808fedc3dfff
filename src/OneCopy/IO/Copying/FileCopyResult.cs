namespace OneCopy;

/// <summary>What a piece of a file is.</summary>
public enum CopyExtentKind
{
    /// <summary>Bytes that the file system stores.</summary>
    Data,

    /// <summary>Zeros that take no room.</summary>
    Hole,
}

/// <summary>A piece of a file, and how it got to the destination.</summary>
/// <param name="Offset">Its first byte.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Kind">Whether there were bytes to copy.</param>
/// <param name="Engine">What copied them; of a hole, what would have.</param>
/// <param name="Reason">Why not the engine that comes before it, such as "clone: EOPNOTSUPP"; null: it was the first choice.</param>
public readonly record struct CopyExtent(long Offset, long Length, CopyExtentKind Kind, CopyEngine Engine, string? Reason);

/// <summary>What happened to the source while it was copied.</summary>
public enum SourceChange
{
    /// <summary>Nothing that its length and its modification time show.</summary>
    None,

    /// <summary>It was appended to. What was there at the end of the copy's first pass was copied.</summary>
    Grew,

    /// <summary>It was truncated. The copy ends where the source ended.</summary>
    Shrank,

    /// <summary>It was written to: the copy may have old and new parts.</summary>
    Modified,
}

/// <summary>Metadata that could not be kept.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Name">An attribute's name, or what it is of: "owner", "setuid".</param>
/// <param name="Reason">The call and its errno, or the rule.</param>
public readonly record struct MetadataLoss(FileMetadata Kind, string Name, string Reason);

/// <summary>What a copy did.</summary>
public sealed record FileCopyResult
{
    /// <summary>The file copied, as it was given.</summary>
    public required string Source { get; init; }

    /// <summary>The copy, as it was given.</summary>
    public required string Destination { get; init; }

    /// <summary>Nothing was copied, because the destination exists (<see cref="ExistingFile.Skip"/>).</summary>
    public bool Skipped { get; init; }

    /// <summary>The destination's length in bytes; 0 of a link that was copied as a link.</summary>
    public long Length { get; init; }

    /// <summary>Bytes of data that were copied or, by a clone, shared.</summary>
    public long BytesCopied { get; init; }

    /// <summary>Bytes in holes: <see cref="Length"/> less <see cref="BytesCopied"/>.</summary>
    public long HoleBytes { get; init; }

    /// <summary>The pieces in order, neighbours that went the same way as one. A clone is one piece, whatever holes it has. With <see cref="SparseMode.Always"/>, as found by looking for zeros.</summary>
    public IReadOnlyList<CopyExtent> Extents { get; init; } = [];

    /// <summary>What happened to the source meanwhile.</summary>
    public SourceChange SourceChange { get; init; }

    /// <summary>The copy was compared with the source, byte by byte, and was equal.</summary>
    public bool Verified { get; init; }

    /// <summary>What could not be kept of what <see cref="FileCopyOptions.Preserve"/> asks for.</summary>
    public IReadOnlyList<MetadataLoss> MetadataLost { get; init; } = [];

    /// <summary>From the first call to the last.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>The engines that moved data, in the order of their first use.</summary>
    public IReadOnlyList<CopyEngine> Engines => [.. Extents.Where(e => e.Kind == CopyExtentKind.Data).Select(e => e.Engine).Distinct()];
}

/// <summary>How far a copy is. A tree's counts are of the whole tree so far.</summary>
/// <param name="Path">The source file that bytes were last moved of.</param>
/// <param name="Bytes">Bytes dealt with, holes among them.</param>
/// <param name="TotalBytes">The source's length, as far as it is known: of a tree, of the files met so far.</param>
/// <param name="Files">Files that are done.</param>
public readonly record struct FileCopyProgress(string Path, long Bytes, long TotalBytes, long Files);
