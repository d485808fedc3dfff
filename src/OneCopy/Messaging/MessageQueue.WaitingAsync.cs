using System.Runtime.CompilerServices;
using OneCopy.Interop;
using OneCopy.Memory;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>Sleeping without a thread: the one doorbell thread of the process sleeps for all, and passes each ring on to whom it is for.</summary>
public sealed partial class MessageQueue
{
    private readonly MonitorLock[] _awaiterGates = [new(), new(), new()];
    private readonly LinkedList<RingAwaiter>[] _awaiters = [new(), new(), new()];
    private readonly Stack<RingAwaiter> _spareAwaiters = new();
    private int _awaitersMade;

    // Made some at a time: two that happen to wait at once for the first time in a long while need none made.
    private const int AwaitersAtATime = 4;

    private readonly bool[] _doorbellIncluded = new bool[3];
    private bool _asynchronousReceivers;

    // A task that gives its thread back and is fetched again costs two wake-ups, some 15 µs, or 60 where idle processors are slow to wake.
    private const long LeastSpinBeforeAwait = 10_000;

    private readonly SpinBudget[] _spinsBeforeAwait = [new(LeastSpinBeforeAwait), new(LeastSpinBeforeAwait), new(LeastSpinBeforeAwait)];
    private int _spinsAsynchronously;

    bool IDoorbellOwner.WantsDoorbell(WaitKind kind)
    {
        lock (_awaiterGates[(int)kind])
        {
            // Once asynchronous receivers have been seen, the thread stays, so that not every wait begins with a system call to
            // fetch it; unless threads sleep on the same word, whom it would wake in vain.
            bool wants = _awaiters[(int)kind].Count > 0 || (kind == WaitKind.Own && Volatile.Read(ref _hasWaited))
                || (kind == WaitKind.Receive && _asynchronousReceivers && Volatile.Read(ref _asleep[(int)kind]) == 0);
            return _doorbellIncluded[(int)kind] = wants;
        }
    }

    unsafe void IDoorbellOwner.OnRing(WaitKind kind)
    {
        if (kind == WaitKind.Own && TryEnter())
        {
            AttendToAttachedSends();
            Exit();
        }

        bool passOn = false;
        lock (_awaiterGates[(int)kind])
        {
            LinkedList<RingAwaiter> awaiters = _awaiters[(int)kind];
            if (kind == WaitKind.Receive)
            {
                // One message wakes one; it wakes the next if there are more.
                if (!TryRingFirst(awaiters))
                    passOn = Volatile.Read(ref _asleep[(int)kind]) > 0;
            }
            else
            {
                while (TryRingFirst(awaiters))
                {
                }
            }
        }

        // The wake-up may have been meant for a thread.
        if (passOn)
            Futex.Wake(_self.Doorbell(kind), 1);
    }

    private static bool TryRingFirst(LinkedList<RingAwaiter> awaiters)
    {
        if (awaiters.First is not { } first)
            return false;
        awaiters.RemoveFirst();
        first.Value.Signal();
        return true;
    }

    /// <summary>As <c>WaitUntil</c>, without a thread. Not succeeded: the deadline passed. Allocates awaiters and a state where more wait at once than ever before.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<(bool Succeeded, TAttempt Attempt)> WaitUntilAsync<TAttempt>(WaitKind kind, TAttempt attempt, long deadline, CancellationToken ct)
        where TAttempt : struct, IAttempt
    {
        MakeFirstAwaiters();
        if (attempt.Try(this))
            return (true, attempt);
        long begun = Deadline.Now;
        if (TrySpinBeforeAwait(kind, ref attempt, begun, deadline, ct))
            return (true, attempt);
        Announce(kind);
        RingAwaiter awaiter = TakeAwaiter();
        try
        {
            using CancellationTokenRegistration registration = ct.UnsafeRegister(static s => ((RingAwaiter)s!).Signal(inPlace: true), awaiter);
            while (true)
            {
                awaiter.Clear();
                CrashPoint.At(Step.SleepRead);
                uint seen = BeginLook(kind);
                CrashPoint.At(Step.SleepLook);
                if (attempt.Try(this))
                {
                    _spinsBeforeAwait[(int)kind].Learn(Deadline.Now - begun);
                    return (true, attempt);
                }

                ThrowIfBroken(kind);
                ct.ThrowIfCancellationRequested();
                ThrowIfEnding(kind);
                if (!Deadline.IsAhead(deadline))
                    return (false, attempt);
                if (!TryAwaitRing(kind, seen, awaiter))
                    continue;
                CountSleeper(1);
                try
                {
                    CrashPoint.At(Step.SleepWait);
                    awaiter.SignalAt(deadline);
                    await awaiter.Next().ConfigureAwait(false);
                }
                finally
                {
                    CountSleeper(-1);
                    Forget(kind, awaiter);
                }
            }
        }
        finally
        {
            if (deadline != Deadline.Never)
                awaiter.StopTimer();
            ReturnAwaiter(awaiter);
            LeaveSleep(kind);
        }
    }

    /// <summary>
    /// A moment in the caller's thread, where such waits have mostly ended within one: what answers at once is met there. One at a time for a handle, so that of many tasks that wait one alone
    /// holds a thread.
    /// </summary>
    private bool TrySpinBeforeAwait<TAttempt>(WaitKind kind, ref TAttempt attempt, long begun, long deadline, CancellationToken ct)
        where TAttempt : struct, IAttempt
    {
        if (Interlocked.Exchange(ref _spinsAsynchronously, 1) != 0)
            return false;
        try
        {
            SpinBudget budget = _spinsBeforeAwait[(int)kind];
            if (!Spin(kind, ref attempt, begun, deadline, budget, budget.Next(), ct, out long waited))
                return false;
            budget.Learn(waited);
            if (kind == WaitKind.Receive)
                _gathering.EndWait(waited, begun + waited);
            return true;
        }
        finally
        {
            Volatile.Write(ref _spinsAsynchronously, 0);
        }
    }

    private RingAwaiter TakeAwaiter()
    {
        lock (_spareAwaiters)
        {
            if (_spareAwaiters.Count == 0)
                MakeAwaiters();
            return _spareAwaiters.Pop();
        }
    }

    // Within the lock.
    private void MakeAwaiters()
    {
        _spareAwaiters.EnsureCapacity(_awaitersMade + AwaitersAtATime);
        for (int i = 0; i < AwaitersAtATime; i++)
            _spareAwaiters.Push(new RingAwaiter());
        Volatile.Write(ref _awaitersMade, _awaitersMade + AwaitersAtATime);
    }

    // With the first call that may wait, though it need not: where an answer is there at once a thousand times and then is not, nothing is allocated for that.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void MakeFirstAwaiters()
    {
        if (Volatile.Read(ref _awaitersMade) == 0)
            Make();

        void Make()
        {
            lock (_spareAwaiters)
            {
                if (_awaitersMade == 0)
                    MakeAwaiters();
            }
        }
    }

    private void ReturnAwaiter(RingAwaiter awaiter)
    {
        lock (_spareAwaiters)
            _spareAwaiters.Push(awaiter);
    }

    /// <summary>Has the doorbell thread signal it at the next ring. False: it has rung since <paramref name="seen"/> was read.</summary>
    private bool TryAwaitRing(WaitKind kind, uint seen, RingAwaiter awaiter)
    {
        bool fetch;
        lock (_awaiterGates[(int)kind])
        {
            if (ReadDoorbell(kind) != seen)
                return false;
            _awaiters[(int)kind].AddLast(awaiter.Node);
            _asynchronousReceivers |= kind == WaitKind.Receive;
            fetch = !_doorbellIncluded[(int)kind];
        }

        if (fetch)
            _doorbells.Poke();
        return true;
    }

    /// <summary>However its wait ended: it is in no list any more.</summary>
    private void Forget(WaitKind kind, RingAwaiter awaiter)
    {
        lock (_awaiterGates[(int)kind])
            awaiter.Node.List?.Remove(awaiter.Node);
    }

    private void ReleaseAwaiters()
    {
        for (int kind = 0; kind < _awaiters.Length; kind++)
        {
            lock (_awaiterGates[kind])
            {
                while (TryRingFirst(_awaiters[kind]))
                {
                }
            }
        }
    }
}
