using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;
using OneCopy.IO;

namespace OneCopy;

/// <summary>
/// A file that is mapped into memory: a regular one, or memory with a descriptor (memfd_create(2)). Views are made with <see cref="Map()"/> and live on
/// when the file is disposed.
/// </summary>
/// <remarks>All members may be used from several threads at once, also while another one disposes it.</remarks>
public sealed partial class MappedFile : IDisposable
{
    private readonly bool _ownsHandle;
    private volatile bool _disposed;

    private MappedFile(SafeFileHandle handle, bool ownsHandle, MapAccess access, string name)
    {
        Handle = handle;
        _ownsHandle = ownsHandle;
        Access = access;
        Name = name;
        using HandleLease lease = new(handle);
        Statfs.fstatfs(lease.Fd, out statfs status).OrThrow("fstatfs", name);
        HasHugePages = status.f_type == Statfs.HUGETLBFS_MAGIC;
        PageSize = HasHugePages ? status.f_bsize : Environment.SystemPageSize;
    }

    /// <summary>The descriptor: for calls of other libraries, and to be passed to other processes. Closed by <see cref="Dispose"/> if it is this object's own.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>What the file was opened for, and so the most that a shared view can allow. <see cref="MapAccess.Execute"/> is up to its file system.</summary>
    public MapAccess Access { get; }

    /// <summary>The path or the memfd's name, as it was given, for messages.</summary>
    public string Name { get; }

    /// <summary>Bytes in a page of a view: the system's, or the size of huge pages if the file is made of them.</summary>
    public long PageSize { get; }

    /// <summary>The file's length in bytes now. It is asked of the file each time: others may change it.</summary>
    /// <exception cref="OneCopyException">statx(2) failed.</exception>
    /// <exception cref="ObjectDisposedException">The file is disposed.</exception>
    public long Length
    {
        get
        {
            using HandleLease lease = Lease();
            return FileGrowth.LengthOf(lease.Fd, Name);
        }
    }

    internal bool HasHugePages { get; }

    /// <summary>
    /// Makes the file longer or shorter. Longer: the new part is allocated, so that a full file system is an exception here, and the file is as it was.
    /// Shorter: views of the part that goes are damaged when it is touched, in every process.
    /// </summary>
    /// <param name="length">Bytes.</param>
    /// <param name="allocate">False: the new part is a hole, and a file system that fills up is found by the views (<see cref="MappedView.IsDamaged"/>).</param>
    /// <exception cref="OneCopyException">ENOSPC, EDQUOT, EFBIG; EPERM: the file is sealed; EINVAL or EBADF: it was not opened for writing.</exception>
    /// <exception cref="ObjectDisposedException">The file is disposed.</exception>
    public void SetLength(long length, bool allocate = true)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        using HandleLease lease = Lease();
        long now = FileGrowth.LengthOf(lease.Fd, Name);
        if (length > now && allocate)
            FileGrowth.Grow(lease.Fd, now, length, Name);
        else if (length != now)
            FileLength.ftruncate(lease.Fd, length).OrThrow("ftruncate", Name, "Not for a file that is sealed against it, or not opened for writing.");
    }

    /// <summary>Closes the descriptor if it is this object's own. Views stay as they are.</summary>
    public void Dispose()
    {
        _disposed = true;
        if (_ownsHandle)
            Handle.Dispose();
    }

    private HandleLease Lease()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new HandleLease(Handle);
    }
}
