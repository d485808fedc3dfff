using System.Diagnostics;
using OneCopy.Interop;

namespace OneCopy;

/// <summary>
/// Copies files and trees with their holes, metadata and names, by the engine that moves their bytes with the least work, and says
/// piece by piece which one did and why.
/// </summary>
/// <remarks>
/// A source may change while it is copied: one that is truncated ends the copy where it ends, one that is appended to is copied as far as it went, and the result says so.
/// After a failure or a cancellation no part of a copy is left under the destination's name. All members may be called from any thread, at the same time for different destinations.
/// </remarks>
public static partial class FileCopier
{
    /// <summary>Copies a regular file.</summary>
    /// <param name="source">Its path. A symbolic link is followed, unless <see cref="FileCopyOptions.Links"/> says otherwise.</param>
    /// <param name="destination">The copy's path, not its directory's. A symbolic link is followed; where it leads to must exist.</param>
    /// <param name="options">How; null: all defaults.</param>
    /// <param name="progress">Told after each step; called on the copying thread.</param>
    /// <param name="cancellationToken">Looked at between two steps of at most 16 MiB, or of a buffer or window if that is larger.</param>
    /// <returns>What was done, extent by extent.</returns>
    /// <exception cref="OneCopyException">A call failed, or one of the two is no regular file, or both are the same one.</exception>
    /// <exception cref="ArgumentException">A path is empty or has a zero character, or the options contradict each other.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; the copy is removed.</exception>
    public static FileCopyResult Copy(
        string source, string destination, FileCopyOptions? options = null, IProgress<FileCopyProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        options = Checked(source, destination, options);
        long start = Stopwatch.GetTimestamp();
        using CopyWorker worker = new(options, new CopyMeter(progress), new CopyIdentity(umask: !options.Preserve.HasFlag(FileMetadata.Mode)), cancellationToken);
        using DestinationName target = DestinationName.Of(destination, followLink: options.Atomic && options.Links != SymbolicLinks.Keep);
        using NativePath from = new(source);
        CopyOutcome outcome = Run(worker, from, target, options);
        return new FileCopyResult
        {
            Source = source,
            Destination = destination,
            Skipped = outcome.Skipped,
            Length = outcome.Length,
            BytesCopied = outcome.Data,
            HoleBytes = outcome.Length - outcome.Data,
            Extents = worker.Extents,
            SourceChange = outcome.Change,
            Verified = outcome.Verified,
            MetadataLost = worker.Losses,
            Elapsed = Stopwatch.GetElapsedTime(start),
        };
    }

    /// <summary>As <see cref="Copy"/>, on a thread of the pool: the kernel has no other way to copy without waiting.</summary>
    /// <inheritdoc cref="Copy"/>
    public static Task<FileCopyResult> CopyAsync(
        string source, string destination, FileCopyOptions? options = null, IProgress<FileCopyProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        options = Checked(source, destination, options);
        return Task.Run(() => Copy(source, destination, options, progress, cancellationToken), cancellationToken);
    }

    private static unsafe CopyOutcome Run(CopyWorker worker, NativePath from, DestinationName target, FileCopyOptions options)
    {
        CopyPath source = new(Fcntl.AT_FDCWD, from.Bytes, null);
        if (options.Links == SymbolicLinks.Keep && At.statx(source.Directory, source.Name, out statx status).Succeeded
            && (status.stx_mode & Stat.S_IFMT) == FileKind.S_IFLNK)
        {
            return worker.CopyLink(source, target.Path, status);
        }
        worker.Open(source, followLinks: options.Links != SymbolicLinks.Keep);
        return worker.CopyOpened(target.Path, plainDirectory: false);
    }

    private static FileCopyOptions Checked(string source, string destination, FileCopyOptions? options)
    {
        CheckPath(source, nameof(source));
        CheckPath(destination, nameof(destination));
        options ??= new FileCopyOptions();
        options.Check();
        return options;
    }

    private static void CheckPath(string path, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(path, name);
        if (path.Contains('\0', StringComparison.Ordinal))
            throw new ArgumentException("A path has no zero character.", name);
    }
}
