using System.Runtime.InteropServices;
using OneCopy.Interop;

namespace OneCopy;

/// <content>The destination's name: made or taken, given at the end, and taken back after a failure.</content>
internal sealed unsafe partial class CopyWorker
{
    private const uint OwnerOnly = 0x180; // 0600

    private bool _plainDirectory;

    /// <summary>This made the file that the descriptor leads to.</summary>
    private bool _isNew;

    /// <summary>The file at hand has the destination's name.</summary>
    private bool _isNamed;

    /// <summary>The file that was there, as it was before it was emptied.</summary>
    private statx _before;

    /// <summary>Opens a destination of length 0 that nobody else may read yet, or, with what is there left alone, says no.</summary>
    private bool OpenDestination()
    {
        _isNew = false;
        _isNamed = false;

        // Somebody may make and remove the file while this looks at it; who does that a hundred times wants no copy there.
        for (int attempt = 0; attempt < 100; attempt++)
        {
            SysResult r = options.Atomic ? OpenAtomic() : At.openat(_to.Directory, _to.Name, OpenFlags.O_RDWR | OpenFlags.O_CREAT | OpenFlags.O_EXCL, OwnerOnly);
            if (r.Succeeded)
            {
                _destination = (int)r.Value;
                _isNew = true;
                _isNamed = !options.Atomic;
                return true;
            }
            if (r.Errno == Errno.EINTR)
                continue;
            if (r.Errno != Errno.EEXIST)
                throw Failure("open", r.Errno, _to);
            if (options.Existing == ExistingFile.Skip)
                return false;
            if (options.Existing == ExistingFile.Fail)
                throw Failure("open", Errno.EEXIST, _to, "It exists, and was not to be replaced.");
            if (OpenExisting())
                return true;
        }
        throw Failure("open", Errno.EBUSY, _to, "Somebody makes and removes it all the time.");
    }

    /// <summary>In place: checked before it is opened (to open a device can do things), and again when it is.</summary>
    private bool OpenExisting()
    {
        SysResult r = At.statx(_to.Directory, _to.Name, out _before, followLinks: true);
        if (r.Errno == Errno.ENOENT)
        {
            if (IsLink(_to))
                throw Failure("open", Errno.ENOENT, _to, "It is a symbolic link that leads to nothing: nothing is made where it points.");
            return false;
        }
        if (!r.Succeeded)
            throw Failure("statx", r.Errno, _to);
        RefuseDestination(_before);

        int access = NeedsToReadDestination ? OpenFlags.O_RDWR : OpenFlags.O_WRONLY;
        r = At.openat(_to.Directory, _to.Name, access | OpenFlags.O_NONBLOCK);
        if (r.Errno is Errno.ENOENT or Errno.EINTR)
            return false;
        if (!r.Succeeded)
            throw Failure("open", r.Errno, _to);
        int fd = (int)r.Value;
        try
        {
            r = Stat.Of(fd, out _before);
            if (!r.Succeeded)
                throw Failure("statx", r.Errno, _to);
            RefuseDestination(_before);

            // What the copy will not show to others is not shown while it is made; a file of somebody else's keeps its mode meanwhile.
            if (options.Preserve.HasFlag(FileMetadata.Mode))
                Permissions.fchmod(fd, (uint)(_before.stx_mode & _status.stx_mode & 0x1FF) | (uint)(_before.stx_mode & OwnerOnly));
            r = FileLength.ftruncate(fd, 0);
            if (!r.Succeeded)
                throw Failure("ftruncate", r.Errno, _to);
        }
        catch
        {
            FileLength.close(fd);
            throw;
        }
        _destination = fd;
        _isNamed = true;
        return true;
    }

    private bool NeedsToReadDestination => options.Verify || options.Engine == CopyEngine.Mapped;

    private void RefuseDestination(in statx there)
    {
        if (SameFile(there, _status))
            throw new OneCopyException("copy", Errno.EINVAL, $"{_from} and {_to}", "They are the same file: nothing was changed.");
        if (RefusalOf(there, _to) is OneCopyException refusal)
            throw refusal;
    }

    /// <summary>The last steps: what must be on the medium gets there, and the name is given. False: somebody took the name, and it was to be left alone.</summary>
    private bool Publish()
    {
        if (options.Durability != CopyDurability.None && (options.Atomic || !IsInTree))
        {
            bool full = options.Durability == CopyDurability.Full;
            SysResult r = full ? FileLength.fsync(_destination) : FileLength.fdatasync(_destination);
            if (!r.Succeeded)
                throw Failure(full ? "fsync" : "fdatasync", r.Errno, _to);
        }
        if (options.Atomic)
        {
            if (!GiveName())
                return false;
        }
        else
        {
            CloseDestination();
        }
        if (options.Durability == CopyDurability.Full && !IsInTree)
            SyncDirectory();
        return true;
    }

    /// <summary>A network file system says here, at the latest, that it could not write.</summary>
    private void CloseDestination()
    {
        SysResult r = FileLength.close(_destination);
        _destination = -1;
        if (r.Succeeded)
            return;
        if (_isNew && _isNamed)
            At.unlinkat(_to.Directory, _to.Name);
        throw Failure("close", r.Errno, _to);
    }

    private void SyncDirectory()
    {
        ReadOnlySpan<byte> here = "."u8;
        SysResult r;
        fixed (byte* dot = here)
            r = At.openat(_to.Directory, dot, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
        if (!r.Succeeded)
            throw Failure("open", r.Errno, _to, "The directory cannot be opened to be synchronized; the copy is complete.");
        int fd = (int)r.Value;
        r = FileLength.fsync(fd);
        FileLength.close(fd);

        // EINVAL: this file system has nothing to synchronize in a directory.
        if (!r.Succeeded && r.Errno != Errno.EINVAL)
            throw Failure("fsync", r.Errno, _to, "The directory was not synchronized; the copy is complete.");
    }

    /// <summary>After a failure: no part of a copy stays under the destination's name, unless somebody else has taken it.</summary>
    private void Abandon()
    {
        RemoveTemporary();
        if (_destination < 0)
            return;
        bool removed = _isNamed && Stat.Of(_destination, out statx ours).Succeeded
            && At.statx(_to.Directory, _to.Name, out statx named).Succeeded && SameFile(ours, named) && At.unlinkat(_to.Directory, _to.Name).Succeeded;

        // Reached by a symbolic link, or by another name, too: what is left is at least not taken for a copy.
        if (!_isNew || !removed)
            FileLength.ftruncate(_destination, 0);
        FileLength.close(_destination);
        _destination = -1;
    }
}
