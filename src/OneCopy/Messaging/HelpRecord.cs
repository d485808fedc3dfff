namespace OneCopy.Messaging;

/// <summary>
/// Whether copying together with a peer was faster than alone, lately. Where there is no idle processor the helper does not come, or is taken off its
/// processor in the middle of a piece: then it is left alone for one message, and at the next failure for two, up to 64. Threads may overwrite each
/// other's numbers; they only decide what is tried.
/// </summary>
internal sealed class HelpRecord
{
    private const int LongestPause = 64;

    private int _pause;
    private int _left;

    /// <summary>One message more.</summary>
    public bool IsWorthAsking
    {
        get
        {
            // Less: two threads have counted at once.
            if (_left <= 0)
                return true;
            _left--;
            return false;
        }
    }

    /// <param name="pieces">How many the helper took.</param>
    /// <param name="waited">How long the receiver waited for the helper's last pieces.</param>
    /// <param name="all">How long the copy took, with the wait.</param>
    public void Add(int pieces, long waited, long all)
    {
        _pause = pieces > 0 && waited <= all / 2 ? 0 : Math.Clamp(_pause * 2, 1, LongestPause);
        _left = _pause;
    }
}
