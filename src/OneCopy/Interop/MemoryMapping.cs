using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>A mapping of a file, unmapped when released. Touching what the file has lost is no SIGBUS (<see cref="MappingGuard"/>).</summary>
internal sealed unsafe partial class MemoryMapping : SafeHandle
{
    private GuardedMapping _guard;

    private MemoryMapping(nint address, long length, Prot prot, bool guard = true)
        : base(-1, ownsHandle: true)
    {
        SetHandle(address);
        Length = length;
        if (guard)
            _guard = MappingGuard.Register(address, length, prot);
    }

    public long Length { get; }

    public byte* Address => (byte*)handle;

    /// <summary>Whether somebody has truncated the file under this mapping, and a page that is missing was touched.</summary>
    public bool IsDamaged => _guard.IsDamaged;

    /// <summary>Its file was found to be shorter than it must be.</summary>
    public void MarkDamaged() => MappingGuard.MarkDamaged(_guard);

    public override bool IsInvalid => handle == -1;

    /// <summary>Maps a shared file; it may be longer than the file, which then must be grown before the rest is touched.</summary>
    public static MemoryMapping OfFile(SafeHandle file, long offset, long length, Prot prot, string path) => new(
        Mman.mmap(0, (nuint)length, prot, Map.Shared | Map.NoReserve, (int)file.DangerousGetHandle(), offset)
            .OrThrow("mmap", path, "The process may be out of address space or of mappings (vm.max_map_count)."),
        length,
        prot);

    /// <summary>Memory that is in no file, and zero.</summary>
    public static MemoryMapping OfZeros(long length) => new(
        Mman.mmap(0, (nuint)length, Prot.Read | Prot.Write, Map.Private | Map.Anonymous | Map.NoReserve, -1, 0).OrThrow("mmap"), length, Prot.Read | Prot.Write);

    protected override bool ReleaseHandle()
    {
        MappingGuard.Unregister(_guard);
        return Length == 0 || Mman.munmap(handle, (nuint)Length).Succeeded;
    }
}
