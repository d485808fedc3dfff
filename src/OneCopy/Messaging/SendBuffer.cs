using OneCopy.Messaging;

namespace OneCopy;

/// <summary>
/// Memory of the queue in which a message is built in place: what is written here is not copied on the sender's side. Send it with
/// <see cref="MessageQueue.Send(SendBuffer, SendOptions?, CancellationToken)"/>; disposing it unsent gives the memory back. Not
/// thread-safe.
/// </summary>
public sealed unsafe class SendBuffer : IDisposable
{
    private readonly MessageQueue _queue;
    private readonly Peer _self;
    private readonly int _block;
    private readonly nint _memory;
    private readonly BlockState _state;
    private int _taken;

    internal SendBuffer(MessageQueue queue, Peer self, int block, BlockState state, nint memory, int length)
    {
        _queue = queue;
        _self = self;
        self.TryAddReference();
        _block = block;
        _state = state;
        _memory = memory;
        Length = length;
    }

    /// <summary>Bytes of the payload.</summary>
    public int Length { get; }

    /// <summary>The memory. Not to be used after the buffer was sent or disposed.</summary>
    /// <exception cref="ObjectDisposedException">The buffer was sent or disposed.</exception>
    public Span<byte> Span
    {
        get
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _taken) != 0, this);
            return new Span<byte>((void*)_memory, Length);
        }
    }

    /// <summary>Gives the memory back if it was not sent.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _taken, 1) != 0)
            return;
        _queue.Discard(_block, _state);
        _self.Release();
    }

    internal (int Block, BlockState State) Take(MessageQueue queue)
    {
        if (queue != _queue)
            throw new ArgumentException("The buffer was rented from another handle.", nameof(queue));
        ObjectDisposedException.ThrowIf(Interlocked.Exchange(ref _taken, 1) != 0, this);
        return (_block, _state);
    }

    /// <summary>Sent, it is the queue's; if the send failed, its caller's again.</summary>
    internal void EndSend(bool sent)
    {
        if (sent)
            _self.Release();
        else
            Volatile.Write(ref _taken, 0);
    }
}
