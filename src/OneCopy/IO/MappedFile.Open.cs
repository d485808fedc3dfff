using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;
using OneCopy.IO;

namespace OneCopy;

/// <summary>How a mapped file comes to be.</summary>
public sealed partial class MappedFile
{
    /// <summary>Opens a file that exists.</summary>
    /// <param name="path">The path.</param>
    /// <param name="access"><see cref="MapAccess.Read"/> (enough for private views that are written) or <see cref="MapAccess.ReadWrite"/>; <see cref="MapAccess.Execute"/> may be added.</param>
    /// <exception cref="OneCopyException">open(2) failed: ENOENT, EACCES, EROFS and others; or it is no regular file.</exception>
    public static MappedFile Open(string path, MapAccess access = MapAccess.Read)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Own(SafeFd.Open(path, OpenFlagsFor(access)), access, path);
    }

    /// <summary>Makes a new file of zeros for reading and writing, with all its blocks allocated. It fails if the path exists.</summary>
    /// <param name="path">The path.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="mode">Permissions, less the umask. Default: the owner's alone.</param>
    /// <param name="allocate">False: one big hole, as sparse files are.</param>
    /// <exception cref="OneCopyException">EEXIST: the path is taken; ENOSPC: the file system has no such room, and there is no file then.</exception>
    public static MappedFile Create(string path, long length, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite, bool allocate = true)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        SafeFileHandle handle = SafeFd.Open(path, OpenFlags.O_RDWR | OpenFlags.O_CREAT | OpenFlags.O_EXCL, (uint)mode);
        MappedFile? file = null;
        try
        {
            file = Own(handle, MapAccess.ReadWrite, path);
            file.SetLength(length, allocate);
            return file;
        }
        catch
        {
            Fcntl.unlink(path);
            file?.Dispose();
            throw;
        }
    }

    /// <summary>Takes a file that is open already. What it was opened for is asked of it.</summary>
    /// <param name="handle">A regular file's or a memfd's descriptor, opened for reading at least.</param>
    /// <param name="ownsHandle">Whether <see cref="Dispose"/> closes it.</param>
    /// <exception cref="OneCopyException">fcntl(2) failed; or it is no regular file.</exception>
    /// <exception cref="ArgumentException">It was opened for writing alone: mappings need a file that can be read.</exception>
    public static MappedFile FromHandle(SafeFileHandle handle, bool ownsHandle = false)
    {
        ArgumentNullException.ThrowIfNull(handle);
        using HandleLease lease = new(handle);
        string name = $"descriptor {lease.Fd}";
        MapAccess access = AccessOf(lease.Fd, name);
        RefuseOthers(lease.Fd, name);
        return new MappedFile(handle, ownsHandle, access, name);
    }

    internal static MappedFile Own(SafeFileHandle handle, MapAccess access, string name)
    {
        try
        {
            RefuseOthers(handle.Fd(), name);
            return new MappedFile(handle, ownsHandle: true, access, name);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    private static MapAccess AccessOf(int fd, string name)
    {
        int mode = (int)Descriptor.fcntl(fd, Descriptor.F_GETFL).OrThrow("fcntl(F_GETFL)", name, "No file is open under this number in this process.") & Descriptor.O_ACCMODE;
        return mode switch
        {
            OpenFlags.O_RDONLY => MapAccess.Read,
            OpenFlags.O_RDWR => MapAccess.ReadWrite,
            _ => throw new ArgumentException($"{name} is open for writing alone: mappings need a file that can be read.", nameof(fd)),
        };
    }

    // Devices and pipes have no length that a view could be checked against.
    private static void RefuseOthers(int fd, string name)
    {
        Stat.Of(fd, out statx status).OrThrow("statx", name);
        if ((status.stx_mode & Stat.S_IFMT) != Stat.S_IFREG)
            throw new OneCopyException($"{name} is no regular file: only those, and memfds, are mapped here.");
    }

    private static int OpenFlagsFor(MapAccess access) => (access & ~MapAccess.Execute) switch
    {
        MapAccess.Read => OpenFlags.O_RDONLY,
        MapAccess.ReadWrite => OpenFlags.O_RDWR,
        _ => throw new ArgumentException($"{access}: a mapping needs a file that can be read; Read or ReadWrite, and Execute if wanted.", nameof(access)),
    };
}
