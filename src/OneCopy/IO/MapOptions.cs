namespace OneCopy;

/// <summary>What may be done with a mapped file, a view, or pages of a view: PROT_* of mmap(2).</summary>
[Flags]
public enum MapAccess
{
    /// <summary>Nothing: touching such pages ends the process with SIGSEGV (the methods of the view throw).</summary>
    None = 0,

    /// <summary>Reading.</summary>
    Read = 1,

    /// <summary>Writing. Processors of today let pages that can be written be read as well.</summary>
    Write = 2,

    /// <summary>Reading and writing.</summary>
    ReadWrite = Read | Write,

    /// <summary>Execution. A file system mounted with noexec refuses it (EPERM).</summary>
    Execute = 4,
}

/// <summary>Where what is written to a view goes.</summary>
public enum MapSharing
{
    /// <summary>MAP_SHARED: to the file, and to everybody who has it mapped or reads it.</summary>
    Shared,

    /// <summary>MAP_PRIVATE: to copies of the pages that are this view's own; the file never changes.</summary>
    Private,
}

/// <summary>Which pages a view or a memfd is made of.</summary>
public enum HugePages
{
    /// <summary>The system's own.</summary>
    None,

    /// <summary>MADV_HUGEPAGE: the system's own, which the kernel may join to huge ones. A wish; it never fails for want of memory.</summary>
    Transparent,

    /// <summary>MAP_HUGETLB: pages of the default huge size from the pool that the administrator set aside (vm.nr_hugepages).</summary>
    Reserved,

    /// <summary>MAP_HUGETLB with pages of 2 MiB.</summary>
    Reserved2MiB,

    /// <summary>MAP_HUGETLB with pages of 1 GiB.</summary>
    Reserved1GiB,
}

/// <summary>How a view is mapped. The default is a shared view of a file with all that the file was opened for.</summary>
public sealed record MapOptions
{
    /// <summary>Shared or private. Default: shared.</summary>
    public MapSharing Sharing { get; init; }

    /// <summary>What the view allows. Null (the default): what the file was opened for; reading and writing for memory without a file.</summary>
    public MapAccess? Access { get; init; }

    /// <summary>
    /// The pages' kind. Of a file they are the file's own kind, so that only <see cref="HugePages.Transparent"/> can be asked for; make a memfd of
    /// huge pages with <see cref="MemfdOptions.HugePages"/>.
    /// </summary>
    public HugePages HugePages { get; init; }

    /// <summary>
    /// Brings every page in while mapping. Unlike MAP_POPULATE, which keeps quiet, a page that cannot be had is an exception and no view. Linux 5.14 or
    /// later.
    /// </summary>
    public bool Populate { get; init; }

    /// <summary>MAP_NORESERVE: no swap space is set aside for pages that are written privately. Not with reserved huge pages, where it would mean SIGBUS.</summary>
    public bool NoReserve { get; init; }

    /// <summary>mlock(2): every page is brought in and stays in memory. Limited by RLIMIT_MEMLOCK for users other than root.</summary>
    public bool Lock { get; init; }

    /// <summary>
    /// The file grows to hold the view, with real allocation: a full file system is an exception here and no SIGBUS later. Without it a view beyond
    /// the file's end is refused.
    /// </summary>
    public bool Grow { get; init; }

    /// <summary>
    /// Default true: where the file loses pages, or the file system has no room under a hole, the view reads zeros and is marked
    /// (<see cref="MappedView.IsDamaged"/>), in place of SIGBUS. The docs page on files says where that cannot be had; <see cref="MappedView.IsGuarded"/> says whether
    /// a view has it.
    /// </summary>
    public bool Guard { get; init; } = true;

    /// <summary>
    /// The wished address of the view's first byte; null (the default): the kernel's choice. As far into a page as the view's offset in the file is.
    /// Nothing that is mapped there is ever replaced: it is EEXIST then (MAP_FIXED_NOREPLACE).
    /// </summary>
    public nuint? Address { get; init; }

    internal static MapOptions Default { get; } = new();

    internal const MapAccess AllAccess = MapAccess.ReadWrite | MapAccess.Execute;

    internal void Validate()
    {
        if (Sharing is not (MapSharing.Shared or MapSharing.Private))
            throw new ArgumentException($"Sharing {Sharing} is not known.", nameof(MapOptions));
        if (!Enum.IsDefined(HugePages))
            throw new ArgumentException($"Huge pages {HugePages} are not known.", nameof(MapOptions));
        if (Access is MapAccess access && (access & ~AllAccess) != MapAccess.None)
            throw new ArgumentException($"Access {access} has flags that are not known.", nameof(MapOptions));
        if (NoReserve && HugePages > HugePages.Transparent)
            throw new ArgumentException("NoReserve and reserved huge pages exclude each other: touching a page that the pool does not have would be SIGBUS.", nameof(MapOptions));
    }
}
