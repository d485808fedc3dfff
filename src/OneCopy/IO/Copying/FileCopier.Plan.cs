using OneCopy.Interop;

namespace OneCopy;

/// <content>The plan.</content>
public static partial class FileCopier
{
    /// <summary>
    /// Says what <see cref="Copy"/> would do, and writes nothing. Only trying shows whether two file systems share extents or whether a server copies, so the plan says what would be tried first.
    /// </summary>
    /// <param name="source">The file.</param>
    /// <param name="destination">The copy's path.</param>
    /// <param name="options">How; null: all defaults.</param>
    /// <exception cref="OneCopyException">The copy would fail at once: one of the two is no regular file, both are the same one, or the destination exists and is to be left alone.</exception>
    /// <exception cref="ArgumentException">As <see cref="Copy"/>.</exception>
    public static FileCopyPlan Plan(string source, string destination, FileCopyOptions? options = null)
    {
        options = Checked(source, destination, options);
        using NativePath from = new(source);
        using DestinationName target = DestinationName.Of(destination, followLink: true);
        using CopyWorker worker = new(options, new CopyMeter(null), new CopyIdentity(umask: false), CancellationToken.None);
        return PlanWith(worker, from, target, options);
    }

    private static unsafe FileCopyPlan PlanWith(CopyWorker worker, NativePath from, DestinationName target, FileCopyOptions options) =>
        worker.Plan(new CopyPath(Fcntl.AT_FDCWD, from.Bytes, null), target.Path, followLinks: options.Links != SymbolicLinks.Keep);
}
