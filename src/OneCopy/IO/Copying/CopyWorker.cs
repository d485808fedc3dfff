using System.Runtime.InteropServices;
using OneCopy.Interop;

namespace OneCopy;

/// <summary>What became of one file.</summary>
internal readonly record struct CopyOutcome(long Length, long Data, SourceChange Change, bool Skipped, bool Verified);

/// <summary>
/// Copies files, one after the other, on one thread: a tree has one for each of its threads. Nothing is allocated for a file that is
/// copied without trouble, so descriptors are plain numbers here, each closed by the method that opened it.
/// </summary>
internal sealed unsafe partial class CopyWorker(FileCopyOptions options, CopyMeter meter, CopyIdentity self, CancellationToken cancellation) : IDisposable
{
    private readonly int _page = Environment.SystemPageSize;
    private byte* _buffer;
    private long _bufferLength;

    // The file at hand.
    private CopyPath _from;
    private CopyPath _to;
    private int _source = -1;
    private int _destination = -1;
    private statx _status;
    private long _cached;

    /// <summary>The extents of the last file.</summary>
    public List<CopyExtent> Extents { get; } = [];

    public void Dispose()
    {
        _second?.Dispose();
        _second = null;
        FreeBuffer();
    }

    private void FreeBuffer()
    {
        NativeMemory.AlignedFree(_buffer);
        _buffer = null;
        _bufferLength = 0;
    }

    /// <summary>The source's, once it is open.</summary>
    public ref readonly statx Status => ref _status;

    /// <summary>Directories are synchronized by whoever copies the tree, and so are files that get their names before.</summary>
    public bool IsInTree { get; init; }

    /// <summary>Opens a regular file to be copied; <see cref="CopyOpened"/> or <see cref="CloseSource"/> closes it.</summary>
    public void Open(in CopyPath from, bool followLinks)
    {
        Extents.Clear();
        Metadata.Losses.Clear();
        _from = from;

        // O_NONBLOCK: a named pipe that came in a file's place would block the open until somebody writes to it.
        SysResult r;
        do
            r = At.openat(_from.Directory, _from.Name, OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK | (followLinks ? 0 : OpenFlags.O_NOFOLLOW));
        while (r.Errno == Errno.EINTR);
        if (!r.Succeeded)
            throw Failure("open", r.Errno, _from, r.Errno == Errno.ENOENT && IsLink(_from) ? "It is a symbolic link that leads to nothing." : null);
        _source = (int)r.Value;
        r = Stat.Of(_source, out _status);
        OneCopyException? refusal = !r.Succeeded ? Failure("statx", r.Errno, _from) : RefusalOf(_status, _from);
        if (refusal is null)
            return;
        CloseSource();
        throw refusal;
    }

    /// <summary>
    /// Copies the file that was opened. A failure is an exception, and leaves no destination that this made. <paramref name="plainDirectory"/>: a new
    /// file in the destination's directory gets this process's group and no access control list.
    /// </summary>
    public CopyOutcome CopyOpened(in CopyPath to, bool plainDirectory)
    {
        _to = to;
        _plainDirectory = plainDirectory;
        try
        {
            cancellation.ThrowIfCancellationRequested();
            if (!OpenDestination())
                return new CopyOutcome(0, 0, SourceChange.None, Skipped: true, Verified: false);
            try
            {
                meter.Expect((long)_status.stx_size);
                SourceChange change = CopyBytes(out long length, out long data);
                bool verified = options.Verify && Verify(length, change);
                KeepMetadata();
                Uncache();
                if (!Publish())
                    return new CopyOutcome(0, 0, SourceChange.None, Skipped: true, Verified: false);
                meter.Done(_from);
                return new CopyOutcome(length, data, change, Skipped: false, verified);
            }
            catch
            {
                Abandon();
                throw;
            }
        }
        finally
        {
            CloseSource();
        }
    }

    public void CloseSource()
    {
        Descriptor.close(_source);
        _source = -1;
    }

    private static bool IsLink(in CopyPath path) =>
        At.statx(path.Directory, path.Name, out statx s).Succeeded && (s.stx_mode & Stat.S_IFMT) == FileKind.S_IFLNK;

    /// <summary>Why a file is not one whose bytes can be copied; null: it is one.</summary>
    public static OneCopyException? RefusalOf(in statx status, in CopyPath path) => (status.stx_mode & Stat.S_IFMT) switch
    {
        Stat.S_IFREG => null,
        Stat.S_IFDIR => new OneCopyException("copy", Errno.EISDIR, path.ToString(), "It is a directory: copy it with CopyTree, or name a file in it."),
        FileKind.S_IFIFO => new OneCopyException("copy", Errno.EINVAL, path.ToString(), "It is a named pipe, which has no content to copy."),
        FileKind.S_IFSOCK => new OneCopyException("copy", Errno.EINVAL, path.ToString(), "It is a socket, which has no content to copy."),
        FileKind.S_IFLNK => new OneCopyException("copy", Errno.ELOOP, path.ToString(), "It is a symbolic link."),
        _ => new OneCopyException("copy", Errno.EINVAL, path.ToString(), "It is a device: only regular files are copied."),
    };

    private static bool SameFile(in statx a, in statx b) =>
        a.stx_ino == b.stx_ino && a.stx_dev_major == b.stx_dev_major && a.stx_dev_minor == b.stx_dev_minor;

    /// <summary>Between two steps: says how far it is, and ends the copy when that is asked for.</summary>
    private void Moved(long bytes)
    {
        meter.Add(_from, bytes);
        _cached += bytes;
        if (options.DontCache && _cached >= UncacheStep)
            Uncache();
        cancellation.ThrowIfCancellationRequested();
    }

    /// <summary>Whole pages, aligned, and kept for the next file.</summary>
    private byte* Buffer(long length)
    {
        if (_bufferLength < length)
        {
            FreeBuffer();
            _buffer = (byte*)NativeMemory.AlignedAlloc((nuint)length, (nuint)_page);
            _bufferLength = length;
        }
        return _buffer;
    }

    private static OneCopyException Failure(string call, int errno, in CopyPath path, string? advice = null) =>
        new(call, errno, path.ToString(), advice ?? AdviceFor(errno));

    private static OneCopyException FailureAt(string call, int errno, in CopyPath path, long offset) =>
        new(call, errno, $"{path}, offset {offset}", AdviceFor(errno));

    private static string? AdviceFor(int errno) => errno switch
    {
        Errno.ENOSPC => "The file system of the destination is full.",
        Errno.EFBIG => "Neither the destination's file system nor this process's limit (ulimit -f) may be exceeded.",
        Errno.EACCES => "This process may not do that with these permissions.",
        Errno.EROFS => "The file system is mounted read-only.",
        Errno.EIO => "The device, or the file server, failed.",
        _ => null,
    };
}
