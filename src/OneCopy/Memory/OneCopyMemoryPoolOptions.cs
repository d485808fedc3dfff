namespace OneCopy;

/// <summary>How a pool takes its memory, and how much of it it keeps.</summary>
public sealed record OneCopyMemoryPoolOptions
{
    /// <summary>
    /// How many bytes may be kept for later rentals; what was asked for least recently goes first. A buffer that is larger is never kept. 0: nothing is kept. Default: an
    /// eighth of the memory that this process may use, 1 GiB at most.
    /// </summary>
    public long MaxKeptBytes { get; init; } = Math.Min(1L << 30, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 8);

    /// <summary>
    /// Whether buffers of half a huge page (1 MiB, mostly) and more take whole ones, are aligned to one and asked to be made of them (MADV_HUGEPAGE). The kernel may have none, or be told to
    /// give none (/sys/kernel/mm/transparent_hugepage/enabled, and shmem_enabled beside it for <see cref="Shared"/> ones, mostly "never"); then the pages are small. Default true.
    /// </summary>
    public bool HugePages { get; init; } = true;

    /// <summary>
    /// Whether buffers of 16 KiB and more are made so that other processes of this user can map them (memfd_create(2), one descriptor each): then a payload in one is copied without the kernel's help, and into one the
    /// sender copies without it too, which is two to four times as fast. It is memory of the same kind, but counted as shared. Where no such file can be made, where a quarter of the descriptors is taken, without <see cref="Touch"/> and
    /// for smaller ones the memory is this process's alone. Default true.
    /// </summary>
    public bool Shared { get; init; } = true;

    /// <summary>
    /// Whether the pages are there when the buffer is handed out (MADV_POPULATE_WRITE), rather than taken one by one as they are touched. Default true.
    /// </summary>
    public bool Touch { get; init; } = true;

    internal void Validate() => ArgumentOutOfRangeException.ThrowIfNegative(MaxKeptBytes);
}

/// <summary>What a pool holds, in bytes of whole buffers (size classes), and what it has done.</summary>
public readonly record struct OneCopyMemoryPoolStatistics
{
    /// <summary>Bytes of the buffers that are rented, or disposed and still pinned.</summary>
    public long RentedBytes { get; init; }

    /// <summary>How many those are.</summary>
    public int RentedBuffers { get; init; }

    /// <summary>Bytes kept for later rentals.</summary>
    public long KeptBytes { get; init; }

    /// <summary>How many buffers those are.</summary>
    public int KeptBuffers { get; init; }

    /// <summary>
    /// Of all these, bytes for which huge pages were asked for and not refused. What the kernel gave say AnonHugePages and ShmemPmdMapped in /proc/self/smaps.
    /// </summary>
    public long HugePageBytes { get; init; }

    /// <summary>How many rentals needed new memory.</summary>
    public long Mapped { get; init; }

    /// <summary>How many rentals were given kept memory.</summary>
    public long Reused { get; init; }
}
