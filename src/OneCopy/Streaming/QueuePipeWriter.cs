using System.IO.Pipelines;
using OneCopy.Messaging;

namespace OneCopy.Streaming;

/// <summary>The writing end as a pipe.</summary>
internal sealed class QueuePipeWriter(StreamSender sender) : PipeWriter
{
    private readonly PendingWait _flush = new();

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => sender.Unsent;

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        ThrowIfCompleted();
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        int length = Math.Max(sizeHint, 1);

        // What is full is sent now rather than held beside the next: the reader may see it early, and it takes no more memory than it must.
        sender.Begin(length, withinLimit: false, Deadline.Never, CancellationToken.None);
        return sender.GetMemory(length);
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        ThrowIfCompleted();
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        sender.Advance(bytes);
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfCompleted();
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<FlushResult>(cancellationToken);
        if (_flush.TakeCancelled())
            return new ValueTask<FlushResult>(new FlushResult(isCanceled: true, isCompleted: sender.Reader == ReaderState.Completed));
        ValueTask sending = sender.SendAsync(cancellationToken);
        return sending.IsCompletedSuccessfully && sender.MayGoOn() ? new ValueTask<FlushResult>(Result(cancelled: false)) : WaitAsync(sending, cancellationToken);
    }

    /// <summary>In parts, each flushed, so that no more is under way than may be, however long the source is.</summary>
    public override async ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        bool cancelled = false;
        while (true)
        {
            ThrowIfCompleted();
            cancellationToken.ThrowIfCancellationRequested();
            sender.Begin(1, withinLimit: false, Deadline.Never, CancellationToken.None);
            if (sender.Reader is not (ReaderState.Completed or ReaderState.Gone))
            {
                int count = Math.Min(source.Length, sender.Room);
                Messaging.ArenaCopy.Copy(source.Span[..count], sender.GetMemory(count).Span);
                sender.Advance(count);
                source = source[count..];
            }

            // A cancelled wait ends no write in its middle: the rest goes on top of what may be under way, and the result says it.
            FlushResult result = await FlushAsync(cancellationToken).ConfigureAwait(false);
            cancelled |= result.IsCanceled;
            if (result.IsCompleted || source.IsEmpty)
                return new FlushResult(cancelled, result.IsCompleted);
        }
    }

    public override void CancelPendingFlush() => _flush.Cancel();

    public override void Complete(Exception? exception = null)
    {
        if (!sender.IsCompleted)
            sender.End(exception, Deadline.Never, CancellationToken.None);
    }

    public override ValueTask CompleteAsync(Exception? exception = null) => sender.IsCompleted ? default : sender.EndAsync(exception);

    private async ValueTask<FlushResult> WaitAsync(ValueTask sending, CancellationToken ct)
    {
        await sending.ConfigureAwait(false);
        bool cancelled = !await _flush.RunAsync(sender, static (s, token) => s.WaitForRoomAsync(token), ct).ConfigureAwait(false);
        return Result(cancelled);
    }

    private FlushResult Result(bool cancelled)
    {
        sender.ThrowIfReaderIsGone(completedToo: false);
        return new FlushResult(cancelled, isCompleted: sender.Reader == ReaderState.Completed);
    }

    private void ThrowIfCompleted()
    {
        if (sender.IsCompleted)
            throw new InvalidOperationException("The writer has completed.");
    }
}
