using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]

namespace OneCopy.Interop;

/// <summary>The outcome of a system call: its value, or the errno that it failed with. No exception is made on the way.</summary>
/// <remarks>
/// The EINTR rule of this repository: a call that moves bytes or waits is either begun again inside its
/// binding or says there that it hands EINTR on. .NET installs its signal handlers with SA_RESTART, so that EINTR is rare, not absent.
/// </remarks>
internal readonly struct SysResult
{
    private SysResult(nint value, int errno)
    {
        Value = value;
        Errno = errno;
    }

    public nint Value { get; }

    public int Errno { get; }

    public bool Succeeded => Errno == 0;

    /// <summary>Reads errno at once when the call returned -1; LibraryImport has kept it (SetLastError).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SysResult From(nint returned) =>
        returned == -1 ? new SysResult(-1, Marshal.GetLastPInvokeError()) : new SysResult(returned, 0);

    public static SysResult Failed(int errno) => new(-1, errno);

    public static SysResult Ok(nint value = 0) => new(value, 0);

    /// <summary>The value, or a <see cref="OneCopyException"/> that names the call and what it was done to.</summary>
    public nint OrThrow(string call, string? subject = null, string? advice = null) =>
        Succeeded ? Value : throw new OneCopyException(call, Errno, subject, advice);
}
