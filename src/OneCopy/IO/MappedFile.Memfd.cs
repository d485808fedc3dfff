using OneCopy.Interop;
using OneCopy.IO;

namespace OneCopy;

/// <summary>How a memfd is made.</summary>
public sealed record MemfdOptions
{
    /// <summary>Whether <see cref="MappedFile.Seal"/> will be possible. Default true.</summary>
    public bool AllowSealing { get; init; } = true;

    /// <summary>
    /// <see cref="OneCopy.HugePages.Reserved"/> and its kin: the file is made of huge pages, its length a multiple of them, and views of it cannot be guarded against
    /// SIGBUS: seal it against shrinking.
    /// </summary>
    public HugePages HugePages { get; init; }

    /// <summary>Takes the memory now. Default false: at the first touch of each page.</summary>
    public bool Allocate { get; init; }
}

/// <summary>What can never be done with a memfd again, by anybody: F_SEAL_* of fcntl(2).</summary>
[Flags]
public enum FileSeals
{
    /// <summary>Nothing is sealed.</summary>
    None = 0,

    /// <summary>No more seals.</summary>
    Seal = Memfd.F_SEAL_SEAL,

    /// <summary>The file cannot become shorter: with this, no view of it can raise SIGBUS for truncation.</summary>
    Shrink = Memfd.F_SEAL_SHRINK,

    /// <summary>Nor longer.</summary>
    Grow = Memfd.F_SEAL_GROW,

    /// <summary>Nobody writes. EBUSY while there is a shared view that can.</summary>
    Write = Memfd.F_SEAL_WRITE,

    /// <summary>Nobody writes but through shared views that exist. Linux 5.1.</summary>
    FutureWrite = Memfd.F_SEAL_FUTURE_WRITE,
}

/// <summary>Memory with a descriptor, and seals.</summary>
public sealed partial class MappedFile
{
    /// <summary>Makes a file that is nowhere but in memory, for as long as a descriptor or a view of it exists: memfd_create(2).</summary>
    /// <param name="name">For /proc; any number may have the same. At most 249 bytes.</param>
    /// <param name="length">Bytes; with reserved huge pages, rounded up to whole ones.</param>
    /// <param name="options">Null: sealable, ordinary pages.</param>
    /// <exception cref="OneCopyException">memfd_create(2) or ftruncate(2) failed; ENOMEM with huge pages: the pool is empty.</exception>
    public static MappedFile CreateMemfd(string name, long length, MemfdOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        options ??= new MemfdOptions();
        if (!Enum.IsDefined(options.HugePages))
            throw new ArgumentException($"Huge pages {options.HugePages} are not known.", nameof(options));
        uint flags = options.AllowSealing ? Memfd.MFD_ALLOW_SEALING : 0;
        if (options.HugePages > HugePages.Transparent)
            flags |= Memfd.MFD_HUGETLB | ((uint)HugePageFlags.SizeBits(options.HugePages) << Mman.MAP_HUGE_SHIFT);
        SysResult made = Memfd.memfd_create(name, flags);
        made.OrThrow("memfd_create", name, options.HugePages > HugePages.Transparent ? HugePageFlags.Advice : null);
        MappedFile file = Own(SafeFd.Of(made), MapAccess.ReadWrite, name);
        try
        {
            long whole = file.HasHugePages ? PageRange.Up(length, file.PageSize) : length;
            FileLength.ftruncate((int)made.Value, whole).OrThrow("ftruncate", name);
            if (options.Allocate && whole != 0)
                FileLength.fallocate((int)made.Value, 0, 0, whole).OrThrow("fallocate", name, file.HasHugePages ? HugePageFlags.Advice : null);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The seals that the file has.</summary>
    /// <exception cref="OneCopyException">EINVAL: it is a file that cannot have any.</exception>
    public FileSeals Seals
    {
        get
        {
            using HandleLease lease = Lease();
            return (FileSeals)Descriptor.fcntl(lease.Fd, Descriptor.F_GET_SEALS).OrThrow("fcntl(F_GET_SEALS)", Name, "Only memfds and files of tmpfs have seals.");
        }
    }

    /// <summary>Adds seals: from now on, and for everybody who has the file, what they name fails with EPERM. They cannot be taken off.</summary>
    /// <param name="seals">What to forbid.</param>
    /// <exception cref="OneCopyException">EPERM: it was made without <see cref="MemfdOptions.AllowSealing"/>, is sealed with <see cref="FileSeals.Seal"/>, or was
    /// not opened for writing. EBUSY: <see cref="FileSeals.Write"/> while a shared view can write. EINVAL: it is no memfd.</exception>
    public void Seal(FileSeals seals)
    {
        const FileSeals Known = FileSeals.Seal | FileSeals.Shrink | FileSeals.Grow | FileSeals.Write | FileSeals.FutureWrite;
        if ((seals & ~Known) != FileSeals.None)
            throw new ArgumentException($"Seals {seals} are not known.", nameof(seals));
        using HandleLease lease = Lease();
        SysResult r = Descriptor.fcntl(lease.Fd, Descriptor.F_ADD_SEALS, (nint)(int)seals);
        r.OrThrow("fcntl(F_ADD_SEALS)", Name, r.Errno switch
        {
            Errno.EBUSY => "A shared view exists that can write: dispose it, or take FutureWrite.",
            Errno.EPERM => "It was made without AllowSealing, is sealed against seals, or was not opened for writing.",
            Errno.EINVAL => "Only memfds and files of tmpfs have seals.",
            _ => null,
        });
    }
}
