using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>
/// Sleeping and waking. A sleeper announces itself, looks again, then sleeps; a waker changes the shared word, then looks for
/// sleepers. The full fences in between make one of the two see the other.
/// </summary>
public sealed partial class MessageQueue
{
    // Looks between two looks at the clock: some 2 µs.
    private const int LooksATime = 64;
    private const int RoundsATry = 32;

    private static readonly bool s_spinsHelp = Environment.ProcessorCount > 1;

    private const int MostTries = 4;

    private static readonly int s_enoughOnTheirWay = Math.Clamp(Environment.ProcessorCount - 1, 1, MostTries);

    // How long a sleeper that waits for a certain block sleeps before it takes any.
    private const long PatientPeriod = 1_000_000;

    private readonly Lock _sleepGate = new();
    private readonly int[] _asleep = new int[3];

    // What a cancellation is told, boxed once.
    private readonly object?[] _cancelled = new object?[3];
    private readonly Lock[] _awaiterGates = [new(), new(), new()];
    private readonly LinkedList<TaskCompletionSource>[] _awaiters = [new(), new(), new()];
    private readonly bool[] _doorbellIncluded = new bool[3];
    private bool _asynchronousReceivers;
    private readonly SpinBudget[] _spins = [new(), new(), new()];
    private int _wakeFrom;

    /// <summary>What a thread waits for. A value, so that waiting allocates nothing.</summary>
    private interface IAttempt
    {
        /// <summary>Cheap: whether a try may succeed. Others need not be asked for the lines that it reads.</summary>
        bool MaySucceed(MessageQueue queue);

        bool Try(MessageQueue queue);

        /// <summary>A block of this handle that it would best be woken for; -1: for anything. Kind <see cref="WaitKind.Own"/> alone.</summary>
        int BlockToWaitFor(MessageQueue queue) => -1;
    }

    bool IDoorbellOwner.WantsDoorbell(WaitKind kind)
    {
        lock (_awaiterGates[(int)kind])
        {
            // Once asynchronous receivers have been seen, the thread stays, so that not every wait begins with a system call to
            // fetch it; unless threads sleep on the same word, whom it would wake in vain.
            bool wants = kind == WaitKind.Own || _awaiters[(int)kind].Count > 0
                || (kind == WaitKind.Receive && _asynchronousReceivers && Volatile.Read(ref _asleep[(int)kind]) == 0);
            return _doorbellIncluded[(int)kind] = wants;
        }
    }

    unsafe void IDoorbellOwner.OnRing(WaitKind kind)
    {
        if (kind == WaitKind.Own)
            AttendToAttachedSends();
        bool passOn = false;
        lock (_awaiterGates[(int)kind])
        {
            LinkedList<TaskCompletionSource> awaiters = _awaiters[(int)kind];
            if (kind == WaitKind.Receive)
            {
                // One message wakes one; it wakes the next if there are more.
                if (!TryCompleteFirst(awaiters))
                    passOn = Volatile.Read(ref _asleep[(int)kind]) > 0;
            }
            else
            {
                while (TryCompleteFirst(awaiters))
                {
                }
            }
        }

        // The wake-up may have been meant for a thread.
        if (passOn)
            Futex.Wake(_self.Doorbell(kind), 1);
    }

    private static bool TryCompleteFirst(LinkedList<TaskCompletionSource> awaiters)
    {
        while (awaiters.First is { } first)
        {
            awaiters.RemoveFirst();
            if (first.Value.TrySetResult())
                return true;
        }

        return false;
    }

    private void Announce(WaitKind kind, int block = -1)
    {
        lock (_sleepGate)
        {
            // Who waits for anything is told of everything; so are those beside it, and who comes second.
            if (_asleep[(int)kind]++ > 0)
            {
                if (kind == WaitKind.Own)
                    Interlocked.Exchange(ref _self.OwnSleeping, 1);
                return;
            }

            CrashPoint.At(Step.SleepBit);
            if (kind == WaitKind.Own)
                Interlocked.Exchange(ref _self.OwnSleeping, block < 0 ? 1 : (uint)block + 2);
            else
                _ring.Sleepers(kind).Add(_self.Index);
        }
    }

    private void Unannounce(WaitKind kind)
    {
        lock (_sleepGate)
        {
            if (--_asleep[(int)kind] > 0)
                return;
            CrashPoint.At(Step.SleepClear);
            if (kind == WaitKind.Own)
                Interlocked.Exchange(ref _self.OwnSleeping, 0);
            else
                _ring.Sleepers(kind).Remove(_self.Index);
        }
    }

    /// <summary>Waits in this thread until <paramref name="attempt"/> succeeds. False: the deadline passed.</summary>
    private bool WaitUntil<TState>(WaitKind kind, TState state, Func<MessageQueue, TState, bool> attempt, long deadline, CancellationToken ct)
    {
        StateAttempt<TState> tries = new(state, attempt);
        return WaitUntil(kind, ref tries, deadline, ct);
    }

    private bool WaitUntil<TAttempt>(WaitKind kind, ref TAttempt attempt, long deadline, CancellationToken ct)
        where TAttempt : struct, IAttempt
    {
        if (attempt.Try(this))
            return true;
        ct.ThrowIfCancellationRequested();
        long begun = Deadline.Now;
        bool succeeded = Spin(kind, ref attempt, begun, deadline, ct) || (Deadline.IsAhead(deadline) && SleepUntil(kind, ref attempt, deadline, ct));
        if (succeeded)
            _spins[(int)kind].Learn(Deadline.Now - begun);
        return succeeded;
    }

    private unsafe bool SleepUntil<TAttempt>(WaitKind kind, ref TAttempt attempt, long deadline, CancellationToken ct)
        where TAttempt : struct, IAttempt
    {
        // Cancelling rings the own doorbell, so that the sleeper looks up.
        using CancellationTokenRegistration registration = ct.CanBeCanceled ? RingWhenCanceled(kind, ct) : default;
        int block = kind == WaitKind.Own ? attempt.BlockToWaitFor(this) : -1;
        bool isPatient = block >= 0;
        Announce(kind, block);
        try
        {
            while (true)
            {
                CrashPoint.At(Step.SleepRead);
                uint seen = BeginLook(kind);
                CrashPoint.At(Step.SleepLook);
                if (attempt.Try(this))
                    return true;
                ThrowIfBroken();
                ct.ThrowIfCancellationRequested();
                ThrowIfEnding(kind);
                if (!Deadline.IsAhead(deadline))
                    return false;
                CountSleeper(1);
                CrashPoint.At(Step.SleepWait);
                SysResult waited = Futex.Wait(_self.Doorbell(kind), seen, Math.Min(deadline, Deadline.Now + (isPatient ? PatientPeriod : QuietPeriod)));
                CountSleeper(-1);
                if (waited.Errno != Errno.ETIMEDOUT)
                    continue;
                if (isPatient)
                {
                    // That one is held for long. From here on it is told of any, and looks once more before it sleeps on.
                    isPatient = false;
                    Interlocked.Exchange(ref _self.OwnSleeping, 1);
                    continue;
                }

                LookAtOwnFiles();
            }
        }
        finally
        {
            LeaveSleep(kind);
        }
    }

    private CancellationTokenRegistration RingWhenCanceled(WaitKind kind, CancellationToken ct) => ct.UnsafeRegister(
        static s =>
        {
            (MessageQueue queue, WaitKind k) = ((MessageQueue, WaitKind))s!;
            queue.RingSelf(k);
        },
        (this, kind));

    /// <summary>So that all of this handle that sleep for this kind look up.</summary>
    private void RingSelf(WaitKind kind)
    {
        if (!TryEnter())
            return;
        _self.Ring(kind, everybody: true);
        Exit();
    }

    private void LeaveSleep(WaitKind kind)
    {
        Unannounce(kind);

        CrashPoint.At(Step.SleepPass);
        // After the bit is cleared (a full fence): what we were woken for may be left for another, whether we took one or gave up.
        if (kind == WaitKind.Receive ? !_ring.LooksEmpty : kind == WaitKind.Space && !_ring.LooksFull)
            WakeOne(kind);
    }

    private bool Spin<TAttempt>(WaitKind kind, ref TAttempt attempt, long begun, long deadline, CancellationToken ct)
        where TAttempt : struct, IAttempt
    {
        if (_options.WaitStrategy == WaitStrategy.Sleep || (!s_spinsHelp && _options.WaitStrategy == WaitStrategy.Adaptive))
            return false;
        long until = _options.WaitStrategy == WaitStrategy.Spin ? deadline : Math.Min(deadline, begun + _spins[(int)kind].Nanoseconds);
        for (int rounds = 0; Deadline.IsAhead(until);)
        {
            for (int i = 0; i < LooksATime; i++)
            {
                Processor.Pause();
                if (attempt.MaySucceed(this) && attempt.Try(this))
                    return true;
            }

            // Now and then in earnest: what a glance does not see (damage, say) is found here. Rarely, for a try may look at many lines that others are writing.
            if (++rounds % RoundsATry == 0 && attempt.Try(this))
                return true;
            ThrowIfBroken();
            ct.ThrowIfCancellationRequested();
            ThrowIfEnding(kind);
        }

        return false;
    }

    private readonly struct StateAttempt<TState>(TState state, Func<MessageQueue, TState, bool> attempt) : IAttempt
    {
        public bool MaySucceed(MessageQueue queue) => true;

        public bool Try(MessageQueue queue) => attempt(queue, state);
    }

    /// <summary>The same without a thread. False: the deadline passed.</summary>
    private async ValueTask<bool> WaitUntilAsync<TState>(
        WaitKind kind, TState state, Func<MessageQueue, TState, bool> attempt, long deadline, CancellationToken ct)
    {
        if (attempt(this, state))
            return true;
        Announce(kind);
        try
        {
            while (true)
            {
                CrashPoint.At(Step.SleepRead);
                uint seen = BeginLook(kind);
                CrashPoint.At(Step.SleepLook);
                if (attempt(this, state))
                    return true;
                ThrowIfBroken();
                ct.ThrowIfCancellationRequested();
                ThrowIfEnding(kind);
                if (!Deadline.IsAhead(deadline))
                    return false;
                if (AwaitRing(kind, seen) is not { } ring)
                    continue;
                CountSleeper(1);
                try
                {
                    CrashPoint.At(Step.SleepWait);
                    await ring.Value.Task.WaitAsync(Deadline.Left(deadline), ct).ConfigureAwait(false);
                }
                catch (TimeoutException)
                {
                    // Looked at above, after one more attempt.
                }
                finally
                {
                    CountSleeper(-1);
                    Forget(kind, ring);
                }
            }
        }
        finally
        {
            LeaveSleep(kind);
        }
    }

    /// <summary>
    /// The doorbell's value to sleep on, before the look. That a look begins is counted between the two (a full fence), for those who ring (<see cref="Peer.TryRing"/>).
    /// </summary>
    private unsafe uint BeginLook(WaitKind kind)
    {
        uint seen = ReadDoorbell(kind);
        Interlocked.Increment(ref *_self.Looks(kind));
        return seen;
    }

    private unsafe uint ReadDoorbell(WaitKind kind) => Volatile.Read(ref *_self.Doorbell(kind));

    /// <summary>Completed by the doorbell thread at the next ring. Null: it has rung since <paramref name="seen"/> was read.</summary>
    private LinkedListNode<TaskCompletionSource>? AwaitRing(WaitKind kind, uint seen)
    {
        LinkedListNode<TaskCompletionSource> ring = new(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        bool fetch;
        lock (_awaiterGates[(int)kind])
        {
            if (ReadDoorbell(kind) != seen)
                return null;
            _awaiters[(int)kind].AddLast(ring);
            _asynchronousReceivers |= kind == WaitKind.Receive;
            fetch = !_doorbellIncluded[(int)kind];
        }

        if (fetch)
            _doorbells.Poke();
        return ring;
    }

    private void Forget(WaitKind kind, LinkedListNode<TaskCompletionSource> ring)
    {
        lock (_awaiterGates[(int)kind])
        {
            if (ring.List is { } awaiters)
                awaiters.Remove(ring);
        }
    }

    private void ReleaseAwaiters()
    {
        for (int kind = 0; kind < _awaiters.Length; kind++)
        {
            lock (_awaiterGates[kind])
            {
                while (TryCompleteFirst(_awaiters[kind]))
                {
                }
            }
        }
    }

    /// <summary>Wakes one participant that sleeps for this kind, if there is one; no system call otherwise. After a full fence.</summary>
    private void WakeOne(WaitKind kind)
    {
        Sleepers sleepers = _ring.Sleepers(kind);
        CrashPoint.At(Step.WakeBitmap);
        if (!sleepers.Any)
            return;

        // From a rotating place: a sleeper that is stopped is passed over the next time. One whose file cannot be mapped is passed
        // over too; after a step that cannot be undone, this must not fail.
        // More that are on their way than there are processors to run on are of no use: each passes on what it leaves.
        int start = _wakeFrom;
        int onTheirWay = 0;
        for (int tries = 0; tries < MostTries; tries++)
        {
            int first = sleepers.Next(start);
            if (first == 0)
                return;
            start = first + 1;
            if (TryPeerAt(first) is not { } sleeper)
                continue;
            Rung rung = sleeper.TryRing(kind);
            if (rung == Rung.Now)
            {
                _wakeFrom = start;
                break;
            }

            if (rung == Rung.OnItsWay && ++onTheirWay >= s_enoughOnTheirWay)
                break;
        }

        // Also where all were rung already.
        LookLater();
    }
}
