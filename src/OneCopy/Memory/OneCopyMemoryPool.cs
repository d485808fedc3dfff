using System.Buffers;
using OneCopy.Interop;
using OneCopy.Memory;

namespace OneCopy;

/// <summary>
/// Native memory for payloads that are attached (<see cref="MessageQueue.SendAsync(ReadOnlyMemory{byte}, SendOptions?, CancellationToken)"/>) or copied into
/// (<see cref="ReceivedMessage.CopyTo(Span{byte}, CancellationToken)"/>): page-aligned, in huge pages where the kernel has them, touched before it is handed out, and reused.
/// Pinning it costs nothing. Thread-safe.
/// </summary>
/// <remarks>
/// What a buffer holds at first is not defined: bytes of a former rental, mostly. A buffer that is never disposed is lost to the pool until the process ends; nothing here waits for a
/// finalizer. Memory that is pinned when its owner is disposed goes back with the last pin, so that nobody else's bytes are ever sent from it. See docs/buffers.md.
/// </remarks>
public sealed partial class OneCopyMemoryPool : MemoryPool<byte>
{
    /// <summary>What <see cref="Rent"/> gives when it is not told a size.</summary>
    private const int DefaultLength = 64 * 1024;

    private readonly OneCopyMemoryPoolOptions _options;
    private readonly bool _isShared;
    private bool _disposed;

    /// <summary>Makes a pool of its own.</summary>
    /// <param name="options">Null: the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public OneCopyMemoryPool(OneCopyMemoryPoolOptions? options = null)
        : this(options ?? new OneCopyMemoryPoolOptions(), isShared: false)
    {
    }

    private OneCopyMemoryPool(OneCopyMemoryPoolOptions options, bool isShared)
    {
        options.Validate();
        _options = options;
        _isShared = isShared;
    }

    /// <summary>The process's pool, with the default options. Disposing it does nothing.</summary>
    public static new OneCopyMemoryPool Shared { get; } = new(new OneCopyMemoryPoolOptions(), isShared: true);

    /// <summary><see cref="int.MaxValue"/>: what a <see cref="Memory{T}"/> can hold. <see cref="RentBuffer"/> gives more.</summary>
    public override int MaxBufferSize => int.MaxValue;

    /// <summary>
    /// Rents memory. The owner is one small object, made for each rental and never used again, so that one that is disposed late, or twice, frees nobody else's memory.
    /// <see cref="RentBuffer"/> allocates nothing.
    /// </summary>
    /// <param name="minBufferSize">Bytes; the memory is exactly as long. -1: 64 KiB.</param>
    /// <exception cref="ArgumentOutOfRangeException">Less than -1.</exception>
    /// <exception cref="OneCopyException">ENOMEM: there is no memory, or no address space.</exception>
    /// <exception cref="ObjectDisposedException">The pool is disposed.</exception>
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(minBufferSize, -1);
        int length = minBufferSize < 0 ? DefaultLength : minBufferSize;
        PoolMapping mapping = Take(length, out uint generation);
        return new RentedMemory(mapping, generation, 0, length);
    }

    /// <summary>Rents memory of any length. In the steady state, with a buffer of this size class kept, it allocates nothing and calls nothing of the system.</summary>
    /// <param name="length">Bytes, 0 included.</param>
    /// <exception cref="ArgumentOutOfRangeException">A negative length.</exception>
    /// <exception cref="OneCopyException">ENOMEM: there is no memory, or no address space.</exception>
    /// <exception cref="ObjectDisposedException">The pool is disposed.</exception>
    public PooledBuffer RentBuffer(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        PoolMapping mapping = Take(length, out uint generation);
        return new PooledBuffer(mapping, generation, length);
    }

    /// <summary>Gives all that is kept for later rentals back to the system.</summary>
    public void Trim()
    {
        PoolMapping? all;
        lock (_gate)
            all = TakeAllKept();
        Unmap(all);
    }

    /// <summary>Gives back what is kept. Buffers that are still rented stay valid, and go back to the system when they are disposed.</summary>
    protected override void Dispose(bool disposing)
    {
        if (_isShared)
            return;
        PoolMapping? all;
        lock (_gate)
        {
            _disposed = true;
            all = TakeAllKept();
        }

        Unmap(all);
    }

    private PoolMapping Take(long length, out uint generation)
    {
        SizeClass size = SizeClass.Of(length);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _rentedBytes += size.Capacity;
            _rentedBuffers++;
            if (TakeKept(size.Index) is { } kept)
            {
                _reused++;
                generation = kept.BeginRental();
                return kept;
            }
        }

        try
        {
            PoolMapping mapped = Map(size);
            generation = mapped.BeginRental();
            return mapped;
        }
        catch
        {
            lock (_gate)
            {
                _rentedBytes -= size.Capacity;
                _rentedBuffers--;
            }

            throw;
        }
    }

    private PoolMapping Map(SizeClass size)
    {
        PoolMapping mapping;
        try
        {
            mapping = PoolMapping.Map(this, size, _options);
        }
        catch (OneCopyException e) when (e.Errno == Errno.ENOMEM && Statistics.KeptBytes > 0)
        {
            // What is kept for others is the first to go.
            Trim();
            mapping = PoolMapping.Map(this, size, _options);
        }

        lock (_gate)
        {
            _mapped++;
            _hugeBytes += mapping.IsHuge ? mapping.Capacity : 0;
        }

        return mapping;
    }
}
