namespace OneCopy;

/// <summary>
/// Bytes of a view could not be had: its file was truncated, has no room under a hole or could not be read, or the pages do not allow it. The same access
/// through a span would have been SIGBUS or SIGSEGV, or zeros in a guarded view.
/// </summary>
public sealed class MappedFileFaultException : OneCopyException
{
    internal MappedFileFaultException(string call, int errno, string subject, long viewOffset, long? fileOffset, long transferred, string advice)
        : base(call, errno, Describe(subject, viewOffset, fileOffset, transferred), advice)
    {
        ViewOffset = viewOffset;
        FileOffset = fileOffset;
        BytesTransferred = transferred;
    }

    /// <summary>The first byte that could not be had, as an offset in the view. The kernel finds it page by page.</summary>
    public long ViewOffset { get; }

    /// <summary>The same byte in the file; null for memory without a file.</summary>
    public long? FileOffset { get; }

    /// <summary>Bytes that the operation had moved before it.</summary>
    public long BytesTransferred { get; }

    private static string Describe(string subject, long viewOffset, long? fileOffset, long transferred) =>
        $"{subject}, offset {viewOffset} of the view{(fileOffset is long f ? $" ({f} of the file)" : "")}, after {transferred} bytes";
}
