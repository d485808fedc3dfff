using OneCopy.Messaging;

namespace OneCopy.Streaming;

/// <summary>The reader's attempt, once, waited for with a thread, and without.</summary>
internal sealed partial class StreamReceiver
{
    /// <summary>Whether there is something to <see cref="Take"/>, without waiting.</summary>
    public bool TryNow() => IsReady || queue.Try(this, static (_, r) => r.TryTake());

    /// <summary>False: nothing came before the deadline.</summary>
    public bool Wait(long deadline, CancellationToken ct) =>
        IsReady || queue.Wait(WaitKind.Receive, this, static (_, r) => r.TryTake(), deadline, ct);

    public ValueTask WaitAsync(CancellationToken ct) => queue.WaitAsync(WaitKind.Receive, this, static (_, r) => r.TryTake(), ct);

    private bool IsReady => _taken is not null || IsAtEnd || _failure is not null || _once is not null;
}
