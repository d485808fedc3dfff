using System.Buffers;

namespace OneCopy.IO;

/// <summary>A part of a view as <see cref="Memory{T}"/>. It owns nothing: the view is unmapped by who disposes the view, when no pin is left.</summary>
internal sealed class MappedMemory(MappedView view, long offset, int length) : MemoryManager<byte>
{
    public int Length => length;

    public override Memory<byte> Memory => CreateMemory(length);

    public override Span<byte> GetSpan() => view.SpanOf(offset, length);

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elementIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, length);
        return view.PinOf(offset + elementIndex, this);
    }

    public override void Unpin() => view.Unpin();

    protected override void Dispose(bool disposing)
    {
    }
}

/// <summary>A piece of a sequence over a view.</summary>
internal sealed class MappedSegment : ReadOnlySequenceSegment<byte>
{
    public const int MaxLength = 1 << 30;

    public MappedSegment(ReadOnlyMemory<byte> memory) => Memory = memory;

    public MappedSegment Append(ReadOnlyMemory<byte> memory)
    {
        MappedSegment next = new(memory) { RunningIndex = RunningIndex + Memory.Length };
        Next = next;
        return next;
    }
}
