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
        if (_reader is not (ReaderState.Completed or ReaderState.Gone))
        {
            _reader = Look();
            if (_reader is not (ReaderState.Completed or ReaderState.Gone))
                return false;
            _inFlight.Enqueue(_open);
        }

        TakeBackRest();
        return true;
    }

    /// <summary>False: a reader that died still has some of it, which is given back to the queue in a moment.</summary>
    private bool TakeBackRest()
    {
        bool all = true;
        for (int left = _inFlight.Count; left > 0; left--)
        {
            SentChunk chunk = _inFlight.Dequeue();
            BlockState s = _queue.OwnState(chunk.Block);
            if (_queue.TryTakeFromQueue(chunk.Block, chunk.Generation) || s.Generation != chunk.Generation || s.Phase != Phase.Leased
                || (_readerIndex != 0 && s.Actor != _readerIndex))
                continue;
            all = false;
            _inFlight.Enqueue(chunk);
        }

        _bytesInFlight = 0;
        return all || _reader == ReaderState.Completed;
    }

    private ReaderState Look()
    {
        BlockState s = _queue.OwnState(_open.Block);
        if (s.Generation != _open.Generation || s.Phase is Phase.Done or Phase.Free)
            return ReaderState.Completed;

        // Given back, by its reader, which then is the actor and may not have counted an attempt, or by those who recovered it: whoever has it now does not have the bytes before.
        if (s.Attempts > 0 || (s.Phase != Phase.Leased && (_readerIndex != 0 || s.Actor != _queue.ParticipantIndex)))
            return ReaderState.Gone;
        if (s.Phase != Phase.Leased)
            return ReaderState.NotYet;
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
