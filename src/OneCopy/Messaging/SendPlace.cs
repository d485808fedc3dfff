using System.Buffers;

namespace OneCopy.Messaging;

/// <summary>Where a rented buffer is: its block, and its bytes in there or in the arena.</summary>
internal readonly record struct SendPlace(int Block, BlockState State, nint Memory, int Length);

/// <summary>The place as <see cref="Memory{T}"/>: nothing any more when the buffer has another place, or is the queue's.</summary>
internal sealed unsafe class SendMemory(Rental rental, SendPlace place) : MemoryManager<byte>
{
    public override Memory<byte> Memory => CreateMemory(place.Length);

    public override Span<byte> GetSpan()
    {
        ThrowIfOver();
        return new Span<byte>((void*)place.Memory, place.Length);
    }

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elementIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, place.Length);
        ThrowIfOver();
        return new MemoryHandle((byte*)place.Memory + elementIndex, default, this);
    }

    // It never moves, and its buffer's owner says when it ends.
    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }

    private void ThrowIfOver() => ObjectDisposedException.ThrowIf(!rental.Has(this), typeof(SendBuffer));
}
