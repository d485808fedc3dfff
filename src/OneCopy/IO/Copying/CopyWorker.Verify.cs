using OneCopy.Interop;

namespace OneCopy;

/// <content>After the copy: the comparison, and the page cache.</content>
internal sealed unsafe partial class CopyWorker
{
    /// <summary>Both files from their beginning, byte by byte. True: they are equal. False: the source changed, and has no content to compare with.</summary>
    private bool Verify(long length, SourceChange change)
    {
        if (options.Durability != CopyDurability.None)
        {
            SysResult r = FileLength.fdatasync(_destination);
            if (!r.Succeeded)
                throw Failure("fdatasync", r.Errno, _to);
            FileLength.posix_fadvise(_destination, 0, 0, Fadvise.DontNeed);
        }

        long room = RoundToPages(options.BufferLength);
        byte* ours = Buffer(2 * room);
        byte* theirs = ours + room;
        for (long offset = 0; offset < length;)
        {
            long n = Math.Min(room, length - offset);
            long read = ReadFully(_source, ours, n, offset, _from);
            if (ReadFully(_destination, theirs, n, offset, _to) != n)
                throw Difference(length, offset);
            int same = new ReadOnlySpan<byte>(ours, (int)read).CommonPrefixLength(new ReadOnlySpan<byte>(theirs, (int)n));
            if (same < n)
                return change == SourceChange.None && !HasChanged() ? throw Difference(length, offset + same) : false;
            offset += n;
            cancellation.ThrowIfCancellationRequested();
        }
        return true;
    }

    private OneCopyException Difference(long length, long offset) =>
        new("verify", Errno.EIO, _to.ToString(), $"The copy differs from {_from} at offset {offset} of {length}: memory, the device or its driver is at fault.");

    private bool HasChanged() => !Stat.Of(_source, out statx now).Succeeded || now.stx_size != _status.stx_size
        || now.stx_mtime.tv_sec != _status.stx_mtime.tv_sec || now.stx_mtime.tv_nsec != _status.stx_mtime.tv_nsec;

    private static long ReadFully(int fd, byte* buffer, long length, long offset, in CopyPath path)
    {
        long done = 0;
        while (done < length)
        {
            SysResult r = Fcntl.pread(fd, buffer + done, (nuint)(length - done), offset + done);
            if (r.Errno == Errno.EINTR)
                continue;
            if (!r.Succeeded)
                throw FailureAt("pread", r.Errno, path, offset + done);
            if (r.Value == 0)
                break;
            done += r.Value;
        }
        return done;
    }

    /// <summary>After so many bytes a copy that is to leave the page cache alone gives its pages back.</summary>
    private const long UncacheStep = 64 << 20;

    /// <summary>Gives the pages of both files back. Pages that are not yet written stay, so the destination's are written first.</summary>
    private void Uncache()
    {
        if (!options.DontCache)
            return;
        SysResult r = FileLength.fdatasync(_destination);
        if (!r.Succeeded)
            throw Failure("fdatasync", r.Errno, _to);
        FileLength.posix_fadvise(_destination, 0, 0, Fadvise.DontNeed);
        FileLength.posix_fadvise(_source, 0, 0, Fadvise.DontNeed);
        _cached = 0;
    }
}
