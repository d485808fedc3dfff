using OneCopy.Interop;
using OneCopy.IO;

namespace OneCopy;

/// <summary>How views are made.</summary>
public sealed partial class MappedFile
{
    /// <summary>Maps the whole file as it is now, shared, with all that it was opened for: mmap(2).</summary>
    /// <exception cref="OneCopyException">As for <see cref="Map(long, long, MapOptions?)"/>.</exception>
    public MappedView Map() => Map(0, Length);

    /// <summary>Maps a part of the file: mmap(2).</summary>
    /// <param name="offset">The first byte; any, it need not lie on a page.</param>
    /// <param name="length">Bytes; any, also 0 and over 2 GiB.</param>
    /// <param name="options">Null: shared, with all that the file was opened for.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is beyond the file's end, and <see cref="MapOptions.Grow"/> was not asked for.</exception>
    /// <exception cref="ArgumentException">The options contradict each other, or the file was not opened for what they want.</exception>
    /// <exception cref="OneCopyException">mmap(2) failed: EACCES, EPERM (execution where the file system is mounted noexec; a sealed file), ENOMEM (address space,
    /// vm.max_map_count, huge pages), EEXIST (the wished address is taken); ENOSPC: the file could not grow; or <see cref="MapOptions.Lock"/> or
    /// <see cref="MapOptions.Populate"/> failed.</exception>
    /// <exception cref="ObjectDisposedException">The file is disposed.</exception>
    public MappedView Map(long offset, long length, MapOptions? options = null)
    {
        (options, MapAccess access) = Check(offset, length, options);
        using HandleLease lease = Lease();
        FitFile(lease.Fd, offset, length, options);
        return MappedView.OfFile(this, lease.Fd, offset, length, access, options);
    }

    /// <summary>
    /// Maps a part of the file in a way that it can grow: <see cref="MappedView.Grow"/> makes file and view longer, and no address changes. Address space for the
    /// longest view is reserved now (PROT_NONE: no memory); it is the only thing that MAP_FIXED ever replaces here.
    /// </summary>
    /// <param name="offset">The first byte; any.</param>
    /// <param name="length">Bytes at first; any, also 0.</param>
    /// <param name="maxLength">Bytes at most.</param>
    /// <param name="options">Must be shared.</param>
    /// <exception cref="ArgumentException">As for <see cref="Map(long, long, MapOptions?)"/>; or the options say private.</exception>
    /// <exception cref="OneCopyException">As for <see cref="Map(long, long, MapOptions?)"/>.</exception>
    public MappedView MapGrowable(long offset, long length, long maxLength, MapOptions? options = null)
    {
        (options, MapAccess access) = Check(offset, length, options);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, length);
        ArgumentOutOfRangeException.ThrowIfZero(maxLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxLength, long.MaxValue - offset - PageSize);
        if (options.Sharing != MapSharing.Shared)
            throw new ArgumentException("A private view cannot grow: its file would grow with it, and what is written to it never gets there.", nameof(options));
        if (HasHugePages)
            throw new ArgumentException($"{Name} is made of huge pages: views of those cannot grow.", nameof(options));
        using HandleLease lease = Lease();
        FitFile(lease.Fd, offset, length, options);
        return MappedView.Growable(this, lease.Fd, offset, length, maxLength, access, options);
    }

    private (MapOptions Options, MapAccess Access) Check(long offset, long length, MapOptions? options)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, long.MaxValue - offset - PageSize);
        options ??= MapOptions.Default;
        options.Validate();
        MapAccess access = options.Access ?? Access;
        if (options.HugePages > HugePages.Transparent)
            throw new ArgumentException("A file has pages of its own size: make a memfd with MemfdOptions.HugePages for huge ones.", nameof(options));
        if (options.Sharing == MapSharing.Shared && access.HasFlag(MapAccess.Write) && !Access.HasFlag(MapAccess.Write))
            throw new ArgumentException($"{Name} was not opened for writing: a shared view of it cannot be written. A private one can.", nameof(options));
        return (options, access);
    }

    private void FitFile(int fd, long offset, long length, MapOptions options)
    {
        long have = FileGrowth.LengthOf(fd, Name);
        long end = offset + length;
        if (options.Grow && !Access.HasFlag(MapAccess.Write))
            throw new ArgumentException($"{Name} was not opened for writing and cannot grow.", nameof(options));
        if (options.Grow)
            FileGrowth.Grow(fd, offset, HasHugePages ? PageRange.Up(end, PageSize) : end, Name);
        else if (end > have)
            throw new ArgumentOutOfRangeException(nameof(length), length, $"{Name} has {have} bytes; {offset} + {length} is beyond its end. MapOptions.Grow makes it longer.");
    }
}
