using System.Runtime.InteropServices;

namespace OneCopy;

/// <summary>A piece of another process's memory: an address as that process sees it, and a length in bytes.</summary>
/// <param name="Address">The first byte's address in the target. Not dereferenced here; a wrong one is a fault, not a crash.</param>
/// <param name="Length">Bytes; 0 is allowed and skipped.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct RemoteSegment(nuint Address, nuint Length);

/// <summary>A piece of this process's native memory: for buffers beyond 2 GiB, or outside the garbage collector's reach.</summary>
/// <remarks>
/// The memory must stay where it is until the transfer returns: never the address of an unpinned managed object. A wrong
/// address ends in <see cref="TransferFault.Local"/>, unless it happens to be memory of something else.
/// </remarks>
/// <param name="Address">The first byte's address in this process.</param>
/// <param name="Length">Bytes; 0 is allowed and skipped.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct LocalSegment(nuint Address, nuint Length)
{
    /// <summary>A piece of native memory.</summary>
    /// <param name="pointer">The first byte.</param>
    /// <param name="length">Bytes.</param>
    public unsafe LocalSegment(void* pointer, nuint length)
        : this((nuint)pointer, length)
    {
    }
}
