using System.Buffers;

namespace OneCopy.Streaming;

/// <summary>Bytes of a stream where its writer has put them: the memory of a message on a lease, until it is completed.</summary>
internal sealed unsafe class StreamChunk : MemoryManager<byte>
{
    private readonly ReceivedMessage _message;
    private readonly byte* _start;
    private readonly int _length;
    private bool _isOver;

    public StreamChunk(ReceivedMessage message, ReadOnlySpan<byte> payload)
    {
        _message = message;

        // In a mapping, where nothing moves.
        fixed (byte* start = payload)
            _start = start + StreamFrame.Length;
        _length = payload.Length - StreamFrame.Length;
    }

    public int Length => _length;

    public override Memory<byte> Memory => CreateMemory(_length);

    public override Span<byte> GetSpan()
    {
        ThrowIfOver();
        return new Span<byte>(_start, _length);
    }

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elementIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, _length);
        ThrowIfOver();
        return new MemoryHandle(_start + elementIndex, default, this);
    }

    // It never moves, and the reader says when it ends.
    public override void Unpin()
    {
    }

    /// <summary>The bytes are consumed: the memory is the writer's again.</summary>
    /// <exception cref="QueueCorruptException">The writer's file was truncated meanwhile: what was read is not what was sent.</exception>
    public void Complete()
    {
        if (_isOver)
            return;
        _isOver = true;
        bool damaged = _message.Lease.Owner.File.IsDamaged;
        string path = _message.Lease.Owner.File.Path;
        StreamReceiver.Complete(_message);
        if (damaged)
            throw QueueCorruptException.Truncated(path);
    }

    protected override void Dispose(bool disposing)
    {
    }

    private void ThrowIfOver() => ObjectDisposedException.ThrowIf(_isOver, this);
}
