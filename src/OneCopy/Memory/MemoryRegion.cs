namespace OneCopy;

/// <summary>What a region of memory allows: PROT_* of mmap(2).</summary>
[Flags]
public enum MemoryProtection
{
    /// <summary>No access at all: PROT_NONE.</summary>
    None = 0,

    /// <summary>May be read.</summary>
    Read = 1,

    /// <summary>May be written.</summary>
    Write = 2,

    /// <summary>May be executed.</summary>
    Execute = 4,
}

/// <summary>One line of a process's map, /proc/PID/maps (proc_pid_maps(5)): a range of addresses that were mapped alike.</summary>
public sealed partial record MemoryRegion
{
    /// <summary>The first address.</summary>
    public required nuint Start { get; init; }

    /// <summary>The address behind the last byte.</summary>
    public required nuint End { get; init; }

    /// <summary>Bytes, a multiple of the page size.</summary>
    public nuint Length => End - Start;

    /// <summary>What the region allows.</summary>
    public required MemoryProtection Protection { get; init; }

    /// <summary>MAP_SHARED: writes are seen by every process that has it mapped. Otherwise private, copied on write.</summary>
    public required bool IsShared { get; init; }

    /// <summary>Where in the file the region begins, in bytes; 0 for memory without a file.</summary>
    public required long Offset { get; init; }

    /// <summary>The file's device as "major:minor" in hexadecimal; "00:00" for memory without a file.</summary>
    public required string Device { get; init; }

    /// <summary>The file's inode number; 0 for memory without a file.</summary>
    public required long Inode { get; init; }

    /// <summary>The file's path, a name in brackets such as "[heap]" or "[stack]", or null for nameless memory.</summary>
    public required string? Path { get; init; }

    /// <summary>Whether the file was deleted since it was mapped. (A file whose name really ends in " (deleted)" looks the same.)</summary>
    public bool IsDeleted { get; init; }

    /// <summary>Whether an address lies in the region.</summary>
    /// <param name="address">An address of the target.</param>
    public bool Contains(nuint address) => address >= Start && address < End;

    /// <summary>The line as the kernel writes it, with the length in place of the device and the inode.</summary>
    public override string ToString() => $"{Start:x12}-{End:x12} {ProtectionText} {Length} {Offset:x8} {Path}".TrimEnd();

    internal string ProtectionText => string.Create(4, this, static (text, region) =>
    {
        text[0] = region.Protection.HasFlag(MemoryProtection.Read) ? 'r' : '-';
        text[1] = region.Protection.HasFlag(MemoryProtection.Write) ? 'w' : '-';
        text[2] = region.Protection.HasFlag(MemoryProtection.Execute) ? 'x' : '-';
        text[3] = region.IsShared ? 's' : 'p';
    });
}
