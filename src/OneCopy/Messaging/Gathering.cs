namespace OneCopy.Messaging;

/// <summary>
/// Whether a receiver that has found nothing is to look away for a moment, so that messages gather. A receiver as fast as its sender stands at the very place where that puts the next
/// message: each cache line goes to and fro for each message, and both do a third of what they could. Once it is a hundred messages behind, the two leave each other alone, and mostly it does not catch up
/// again. Where the messages are slow whatever it does (a request at a time, a sender that has other things to do), looking away is only late. So it is tried, kept as long as messages come
/// faster by it, and tried again after twice as many messages if they do not.
/// </summary>
/// <remarks>Words of several threads without any order: what goes wrong is a moment too late or too early.</remarks>
internal sealed class Gathering
{
    /// <summary>For so long it looks away, in nanoseconds: some hundred messages of a fast sender.</summary>
    public const long Pause = 40_000;

    // A message more seldom than this is slow for another reason than its cache lines.
    private const long Slow = 2_000;

    // So many in one pause, or they do not come by themselves.
    private const int Enough = 16;

    // Messages of which the speed is taken, one way and the other.
    private const int Measured = 256;
    private const int Tried = 1024;
    private const int LeastBetween = 256;
    private const int MostBetween = 1 << 17;

    // After so many it is seen anew what they would do without.
    private const int Kept = 1 << 16;

    private Mode _mode;
    private long _begun;
    private int _messages;
    private int _found;
    private int _thin;
    private int _between = LeastBetween;
    private int _left = LeastBetween;
    private long _costBefore;

    private enum Mode
    {
        Looking,
        Trying,
        Gathering,
    }

    /// <summary>So many messages were there without a wait.</summary>
    public void Found(int messages) => _found += messages;

    /// <summary>Nothing is there. True: it is to look away for <see cref="Pause"/> before the next look.</summary>
    public bool BeginWait(long now)
    {
        int found = _found;
        _found = 0;
        _messages += found + 1; // And the one that is waited for.
        switch (_mode)
        {
            case Mode.Looking:
                if (_messages < Measured)
                    return false;
                _costBefore = (now - _begun) / _messages;
                _left -= _messages;
                bool tries = _left <= 0 && _costBefore < Slow;
                Begin(tries ? Mode.Trying : Mode.Looking, now);
                return tries;
            case Mode.Trying when _messages < Tried:
            case Mode.Gathering when _messages < Kept:
                // The first pause of a trial has nothing before it.
                _thin = found >= Enough || found + 1 == _messages ? 0 : _thin + 1;
                if (_thin < 2)
                    return true;
                break;
            case Mode.Trying when (now - _begun) / _messages < _costBefore * 3 / 4:
                _between = LeastBetween;
                Begin(Mode.Gathering, now);
                return true;
            case Mode.Gathering:
                // Only to be measured anew; it is tried again at once.
                _left = 0;
                Begin(Mode.Looking, now);
                return false;
        }

        // In vain.
        _between = Math.Min(_between * 2, MostBetween);
        _left = _between;
        Begin(Mode.Looking, now);
        return false;
    }

    /// <summary>A message came after a wait of so many nanoseconds: what was idle time says nothing.</summary>
    public void EndWait(long nanoseconds, long now)
    {
        if (nanoseconds > 2 * Pause)
            Begin(_mode == Mode.Trying ? Mode.Looking : _mode, now);
    }

    private void Begin(Mode mode, long now)
    {
        _mode = mode;
        _begun = now;
        _messages = 0;
        _thin = 0;
    }
}
