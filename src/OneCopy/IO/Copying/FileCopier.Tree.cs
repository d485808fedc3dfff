using System.Diagnostics;

namespace OneCopy;

/// <content>Trees.</content>
public static partial class FileCopier
{
    /// <summary>
    /// Copies a directory and all that is in it, several files at a time. Symbolic links are copied as links, files with several names within the tree
    /// keep them, named pipes are made anew; sockets and devices are not copied, and reported.
    /// </summary>
    /// <param name="source">The directory.</param>
    /// <param name="destination">The copy's path. A directory that is there is gone into, and what has other names in it stays.</param>
    /// <param name="options">How; null: all defaults.</param>
    /// <param name="progress">Told after each step, by one thread at a time, not always the same one.</param>
    /// <param name="cancellationToken">Looked at as in <see cref="Copy"/>. What is complete by then stays.</param>
    /// <returns>What was done. An entry that could not be copied is in <see cref="TreeCopyResult.Failures"/>, and all others are copied.</returns>
    /// <exception cref="OneCopyException">The source or the destination is no directory, or the destination is within the source.</exception>
    /// <exception cref="ArgumentException">As <see cref="Copy"/>.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static TreeCopyResult CopyTree(
        string source, string destination, FileCopyOptions? options = null, IProgress<FileCopyProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        options = Checked(source, destination, options);
        long start = Stopwatch.GetTimestamp();
        TreeCopy copy = new(options, new CopyMeter(progress), cancellationToken);
        TreeTally tally = copy.Run(TreeRoot.Open(source, destination, options, copy));
        return new TreeCopyResult
        {
            Source = source,
            Destination = destination,
            Files = tally.Files,
            Directories = tally.Directories,
            SymbolicLinks = tally.SymbolicLinks,
            HardLinks = tally.HardLinks,
            NamedPipes = tally.NamedPipes,
            Skipped = tally.Skipped,
            BytesCopied = tally.Bytes,
            HoleBytes = tally.Holes,
            Changed = tally.Changed,
            Engines = tally.Engines,
            Failures = tally.Failures,
            MetadataLost = tally.Losses,
            Elapsed = Stopwatch.GetElapsedTime(start),
        };
    }

    /// <summary>As <see cref="CopyTree"/>, on threads of the pool.</summary>
    /// <inheritdoc cref="CopyTree"/>
    public static Task<TreeCopyResult> CopyTreeAsync(
        string source, string destination, FileCopyOptions? options = null, IProgress<FileCopyProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        options = Checked(source, destination, options);
        return Task.Run(() => CopyTree(source, destination, options, progress, cancellationToken), cancellationToken);
    }
}
