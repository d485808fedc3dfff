using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace OneCopy.Messaging;

/// <summary>Hints to the processor: each is one instruction where there is one, and nothing elsewhere. No ordering, no faults.</summary>
internal static unsafe class Processor
{
    private static readonly delegate* unmanaged[SuppressGCTransition]<void*, void> s_prefetchForWrite = PrefetchCode.Install();

    /// <summary>The line will be read soon; another processor has it now, most likely. (.NET has no such instruction for arm64.)</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(void* address)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(address);
    }

    /// <summary>The line will be written soon, by an exchange that would wait for it: it is fetched at once, to be written. .NET has no such instruction, so it is a call of one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void PrefetchForWrite(void* address)
    {
        if (s_prefetchForWrite != null)
            s_prefetchForWrite(address);
    }

    /// <summary>In a loop that waits for another processor: some tens of nanoseconds, and the other threads of the core get on. Thread.SpinWait waits far longer at the least.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pause()
    {
        if (X86Base.IsSupported)
            X86Base.Pause();
        else if (ArmBase.IsSupported)
            ArmBase.Yield();
    }
}
