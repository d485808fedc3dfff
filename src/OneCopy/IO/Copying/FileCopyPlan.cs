namespace OneCopy;

/// <summary>What a copy would do, found out without writing anything.</summary>
public sealed record FileCopyPlan
{
    /// <summary>The file to copy.</summary>
    public required string Source { get; init; }

    /// <summary>Where to.</summary>
    public required string Destination { get; init; }

    /// <summary>The source's length in bytes, as its file system says.</summary>
    public long Length { get; init; }

    /// <summary>Bytes that it takes on its file system.</summary>
    public long AllocatedBytes { get; init; }

    /// <summary>The destination exists.</summary>
    public bool DestinationExists { get; init; }

    /// <summary>The copy would do nothing: the destination exists, and <see cref="ExistingFile.Skip"/> was asked for.</summary>
    public bool Skips { get; init; }

    /// <summary>The source's file system: "ext4", "tmpfs", or its number in hexadecimal.</summary>
    public required string SourceFileSystem { get; init; }

    /// <summary>The destination's.</summary>
    public required string DestinationFileSystem { get; init; }

    /// <summary>The engine to be tried first for data.</summary>
    public CopyEngine Engine { get; init; }

    /// <summary>Why this engine.</summary>
    public required string Reason { get; init; }

    /// <summary>The pieces of the source as they are now, and the engine to be tried first for each. Whether it works is seen when it is tried, and the result says it.</summary>
    public IReadOnlyList<CopyExtent> Extents { get; init; } = [];
}
