using System.Buffers;
using System.IO.Pipelines;

namespace OneCopy.Streaming;

/// <summary>The reading end as a pipe: a list of the messages that are not consumed, each read where it is.</summary>
internal sealed class QueuePipeReader(StreamReceiver receiver) : PipeReader
{
    private readonly PendingWait _read = new();
    private PipeSegment? _first;
    private PipeSegment? _last;
    private int _firstOffset;
    private bool _allExamined;
    private bool _isReading;
    private bool _isCompleted;

    public override bool TryRead(out ReadResult result)
    {
        ThrowIfBusy();
        return TryResult(out result);
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfBusy();
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<ReadResult>(cancellationToken);
        return TryResult(out ReadResult result) ? new ValueTask<ReadResult>(result) : WaitAsync(cancellationToken);
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (_isCompleted)
            throw new InvalidOperationException("The reader has completed.");
        if (!_isReading)
            throw new InvalidOperationException("There is no read to advance: call ReadAsync or TryRead first.");
        if (_first is not null)
        {
            long start = _first.RunningIndex + _firstOffset;
            long end = _last!.RunningIndex + _last.Memory.Length;
            long to = IndexOf(consumed, start, end);
            long seen = IndexOf(examined, start, end);
            if (to < start || seen < to || seen > end)
                throw new ArgumentOutOfRangeException(nameof(consumed), "The positions are not in the last read's buffer, or examined is before consumed.");
            _allExamined = seen == end;
            Consume(to);
        }

        _isReading = false;
    }

    public override void CancelPendingRead() => _read.Cancel();

    public override void Complete(Exception? exception = null)
    {
        if (_isCompleted)
            return;
        _isCompleted = true;
        _isReading = false;
        for (PipeSegment? segment = _first; segment is not null; segment = segment.Following)
            segment.Release();
        _first = _last = null;
        receiver.Close(exception);
    }

    private async ValueTask<ReadResult> WaitAsync(CancellationToken ct)
    {
        // Before the wait: the writer may be waiting for this memory.
        CopyOut();
        while (true)
        {
            bool cancelled = !await _read.RunAsync(receiver, static (r, token) => r.WaitAsync(token), ct).ConfigureAwait(false);
            if (cancelled)
                return Result(cancelled: true);
            if (TryResult(out ReadResult result))
                return result;
        }
    }

    private bool TryResult(out ReadResult result)
    {
        if (_read.TakeCancelled())
        {
            result = Result(cancelled: true);
            return true;
        }

        bool unexamined = _first is not null && !_allExamined;
        if (!unexamined && !receiver.IsAtEnd)
        {
            if (!receiver.TryNow())
            {
                result = default;
                return false;
            }

            if (receiver.Take() is { } chunk)
                Append(chunk);
        }

        result = Result(cancelled: false);
        return true;
    }

    private ReadResult Result(bool cancelled)
    {
        _isReading = true;
        ReadOnlySequence<byte> buffer = _first is null ? ReadOnlySequence<byte>.Empty : new(_first, _firstOffset, _last!, _last!.Memory.Length);
        return new ReadResult(buffer, cancelled, receiver.IsAtEnd);
    }

    private void Append(StreamChunk chunk)
    {
        _last = new PipeSegment(chunk, _last);
        if (_first is null)
        {
            _first = _last;
            _firstOffset = 0;
        }

        _allExamined = false;
    }

    private void Consume(long to)
    {
        while (_first is { } first && to >= first.RunningIndex + first.Memory.Length)
        {
            _first = first.Following;
            _firstOffset = 0;
            if (_first is null)
                _last = null;
            first.Release();
        }

        if (_first is not null)
            _firstOffset = (int)(to - _first.RunningIndex);
    }

    private void CopyOut()
    {
        PipeSegment? before = null;
        for (PipeSegment? segment = _first; segment is not null; segment = segment.Following)
        {
            PipeSegment mine = segment;
            if (segment.IsInPlace)
            {
                PipeSegment? following = segment.Following;
                mine = segment.CopyFrom(segment == _first ? _firstOffset : 0);
                if (segment == _first)
                    (_first, _firstOffset) = (mine, 0);
                mine.Follow(before);
                following?.Follow(mine);
                if (following is null)
                    _last = mine;
            }

            before = mine;
        }
    }

    // Of an empty buffer, positions mean nothing.
    private static long IndexOf(SequencePosition position, long start, long end) => position.GetObject() switch
    {
        PipeSegment segment => segment.RunningIndex + position.GetInteger(),
        null => start,
        _ => end + 1,
    };

    private void ThrowIfBusy()
    {
        if (_isCompleted)
            throw new InvalidOperationException("The reader has completed.");
        if (_isReading)
            throw new InvalidOperationException("The last read was not advanced: call AdvanceTo first.");
    }
}
