using OneCopy.Messaging;

namespace OneCopy;

/// <summary>
/// A sleeper that was rung may be stopped, or be given no processor, and then a message waits while others sleep. So whoever rings looks
/// once more a little later, and rings the next one if there is still something to be had. The wake-ups of a dead ringer are its recoverer's.
/// </summary>
public sealed partial class MessageQueue
{
    private int _looksLater;

    void IPeerObserver.OnLater()
    {
        Volatile.Write(ref _looksLater, 0);
        if (!TryEnter())
            return;
        try
        {
            // One ring too many does no harm: sleepers look for themselves. No crash points: these are the steps of a wake-up once more,
            // at a time that no test can tell.
            if (!IsBroken && _ring.HoldsAny)
                RingNextSleeper(WaitKind.Receive);
            if (!IsBroken && !_ring.LooksFull)
                RingNextSleeper(WaitKind.Space);
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>After a sleeper was rung. A system call for the first one in a while, none for those after it.</summary>
    private void LookLater()
    {
        if (Volatile.Read(ref _looksLater) == 0 && Interlocked.Exchange(ref _looksLater, 1) == 0)
            PeerWatcher.Shared.LookLater(this);
    }

    private void RingNextSleeper(WaitKind kind)
    {
        int next = _ring.Sleepers(kind).Next(_wakeFrom);
        if (next == 0)
            return;
        _wakeFrom = next + 1;
        if (TryPeerAt(next) is { } sleeper)
            sleeper.File.RingOnceMore(kind);
        LookLater();
    }
}
