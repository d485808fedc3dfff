using System.Runtime.InteropServices;

namespace OneCopy.Memory;

/// <summary>
/// Under which name a process of the same user finds a buffer of a pool: its descriptor there (/proc/PID/fd), and the key that tells it from whatever has that number later. Part of what
/// is shared: its layout is fixed. All zero: none.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct SharedName
{
    public const int Size = 24;

    private readonly Guid _key;
    private readonly int _fd;
    private readonly int _unused;

    public SharedName(Guid key, int fd)
    {
        _key = key;
        _fd = fd;
        _unused = 0;
    }

    public Guid Key => _key;

    public int Fd => _fd;

    public bool IsNone => _key == Guid.Empty;
}
