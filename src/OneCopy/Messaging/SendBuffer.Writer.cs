using System.Buffers;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>The buffer as a writer: serializers write into the message itself.</summary>
public sealed unsafe partial class SendBuffer : IBufferWriter<byte>
{
    // A writer that does not say how much it wants gets at least this, as with ArrayBufferWriter.
    private const int DefaultHint = 256;

    private SendMemory? _memory;
    private int _written;
    private bool _isWriter;

    /// <summary>Bytes written so far: by <see cref="Advance"/>, wherever they came from. What is sent if the buffer was used as a writer.</summary>
    public int WrittenCount => _written;

    /// <summary>Counts the next bytes as written. Those before them may have been written through <see cref="Span"/>: a header that is filled in last, say.</summary>
    /// <param name="count">At most what is left of <see cref="Length"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">Less than 0, or more than there is.</exception>
    /// <exception cref="ObjectDisposedException">The buffer was sent or disposed.</exception>
    public void Advance(int count)
    {
        ThrowIfTaken();
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Length - _written);
        _isWriter = true;
        _written += count;
    }

    /// <summary>
    /// The memory behind what was written, to write on. If less is left than is asked for, the buffer grows: a place of twice the length (within the arena's limit), into
    /// which what was written is copied. Both are held meanwhile, and the wait for room is the one given to <see cref="MessageQueue.Rent"/>. Rent as much as will be written, and nothing is copied.
    /// </summary>
    /// <param name="sizeHint">Bytes wanted at least; 0: some.</param>
    /// <exception cref="ArgumentOutOfRangeException">A negative hint.</exception>
    /// <exception cref="OneCopyException">ENOSPC, or more than the arena's limit; the buffer is as it was.</exception>
    /// <exception cref="TimeoutException">There was no room in time; the buffer is as it was.</exception>
    /// <exception cref="ObjectDisposedException">The buffer was sent or disposed.</exception>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        MakeRoom(sizeHint);
        return new Span<byte>((byte*)_place.Memory + _written, Length - _written);
    }

    /// <summary>
    /// As <see cref="GetSpan"/>. After the buffer has grown, or was sent or disposed, every use of the memory is <see cref="ObjectDisposedException"/>; a pin does not hold it.
    /// </summary>
    /// <inheritdoc cref="GetSpan"/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        MakeRoom(sizeHint);
        _memory ??= new SendMemory(this, _place);
        return _memory.Memory[_written..];
    }

    /// <summary>Whether this is the memory of the place that the buffer has now.</summary>
    internal bool Has(SendMemory memory) => _memory == memory && Volatile.Read(ref _taken) == 0;

    private void MakeRoom(int sizeHint)
    {
        ThrowIfTaken();
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        _isWriter = true;
        if (Length - _written >= Math.Max(sizeHint, 1))
            return;
        SendPlace larger = _queue.TakeLargerPlace(Length, _written + (long)Math.Max(sizeHint, DefaultHint), _timeout);
        Buffer.MemoryCopy((void*)_place.Memory, (void*)larger.Memory, larger.Length, _written);
        SendPlace before = _place;
        _place = larger;
        _memory = null;
        _queue.Discard(before.Block, before.State);
    }
}
