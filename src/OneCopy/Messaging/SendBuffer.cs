using OneCopy.Messaging;

namespace OneCopy;

/// <summary>
/// Memory of the queue in which a message is built in place: what is written here is not copied on the sender's side. Send it with
/// <see cref="MessageQueue.Send(SendBuffer, SendOptions?, CancellationToken)"/>; disposing it unsent gives the memory back. Not
/// thread-safe.
/// </summary>
/// <remarks>
/// There are two ways to fill it. <see cref="Span"/> is the whole length, all of which is sent. As <see cref="System.Buffers.IBufferWriter{T}"/> it takes what is written one after the
/// other; from the first call of <see cref="Advance"/>, <see cref="GetSpan"/> or <see cref="GetMemory"/> on it is a writer, of which the first <see cref="WrittenCount"/> bytes are sent.
/// </remarks>
public sealed unsafe partial class SendBuffer : IDisposable
{
    private readonly MessageQueue _queue;
    private readonly Peer _self;
    private readonly TimeSpan? _timeout;
    private SendPlace _place;
    private int _taken;

    internal SendBuffer(MessageQueue queue, Peer self, SendPlace place, TimeSpan? timeout)
    {
        _queue = queue;
        _self = self;
        self.TryAddReference();
        _place = place;
        _timeout = timeout;
    }

    /// <summary>Bytes of the memory: as rented, or more if it has grown (<see cref="GetSpan"/>).</summary>
    public int Length => _place.Length;

    /// <summary>The memory, all of it. Not to be used after the buffer has grown, or was sent or disposed.</summary>
    /// <exception cref="ObjectDisposedException">The buffer was sent or disposed.</exception>
    public Span<byte> Span
    {
        get
        {
            ThrowIfTaken();
            return new Span<byte>((void*)_place.Memory, Length);
        }
    }

    internal SendPlace Place => _place;

    /// <summary>What of it is the payload.</summary>
    internal int SentLength => _isWriter ? _written : Length;

    /// <summary>Gives the memory back if it was not sent.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _taken, 1) != 0)
            return;
        _queue.Discard(_place.Block, _place.State);
        _self.Release();
    }

    internal void Take(MessageQueue queue)
    {
        if (queue != _queue)
            throw new ArgumentException("The buffer was rented from another handle.", nameof(queue));
        ObjectDisposedException.ThrowIf(Interlocked.Exchange(ref _taken, 1) != 0, this);
    }

    /// <summary>Sent, it is the queue's; if the send failed, its caller's again.</summary>
    internal void EndSend(bool sent)
    {
        if (sent)
            _self.Release();
        else
            Volatile.Write(ref _taken, 0);
    }

    private void ThrowIfTaken() => ObjectDisposedException.ThrowIf(Volatile.Read(ref _taken) != 0, this);
}
