using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>A mapping, unmapped when released.</summary>
internal sealed unsafe class MemoryMapping : SafeHandle
{
    private MemoryMapping(nint address, long length)
        : base(-1, ownsHandle: true)
    {
        SetHandle(address);
        Length = length;
    }

    public long Length { get; }

    public byte* Address => (byte*)handle;

    public override bool IsInvalid => handle == -1;

    /// <summary>Maps a shared file; it may be longer than the file, which then must be grown before the rest is touched.</summary>
    public static MemoryMapping OfFile(SafeHandle file, long offset, long length, Prot prot, string path) => new(
        Mman.mmap(0, (nuint)length, prot, Map.Shared | Map.NoReserve, (int)file.DangerousGetHandle(), offset)
            .OrThrow("mmap", path, "The process may be out of address space or of mappings (vm.max_map_count)."),
        length);

    protected override bool ReleaseHandle() => Mman.munmap(handle, (nuint)Length).Succeeded;
}
