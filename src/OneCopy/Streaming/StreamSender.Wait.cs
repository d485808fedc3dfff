using OneCopy.Messaging;

namespace OneCopy.Streaming;

/// <summary>The attempts of the writer's end, waited for with a thread and without.</summary>
internal sealed partial class StreamSender
{
    /// <summary>Makes room for <paramref name="length"/> bytes, sending what is full. False: the deadline passed; nothing is lost.</summary>
    public bool Begin(int length, bool withinLimit, long deadline, CancellationToken ct)
    {
        if (Room >= length && _reader is not (ReaderState.Completed or ReaderState.Gone))
            return true;
        return Send(deadline, ct)
            && _queue.Wait(WaitKind.Own, (this, length, withinLimit), static (_, s) => s.Item1.TryBegin(s.length, s.withinLimit), deadline, ct);
    }

    public async ValueTask BeginAsync(int length, CancellationToken ct)
    {
        if (Room >= length && _reader is not (ReaderState.Completed or ReaderState.Gone))
            return;
        await SendAsync(ct).ConfigureAwait(false);
        await _queue.WaitAsync(WaitKind.Own, (this, length), static (_, s) => s.Item1.TryBegin(s.length, withinLimit: true), ct).ConfigureAwait(false);
    }

    /// <summary>Sends what was written. False: the deadline passed; it can be sent later.</summary>
    public bool Send(long deadline, CancellationToken ct) =>
        Unsent == 0 || _queue.Wait(WaitKind.Space, this, static (_, s) => s.TrySend(), deadline, ct);

    public ValueTask SendAsync(CancellationToken ct)
    {
        if (Unsent == 0)
            return default;
        ct.ThrowIfCancellationRequested();
        return _queue.Try(this, static (_, s) => s.TrySend()) ? default : _queue.WaitAsync(WaitKind.Space, this, static (_, s) => s.TrySend(), ct);
    }

    /// <summary>As the reader was seen last.</summary>
    public void ThrowIfReaderIsGone(bool completedToo)
    {
        if (_reader == ReaderState.Gone)
            throw new IOException($"The reader of the stream in queue {_queue.Name} failed, ended or closed its handle. What it had not completed was taken back.");
        if (_reader == ReaderState.Completed && completedToo)
            throw new IOException($"The reader of the stream in queue {_queue.Name} has closed its end.");
    }

    /// <summary>Whether so little is under way that the writer may go on; also looks after the reader.</summary>
    public bool MayGoOn() => _queue.Try(this, static (_, s) => s.HasRoom());

    public ValueTask WaitForRoomAsync(CancellationToken ct) => _queue.WaitAsync(WaitKind.Own, this, static (_, s) => s.HasRoom(), ct);

    public bool End(Exception? failure, long deadline, CancellationToken ct)
    {
        try
        {
            return (failure is not null || Send(deadline, ct))
                && _queue.Wait(WaitKind.Space, (this, failure), static (_, s) => s.Item1.TryEnd(s.failure), deadline, ct);
        }
        catch (ObjectDisposedException)
        {
            EndClosed(failure);
            return true;
        }
    }

    public async ValueTask EndAsync(Exception? failure)
    {
        try
        {
            if (failure is null)
                await SendAsync(CancellationToken.None).ConfigureAwait(false);
            await _queue.WaitAsync(WaitKind.Space, (this, failure), static (_, s) => s.Item1.TryEnd(s.failure), CancellationToken.None).ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            EndClosed(failure);
        }
    }

    /// <summary>The queue's handle was closed first. The reader learns that the stream did not end; the writer must if bytes of it are lost.</summary>
    private void EndClosed(Exception? failure)
    {
        bool lost = Unsent > 0 && failure is null;
        GiveUp();
        if (lost)
            throw new ObjectDisposedException(nameof(MessageQueue), $"The handle of queue {_queue.Name} was closed before the stream: what was not flushed is lost, and its reader sees a stream that did not end.");
    }
}
