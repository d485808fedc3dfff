using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;
using OneCopy.IO;

namespace OneCopy;

/// <summary>Views that grow inside a reservation of addresses.</summary>
public sealed unsafe partial class MappedView
{
    private SafeFileHandle? _file; // A descriptor of its own: the view may outlive the file object.
    private bool _fileIsWritable;
    private bool _guards;

    /// <summary>The length that the view can grow to; its length if it cannot.</summary>
    public long MaxLength { get; private init; }

    internal static MappedView Growable(MappedFile file, int fd, long offset, long length, long maxLength, MapAccess access, MapOptions options)
    {
        Prot prot = (Prot)access;
        PageRange pages = PageRange.Covering(offset, maxLength, file.PageSize);
        long delta = offset - pages.Offset;
        MemoryMapping map = Create(-1, 0, pages.Length, Prot.None, Map.Private | Map.Anonymous | Map.NoReserve, options, guard: false, "address space", delta);
        SafeFileHandle? own = null;
        try
        {
            own = new SafeFileHandle(Descriptor.fcntl(fd, Descriptor.F_DUPFD_CLOEXEC).OrThrow("fcntl(F_DUPFD_CLOEXEC)", file.Name), ownsHandle: true);
            if (length != 0)
            {
                long end = PageRange.Up(delta + length, file.PageSize);
                SysResult r = map.MapInside(fd, pages.Offset, 0, end, prot, FlagsOf(options));
                r.OrThrow("mmap", file.Name, AdviceFor(r.Errno, Map.None));
                if (Guards(file, access, options))
                    map.GuardUpTo(end, prot);
            }

            return Finish(new MappedView(map, file.Name, offset, delta, length, file.PageSize, prot, options, IsSealed(fd))
            {
                MaxLength = maxLength,
                _file = own,
                _guards = Guards(file, access, options),
                _fileIsWritable = file.Access.HasFlag(MapAccess.Write),
            });
        }
        catch
        {
            own?.Dispose();
            map.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Makes the view longer, and its file where that is shorter, at the same addresses: spans and pins of before stay as they are. The new bytes are allocated in the file,
    /// so that a full file system is an exception here; new pages permit what the view was mapped for. A view of a file that was opened for reading grows over what others have appended.
    /// </summary>
    /// <param name="length">The new length of the view in bytes; not less than now, at most <see cref="MaxLength"/>.</param>
    /// <exception cref="OneCopyException">ENOSPC, EDQUOT, EFBIG, EPERM (sealed): the file and the view are as they were. ENOMEM: too many mappings.</exception>
    /// <exception cref="MappedFileFaultException">The view is damaged, or the file was truncated under it: growth would hide that.</exception>
    /// <exception cref="ArgumentOutOfRangeException">Shorter than now, longer than reserved; or longer than a file that cannot be written.</exception>
    /// <exception cref="NotSupportedException">The view was not made by <see cref="MappedFile.MapGrowable"/>.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public void Grow(long length)
    {
        using HandleLease lease = Hold();
        if (_file is null)
            throw new NotSupportedException("This view cannot grow: MapGrowable makes those that can.");
        lock (_gate)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(length, _length);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(length, MaxLength);
            ThrowIfDamaged();
            if (length == _length)
                return;
            using HandleLease file = new(_file);
            GrowTo(length, file.Fd);
        }
    }

    private void GrowTo(long length, int fd)
    {
        long offset = FileOffset!.Value;
        long have = FileGrowth.LengthOf(fd, _name);

        // Growth would put zeros where bytes of this view were, and nobody would notice.
        if (_length != 0 && have < offset + _length)
            throw Fault("The look before growth", 0, Math.Max(0, have - offset), 0);
        if (!_fileIsWritable && have < offset + length)
            throw new ArgumentOutOfRangeException(nameof(length), length, $"{_name} has {have} bytes, was not opened for writing, and the view begins at {offset}.");
        long from = _length == 0 ? 0 : PageRange.Up(_delta + _length, _pageSize);
        long to = PageRange.Up(_delta + length, _pageSize);

        // The map first: it can be taken back without a trace, which a file's growth cannot. Nobody touches it before the length says so.
        if (to > from)
        {
            SysResult mapped = _map.MapInside(fd, offset - _delta + from, from, to, _prot, FlagsOf(_options));
            mapped.OrThrow("mmap", _name, AdviceFor(mapped.Errno, Map.None));
        }

        try
        {
            if (_fileIsWritable)
                FileGrowth.Grow(fd, offset + _length, offset + length, _name);
            if (to > from && _options.HugePages == HugePages.Transparent)
                Mman.madvise((nint)_map.Address + (nint)from, (nuint)(to - from), Madv.HugePage).OrThrow("madvise", _name);
            if (to > from && _options.Lock)
                Mman.mlock((nint)_map.Address + (nint)from, (nuint)(to - from)).OrThrow("mlock", _name, "More than the user may lock (ulimit -l).");
        }
        catch
        {
            if (to > from)
                _map.ReserveAgain(from, to);
            throw;
        }

        // One that was refused at first is not begun later: then its beginning would be without.
        if (to > from && (from == 0 ? _guards : _map.IsGuarded))
            _map.GuardUpTo(to, _prot);

        // Whatever Protect has changed: the new pages allow what the view was mapped for.
        Interlocked.And(ref _sure, (int)_prot);
        Interlocked.Or(ref _possible, (int)_prot);
        Volatile.Write(ref _length, length);
    }
}
