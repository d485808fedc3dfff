using Microsoft.Win32.SafeHandles;

namespace OneCopy.Interop;

/// <summary>Descriptors as safe handles.</summary>
internal static class SafeFd
{
    public static SafeFileHandle Of(SysResult result) => new(result.Value, ownsHandle: true);

    /// <summary>open(2), or its exception.</summary>
    public static SafeFileHandle Open(string path, int flags, uint mode = 0) =>
        new(Fcntl.open(path, flags, mode).OrThrow("open", path), ownsHandle: true);

    /// <summary>The number behind the handle, for a call made while the caller keeps the handle open.</summary>
    public static int Fd(this SafeFileHandle handle) => (int)handle.DangerousGetHandle();
}
