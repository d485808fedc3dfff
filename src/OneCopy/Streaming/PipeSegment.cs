using System.Buffers;

namespace OneCopy.Streaming;

/// <summary>A piece of what a pipe's reader holds: a message in place, or a copy of what is left of some.</summary>
internal sealed class PipeSegment : ReadOnlySequenceSegment<byte>
{
    private readonly StreamChunk? _chunk;
    private readonly byte[]? _copy;

    public PipeSegment(StreamChunk chunk, PipeSegment? before)
    {
        _chunk = chunk;
        Memory = chunk.Memory;
        Follow(before);
    }

    private PipeSegment(byte[] copy, int length, long runningIndex)
    {
        _copy = copy;
        Memory = copy.AsMemory(0, length);
        RunningIndex = runningIndex;
    }

    public bool IsInPlace => _chunk is not null;

    public PipeSegment? Following => (PipeSegment?)Next;

    /// <summary>The same bytes from <paramref name="offset"/> on, in an array of one's own; the message is completed.</summary>
    public PipeSegment CopyFrom(int offset)
    {
        int length = Memory.Length - offset;
        byte[] copy = ArrayPool<byte>.Shared.Rent(length);
        Memory.Span[offset..].CopyTo(copy);
        _chunk!.Complete();
        return new PipeSegment(copy, length, RunningIndex + offset);
    }

    public void Follow(PipeSegment? before)
    {
        if (before is null)
            return;
        RunningIndex = before.RunningIndex + before.Memory.Length;
        before.Next = this;
    }

    public void Release()
    {
        if (_copy is not null)
            ArrayPool<byte>.Shared.Return(_copy);
        _chunk?.Complete();
    }
}
