using System.Runtime.InteropServices;
using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>
/// One instruction that .NET does not have, as a function: fetch a cache line to write it. Where memory may not be made executable, or the processor is another one, there is none: it would only be faster.
/// </summary>
internal static unsafe class PrefetchCode
{
    // prefetchw [rdi]; ret
    private static ReadOnlySpan<byte> X64 => [0x0F, 0x0D, 0x0F, 0xC3];

    // prfm pstl1keep, [x0]; ret
    private static ReadOnlySpan<byte> Arm64 => [0x10, 0x00, 0x80, 0xF9, 0xC0, 0x03, 0x5F, 0xD6];

    /// <summary>Empty: for no other processor.</summary>
    public static ReadOnlySpan<byte> For(Architecture architecture) => architecture switch
    {
        Architecture.X64 => X64,
        Architecture.Arm64 => Arm64,
        _ => [],
    };

    /// <summary>For as long as the process lives; null: not here.</summary>
    public static delegate* unmanaged[SuppressGCTransition]<void*, void> Install()
    {
        ReadOnlySpan<byte> code = For(RuntimeInformation.ProcessArchitecture);
        if (code.IsEmpty)
            return null;
        SysResult loaded = MachineCode.Load(code);
        return loaded.Succeeded ? (delegate* unmanaged[SuppressGCTransition]<void*, void>)loaded.Value : null;
    }
}
