using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>
/// Which thread this is, by pthread_self(3): one load, where the runtime's own number is two calls and a handful of them. It means this thread for as long as that lives, and then perhaps another one, as the number does.
/// </summary>
internal static unsafe class CurrentThread
{
    private static readonly delegate* unmanaged[SuppressGCTransition]<nint> s_self =
        (delegate* unmanaged[SuppressGCTransition]<nint>)NativeLibrary.GetExport(NativeLibrary.Load("libc", typeof(CurrentThread).Assembly, null), "pthread_self");

    /// <summary>Never 0.</summary>
    public static nint Id => s_self();
}
