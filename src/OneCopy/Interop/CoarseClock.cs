using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>
/// The time of day as of the kernel's last tick (clock_gettime(2), CLOCK_REALTIME_COARSE), by a call of the function that the kernel maps into each process (vdso(7)): half of what the time costs that .NET keeps by the tick,
/// and a third of a look at the clock itself. Each message has it.
/// </summary>
internal static unsafe class CoarseClock
{
    private const int CLOCK_REALTIME_COARSE = 5;

    private static readonly delegate* unmanaged[SuppressGCTransition]<int, timespec*, int> s_gettime = (delegate* unmanaged[SuppressGCTransition]<int, timespec*, int>)Find();

    /// <summary>Since 1970, UTC; up to a tick ago, which is 1 to 10 ms, or somewhat more where a tick is late.</summary>
    public static long Microseconds
    {
        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            timespec time;
            s_gettime(CLOCK_REALTIME_COARSE, &time);
            return (time.tv_sec * 1_000_000) + ((uint)time.tv_nsec / 1_000);
        }
    }

    /// <summary>The kernel's own, if it has one of this name; else the C library's, which calls that or asks the kernel.</summary>
    private static nint Find()
    {
        string name = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "__kernel_clock_gettime" : "__vdso_clock_gettime";
        return NativeLibrary.TryLoad("linux-vdso.so.1", out nint vdso) && NativeLibrary.TryGetExport(vdso, name, out nint function)
            ? function
            : NativeLibrary.GetExport(NativeLibrary.Load("libc", typeof(CoarseClock).Assembly, null), "clock_gettime");
    }
}
