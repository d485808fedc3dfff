namespace OneCopy.Interop;

/// <summary>A few instructions that C# cannot say, in memory of their own.</summary>
internal static unsafe class MachineCode
{
    /// <summary>
    /// A copy that can be executed, for as long as the process lives; its address. Never writable and executable at once. Where caches of data and instructions differ (arm64), the kernel makes them
    /// agree when a page becomes executable. ENOMEM, or what mprotect(2) says where memory may not be made executable.
    /// </summary>
    public static SysResult Load(ReadOnlySpan<byte> code)
    {
        SysResult page = Mman.mmap(0, (nuint)code.Length, Prot.Read | Prot.Write, Map.Private | Map.Anonymous, -1, 0);
        if (!page.Succeeded)
            return page;
        code.CopyTo(new Span<byte>((void*)page.Value, code.Length));
        SysResult executable = Mman.mprotect(page.Value, (nuint)code.Length, Prot.Read | Prot.Exec);
        if (executable.Succeeded)
            return page;
        Mman.munmap(page.Value, (nuint)code.Length);
        return executable;
    }
}
