using System.Buffers;

namespace OneCopy.Cli;

/// <summary>Native memory for interfaces that take <see cref="Memory{T}"/>. It does not move, and belongs to somebody else.</summary>
internal sealed unsafe class NativePiece(byte* start, int length) : MemoryManager<byte>
{
    public override Span<byte> GetSpan() => new(start, length);

    public override MemoryHandle Pin(int elementIndex = 0) => new(start + elementIndex);

    public override void Unpin()
    {
        // It does not move.
    }

    protected override void Dispose(bool disposing)
    {
        // Its owner's.
    }
}
