namespace OneCopy.Interop;

/// <summary>The mappings behind views: of every kind, at a wished address, or inside a reservation.</summary>
internal sealed unsafe partial class MemoryMapping
{
    /// <summary>Whether touching what the file has lost is no SIGBUS.</summary>
    public bool IsGuarded => _guard.Slot != 0;

    /// <summary>mmap(2) of whole pages. <paramref name="fd"/> is -1 for memory in no file.</summary>
    /// <param name="fd">The file, kept open by the caller.</param>
    /// <param name="offset">A multiple of the page size.</param>
    /// <param name="length">A multiple of the page size, and of the huge page size for huge pages; not 0.</param>
    /// <param name="prot">What is allowed.</param>
    /// <param name="flags">Without those for fixed addresses.</param>
    /// <param name="address">0, or where it must be; nothing that is mapped there is replaced (EEXIST).</param>
    /// <param name="guard">Whether to register it with the guard.</param>
    /// <param name="mapping">The mapping, if the call succeeded.</param>
    public static SysResult TryMap(int fd, long offset, long length, Prot prot, Map flags, nint address, bool guard, out MemoryMapping? mapping)
    {
        mapping = null;
        SysResult r = Mman.mmap(address, (nuint)length, prot, address == 0 ? flags : flags | Map.Fixed_NoReplace, fd, offset);
        if (!r.Succeeded)
            return r;

        // Kernels before 4.17 take the flag for a hint.
        if (address != 0 && r.Value != address)
        {
            Mman.munmap(r.Value, (nuint)length);
            return SysResult.Failed(Errno.EEXIST);
        }

        mapping = new MemoryMapping(r.Value, length, prot, guard);
        return r;
    }

    /// <summary>Nothing: no address, no bytes.</summary>
    public static MemoryMapping OfNothing() => new(0, 0, Prot.None, guard: false);

    /// <summary>
    /// Maps a file over pages of this reservation that are nobody's yet. MAP_FIXED replaces what is there: it stays inside what this object owns. Its guard
    /// comes with <see cref="GuardUpTo"/>, when the file has those pages.
    /// </summary>
    /// <param name="fd">The file, kept open by the caller.</param>
    /// <param name="fileOffset">Where in the file this piece begins.</param>
    /// <param name="from">Where in the reservation it begins, a multiple of the page size.</param>
    /// <param name="to">Where it ends, another one.</param>
    /// <param name="prot">What is allowed.</param>
    /// <param name="flags">Without those for fixed addresses.</param>
    public SysResult MapInside(int fd, long fileOffset, long from, long to, Prot prot, Map flags)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(to, Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(from, to);
        return Mman.mmap(handle + (nint)from, (nuint)(to - from), prot, flags | Map.Fixed, fd, fileOffset);
    }

    /// <summary>Makes a piece nobody's again.</summary>
    public void ReserveAgain(long from, long to) =>
        MapInside(-1, 0, from, to, Prot.None, Map.Private | Map.Anonymous | Map.NoReserve).OrThrow("mmap");

    /// <summary>The mapping is a file's up to here now.</summary>
    public void GuardUpTo(long to, Prot prot)
    {
        if (IsGuarded)
            MappingGuard.Extend(_guard, to);
        else
            _guard = MappingGuard.Register(handle, to, prot);
    }

    /// <summary>mprotect(2) on whole pages; the guard knows of it before.</summary>
    public SysResult Protect(long offset, long length, Prot prot)
    {
        MappingGuard.Widen(_guard, prot);
        return Mman.mprotect(handle + (nint)offset, (nuint)length, prot);
    }
}
