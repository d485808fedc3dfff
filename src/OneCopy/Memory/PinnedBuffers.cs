using System.Buffers;
using OneCopy.Interop;

namespace OneCopy.Memory;

/// <summary>Managed buffers held in place for the time of a transfer, and their addresses.</summary>
internal sealed unsafe class PinnedBuffers : IDisposable
{
    private readonly MemoryHandle[] _handles;
    private readonly iovec[] _segments;
    private int _count;

    private PinnedBuffers(int capacity)
    {
        _handles = ArrayPool<MemoryHandle>.Shared.Rent(capacity);
        _segments = ArrayPool<iovec>.Shared.Rent(capacity);
    }

    public ReadOnlySpan<iovec> Segments => _segments.AsSpan(0, _count);

    public static PinnedBuffers Of(IReadOnlyList<Memory<byte>> buffers)
    {
        PinnedBuffers pinned = new(buffers.Count);
        for (int i = 0; i < buffers.Count; i++)
            pinned.Add(buffers[i]);
        return pinned;
    }

    public static PinnedBuffers Of(IReadOnlyList<ReadOnlyMemory<byte>> buffers)
    {
        PinnedBuffers pinned = new(buffers.Count);
        for (int i = 0; i < buffers.Count; i++)
            pinned.Add(buffers[i]);
        return pinned;
    }

    public void Dispose()
    {
        for (int i = 0; i < _count; i++)
            _handles[i].Dispose();
        _count = 0;
        ArrayPool<MemoryHandle>.Shared.Return(_handles, clearArray: true);
        ArrayPool<iovec>.Shared.Return(_segments);
    }

    private void Add(ReadOnlyMemory<byte> buffer)
    {
        _handles[_count] = buffer.Pin();
        _segments[_count] = new iovec((nuint)_handles[_count].Pointer, (nuint)buffer.Length);
        _count++;
    }
}
