using OneCopy.Messaging;

namespace OneCopy.Streaming;

/// <summary>The reading end as a stream.</summary>
internal sealed class QueueReadStream(StreamReceiver receiver) : OneWayStream
{
    private StreamChunk? _chunk;
    private int _read;

    public override bool CanRead => !IsDisposed;

    public override int ReadTimeout
    {
        get => TimeLimit;
        set => TimeLimit = value;
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        return Read(buffer.AsSpan(offset, count));
    }

    public override int Read(Span<byte> buffer)
    {
        ThrowIfDisposed();
        if (_chunk is null)
        {
            if (!receiver.Wait(DeadlineOf(), CancellationToken.None))
                throw new TimeoutException($"No bytes came within {ReadTimeout} ms.");
            Begin();
        }

        return TakeBytes(buffer);
    }

    public override int ReadByte()
    {
        byte one = 0;
        return Read(new Span<byte>(ref one)) == 0 ? -1 : one;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<int>(cancellationToken);
        if (_chunk is null)
        {
            if (!receiver.TryNow())
                return WaitAsync(buffer, cancellationToken);
            Begin();
        }

        return new ValueTask<int>(TakeBytes(buffer.Span));
    }

    /// <summary>The destination is given the queue's own memory: no copy here.</summary>
    public override async Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
    {
        ValidateCopyToArguments(destination, bufferSize);
        ThrowIfDisposed();
        while (true)
        {
            if (_chunk is null)
            {
                await receiver.WaitAsync(cancellationToken).ConfigureAwait(false);
                Begin();
            }

            if (_chunk is not { } chunk)
                return;
            await destination.WriteAsync(chunk.Memory[_read..], cancellationToken).ConfigureAwait(false);
            EndChunk();
        }
    }

    public override void CopyTo(Stream destination, int bufferSize)
    {
        ValidateCopyToArguments(destination, bufferSize);
        while (true)
        {
            if (_chunk is null && Read(Span<byte>.Empty) == 0 && _chunk is null)
                return;
            destination.Write(_chunk!.GetSpan()[_read..]);
            EndChunk();
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (!IsDisposed && disposing)
        {
            _chunk?.Complete();
            _chunk = null;
            receiver.Close(failure: null);
        }

        base.Dispose(disposing);
    }

    private async ValueTask<int> WaitAsync(Memory<byte> buffer, CancellationToken ct)
    {
        await receiver.WaitAsync(ct).ConfigureAwait(false);
        Begin();
        return TakeBytes(buffer.Span);
    }

    private void Begin()
    {
        _chunk = receiver.Take();
        _read = 0;
    }

    private int TakeBytes(Span<byte> buffer)
    {
        if (_chunk is not { } chunk)
            return 0;
        int count = Math.Min(chunk.Length - _read, buffer.Length);
        Messaging.VectorCopy.Copy(chunk.GetSpan().Slice(_read, count), buffer);
        _read += count;
        if (_read == chunk.Length)
            EndChunk();
        return count;
    }

    private void EndChunk()
    {
        StreamChunk chunk = _chunk!;
        _chunk = null;
        chunk.Complete();
    }
}
