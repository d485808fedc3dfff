using OneCopy.Messaging;

namespace OneCopy.Streaming;

/// <summary>The writing end as a stream.</summary>
internal sealed class QueueWriteStream(StreamSender sender) : OneWayStream
{
    public override bool CanWrite => !IsDisposed;

    public override int WriteTimeout
    {
        get => TimeLimit;
        set => TimeLimit = value;
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        Write(buffer.AsSpan(offset, count));
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        ThrowIfDisposed();
        long deadline = DeadlineOf();
        while (!buffer.IsEmpty)
        {
            if (!sender.Begin(1, withinLimit: true, deadline, CancellationToken.None))
                throw new TimeoutException($"The reader of the stream took too little within {WriteTimeout} ms; {buffer.Length:N0} bytes are not written.");
            buffer = buffer[Put(buffer)..];
        }
    }

    public override void WriteByte(byte value) => Write([value]);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled(cancellationToken);
        if (sender.Room < buffer.Length || sender.Reader is ReaderState.Completed or ReaderState.Gone)
            return WriteInPartsAsync(buffer, cancellationToken);
        Put(buffer.Span);
        return default;
    }

    public override void Flush()
    {
        ThrowIfDisposed();
        if (!sender.Send(DeadlineOf(), CancellationToken.None))
            throw new TimeoutException($"The queue had no room within {WriteTimeout} ms; what was written can be flushed later.");
        ThrowIfReaderIsOver();
    }

    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        ThrowIfDisposed();
        await sender.SendAsync(cancellationToken).ConfigureAwait(false);
        ThrowIfReaderIsOver();
    }

    public override async ValueTask DisposeAsync()
    {
        if (!IsDisposed)
            await sender.EndAsync(failure: null).ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    protected override void Dispose(bool disposing)
    {
        if (!IsDisposed && disposing)
            sender.End(failure: null, Deadline.Never, CancellationToken.None);
        base.Dispose(disposing);
    }

    private async ValueTask WriteInPartsAsync(ReadOnlyMemory<byte> buffer, CancellationToken ct)
    {
        while (!buffer.IsEmpty)
        {
            await sender.BeginAsync(1, ct).ConfigureAwait(false);
            buffer = buffer[Put(buffer.Span)..];
        }
    }

    private int Put(ReadOnlySpan<byte> buffer)
    {
        ThrowIfReaderIsOver();
        int count = Math.Min(sender.Room, buffer.Length);
        Messaging.ArenaCopy.Copy(buffer[..count], sender.GetMemory(count).Span);
        sender.Advance(count);
        return count;
    }

    private void ThrowIfReaderIsOver() => sender.ThrowIfReaderIsGone(completedToo: true);
}
