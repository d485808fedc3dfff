namespace OneCopy;

/// <summary>An entry of a tree that was not copied, and why. All others were.</summary>
/// <param name="Path">The source's path.</param>
/// <param name="Error">Why: <see cref="OneCopyException"/>, or a subclass.</param>
public sealed record TreeCopyFailure(string Path, OneCopyException Error);

/// <summary>An entry of a tree whose metadata could not be kept in full.</summary>
/// <param name="Path">The source's path.</param>
/// <param name="Loss">What, and why.</param>
public readonly record struct TreeMetadataLoss(string Path, MetadataLoss Loss);

/// <summary>How much one engine moved.</summary>
/// <param name="Engine">Which.</param>
/// <param name="Files">Files that it moved data of; a file can have two engines.</param>
/// <param name="Bytes">Bytes of data.</param>
public readonly record struct EngineShare(CopyEngine Engine, long Files, long Bytes);

/// <summary>What the copy of a tree did.</summary>
public sealed record TreeCopyResult
{
    /// <summary>The tree copied, as it was given.</summary>
    public required string Source { get; init; }

    /// <summary>The copy, as it was given.</summary>
    public required string Destination { get; init; }

    /// <summary>Regular files copied.</summary>
    public long Files { get; init; }

    /// <summary>Directories made, or found and gone into.</summary>
    public long Directories { get; init; }

    /// <summary>Symbolic links made.</summary>
    public long SymbolicLinks { get; init; }

    /// <summary>Names given to files that the copy has already: hard links of the source.</summary>
    public long HardLinks { get; init; }

    /// <summary>Named pipes made.</summary>
    public long NamedPipes { get; init; }

    /// <summary>Files left alone because the destination had them (<see cref="ExistingFile.Skip"/>).</summary>
    public long Skipped { get; init; }

    /// <summary>Bytes of data copied or shared.</summary>
    public long BytesCopied { get; init; }

    /// <summary>Bytes in holes.</summary>
    public long HoleBytes { get; init; }

    /// <summary>Files that changed while they were copied.</summary>
    public IReadOnlyList<string> Changed { get; init; } = [];

    /// <summary>How much each engine moved.</summary>
    public IReadOnlyList<EngineShare> Engines { get; init; } = [];

    /// <summary>What was not copied: unreadable, sockets, devices, and every other failure. Empty: all of the tree is there.</summary>
    public IReadOnlyList<TreeCopyFailure> Failures { get; init; } = [];

    /// <summary>What could not be kept of what <see cref="FileCopyOptions.Preserve"/> asks for.</summary>
    public IReadOnlyList<TreeMetadataLoss> MetadataLost { get; init; } = [];

    /// <summary>From the first call to the last.</summary>
    public TimeSpan Elapsed { get; init; }
}
