using OneCopy.Messaging;

namespace OneCopy.Streaming;

/// <summary>A message that was sent: its block and generation, and how much memory it takes.</summary>
internal readonly record struct SentChunk(int Block, uint Generation, int Length)
{
    public static SentChunk Of(SendBuffer buffer) => new(buffer.Place.Block, buffer.Place.State.Generation, buffer.Length);
}

/// <summary>What is under way, and who reads it. All within an operation on the queue.</summary>
internal sealed partial class StreamSender
{
    private readonly Queue<SentChunk> _inFlight = new();
    private long _bytesInFlight;
    private ReaderState _reader;
    private int _readerIndex;

    /// <summary>As it was seen last.</summary>
    public ReaderState Reader => _reader;

    /// <summary>Attempt: less is under way than may be, or nobody reads any more.</summary>
    public bool HasRoom()
    {
        Reap();
        return ReaderIsOver() || _bytesInFlight < _options.MaxBytesInFlight;
    }

    /// <summary>The reader has ended, one way or the other. Then what it did not take is taken back: nobody is to meet the rest of a stream.</summary>
    public bool ReaderIsOver()
    {
        if (_reader is ReaderState.Completed or ReaderState.Gone)
            return true;
        _reader = Look();
        if (_reader is not (ReaderState.Completed or ReaderState.Gone))
            return false;
        _queue.TryTakeFromQueue(_open.Block, _open.Generation);
        foreach (SentChunk chunk in _inFlight)
            _queue.TryTakeFromQueue(chunk.Block, chunk.Generation);
        _inFlight.Clear();
        _bytesInFlight = 0;
        return true;
    }

    private ReaderState Look()
    {
        BlockState s = _queue.OwnState(_open.Block);
        if (s.Generation != _open.Generation || s.Phase is Phase.Done or Phase.Free)
            return ReaderState.Completed;

        // Given back once, by its reader or by those who recovered it: whoever has it now does not have the bytes before.
        if (s.Attempts > 0)
            return ReaderState.Gone;
        if (s.Phase != Phase.Leased)
            return _readerIndex == 0 ? ReaderState.NotYet : ReaderState.Gone;
        if (_readerIndex == 0)
            _readerIndex = s.Actor;
        return s.Actor == _readerIndex ? ReaderState.Reading : ReaderState.Gone;
    }

    private bool MayRent(int length)
    {
        Reap();
        return _inFlight.Count == 0 || _bytesInFlight + length <= _options.MaxBytesInFlight;
    }

    private void AddInFlight(SentChunk chunk)
    {
        _inFlight.Enqueue(chunk);
        _bytesInFlight += chunk.Length;
    }

    // Completed in the order in which they were sent: there is one reader.
    private void Reap()
    {
        while (_inFlight.TryPeek(out SentChunk oldest))
        {
            BlockState s = _queue.OwnState(oldest.Block);
            if (s.Generation == oldest.Generation && s.Phase is not (Phase.Done or Phase.Free))
                return;
            _inFlight.Dequeue();
            _bytesInFlight -= oldest.Length;
        }
    }
}
