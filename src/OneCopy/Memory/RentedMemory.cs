using System.Buffers;

namespace OneCopy.Memory;

/// <summary>One rental, or a part of it, as <see cref="Memory{T}"/>. It names its rental: when that is over it is nothing any more.</summary>
internal sealed unsafe class RentedMemory(PoolMapping mapping, uint generation, long offset, int length) : MemoryManager<byte>
{
    public override Memory<byte> Memory
    {
        get
        {
            mapping.ThrowIfOver(generation);
            return CreateMemory(length);
        }
    }

    public bool IsOf(uint rental) => generation == rental;

    public override Span<byte> GetSpan()
    {
        mapping.ThrowIfOver(generation);
        return new Span<byte>(mapping.Address + offset, length);
    }

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elementIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, length);
        mapping.Pin(generation);
        return new MemoryHandle(mapping.Address + offset + elementIndex, default, this);
    }

    public override void Unpin() => mapping.Unpin(generation);

    protected override void Dispose(bool disposing) => mapping.EndRental(generation);
}
