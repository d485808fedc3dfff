using OneCopy.Interop;

namespace OneCopy.Tests.Memory;

/// <summary>Pages of the test's own process, some without permission.</summary>
internal sealed class LocalPages : IDisposable
{
    private readonly nuint _length;

    public LocalPages(long pages)
    {
        _length = (nuint)pages * HeldMemory.Page;
        Address = (nuint)Mman.mmap(0, _length, Prot.Read | Prot.Write, Map.Private | Map.Anonymous | Map.NoReserve, -1, 0).OrThrow("mmap");
    }

    public nuint Address { get; }

    public void Forbid(int page) =>
        Mman.mprotect((nint)(Address + ((nuint)page * HeldMemory.Page)), HeldMemory.Page, Prot.None).OrThrow("mprotect");

    public void Dispose() => Mman.munmap((nint)Address, _length);
}
