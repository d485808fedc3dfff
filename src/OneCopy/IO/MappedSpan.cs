using System.Runtime.InteropServices;

namespace OneCopy;

/// <summary>Bytes of a view that stay mapped until this is disposed, also when the view is disposed before. Dispose it once; do not copy it.</summary>
public unsafe ref struct MappedSpan
{
    private readonly MappedView _view;
    private SafeHandle? _map;
    private readonly byte* _start;
    private readonly int _length;

    internal MappedSpan(MappedView view, SafeHandle map, byte* start, int length)
    {
        bool added = false;
        map.DangerousAddRef(ref added);
        _view = view;
        _map = map;
        _start = start;
        _length = length;
    }

    /// <summary>The bytes, for writing.</summary>
    /// <exception cref="NotSupportedException">The view cannot be written.</exception>
    public readonly Span<byte> Span => _view.CanWrite || _length == 0 ? new Span<byte>(_start, _length) : throw new NotSupportedException("This view cannot be written.");

    /// <summary>The bytes, for reading.</summary>
    public readonly ReadOnlySpan<byte> ReadOnlySpan => new(_start, _length);

    /// <summary>Lets the memory go.</summary>
    public void Dispose()
    {
        _map?.DangerousRelease();
        _map = null;
    }
}
