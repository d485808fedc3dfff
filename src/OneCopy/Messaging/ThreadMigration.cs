using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>
/// Takes the calling thread to another of its processors: away from who it waits for, where both have come to share one. The scheduler leaves them there as long as no other one is idle, for it knows of no more than that each
/// runs half of the time.
/// </summary>
/// <remarks>
/// By the thread's affinity, which is what it was when this returns: for some 20 µs the processor that it is on is taken out. Nothing happens to a thread that is bound to one processor. Who changes the affinity of
/// this thread from elsewhere in those microseconds may find its change undone.
/// Written by all threads of a handle without a lock: a lost update is one migration more or less.
/// </remarks>
internal sealed class ThreadMigration
{
    /// <summary>Nanoseconds between two at the least: it costs as much as three or four answers of one that shares the processor.</summary>
    public const long LeastPause = 200_000;

    /// <summary>At the most: where each is undone at once (more pairs than processors), they take less than a thousandth of the time.</summary>
    public const long MostPause = 100_000_000;

    // 8,192 processors: as many as the kernel can be built for.
    private const int MaskWords = 128;

    // In a row, before it is thought to be no use: where the thread has to wait for its turn on the other processor, its partner may fall asleep meanwhile, and then the scheduler brings it back. One of two goes so, and costs little.
    private const int Patience = 8;

    private long _last = long.MinValue / 2;
    private long _pause = LeastPause;
    private int _undone;
    private bool _isJudged = true;

    /// <summary>
    /// Whether it is time for one. Asked whenever both share a processor, so that it is seen how long the last one held: where several were undone soon, the next one waits twice as long.
    /// </summary>
    /// <param name="now">Nanoseconds, <see cref="Deadline.Now"/>.</param>
    public bool IsTime(long now)
    {
        if (!_isJudged)
        {
            _isJudged = true;
            _undone = now - _last < LeastPause ? _undone + 1 : 0;
            _pause = _undone <= Patience ? LeastPause : Math.Min(2 * _pause, MostPause);
        }

        if (now - _last < _pause)
            return false;
        _last = now;
        _isJudged = false;
        return true;
    }

    /// <summary>False: not moved, for there is no other processor, or it is not permitted (seccomp(2)).</summary>
    public static bool TryLeaveProcessor()
    {
        Span<ulong> before = stackalloc ulong[MaskWords], others = stackalloc ulong[MaskWords];
        int here = Sched.sched_getcpu();
        if ((uint)here >= MaskWords * 64 || !Sched.sched_getaffinity(0, before).Succeeded)
            return false;
        before.CopyTo(others);
        others[here / 64] &= ~(1UL << (here % 64));
        if (others.IndexOfAnyExcept(0UL) < 0 || !Sched.sched_setaffinity(0, others).Succeeded)
            return false;
        Restore(before);
        return true;
    }

    // A mask that was set outlives a change of the cpuset (cpuset(7)): who never set one is to have none afterwards, so that new processors are its own too. To ask for all gives those of the cpuset.
    internal static void Restore(ReadOnlySpan<ulong> before)
    {
        Span<ulong> mask = stackalloc ulong[MaskWords];
        mask.Fill(ulong.MaxValue);
        if (Sched.sched_setaffinity(0, mask).Succeeded)
        {
            mask.Clear();
            if (Sched.sched_getaffinity(0, mask).Succeeded && mask.SequenceEqual(before))
                return;
        }

        Sched.sched_setaffinity(0, before);
    }
}
