using System.Runtime.CompilerServices;
using OneCopy.Interop;
using OneCopy.Memory;
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
    private const long NanosecondsALook = 32;
    private const int RoundsATry = 256;
    private const int RoundsAProcessor = 8;
    private const long LeastSpin = 1_000;

    private static readonly bool s_spinsHelp = Environment.ProcessorCount > 1;

    private const int MostTries = 4;

    private static readonly int s_enoughOnTheirWay = Math.Clamp(Environment.ProcessorCount - 1, 1, MostTries);

    // How long a sleeper that waits for a certain block sleeps before it takes any.
    private const long PatientPeriod = 1_000_000;

    private readonly MonitorLock _sleepGate = new();
    private readonly int[] _asleep = new int[3];

    private readonly SpinBudget[] _spins = [new(LeastSpin), new(LeastSpin), new(LeastSpin)];
    private readonly Gathering _gathering = new();
    private readonly ThreadMigration _migration = new();
    private int _wakeFrom;

    // One for each kind, for all that sleep: a registration allocates nothing then.
    private readonly OwnBell?[] _ownBells = new OwnBell?[3];

    /// <summary>What a thread waits for. A value, so that waiting allocates nothing.</summary>
    private interface IAttempt
    {
        /// <summary>Cheap: whether a try may succeed. Others need not be asked for the lines that it reads.</summary>
        bool MaySucceed(MessageQueue queue);

        bool Try(MessageQueue queue);

        /// <summary>A block of this handle that it would best be woken for; -1: for anything. Kind <see cref="WaitKind.Own"/> alone.</summary>
        int BlockToWaitFor(MessageQueue queue) => -1;
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

    /// <summary>Tries once, then waits in this thread until <paramref name="attempt"/> succeeds. False: the deadline passed.</summary>
    private bool WaitUntil<TState>(WaitKind kind, TState state, Func<MessageQueue, TState, bool> attempt, long deadline, CancellationToken ct)
    {
        StateAttempt<TState> tries = new(state, attempt);
        return tries.Try(this) || WaitUntil(kind, ref tries, deadline, ct);
    }

    /// <summary>
    /// Waits in this thread for what was tried in vain, or looked at. False: the deadline passed, and it was tried once more. Glances come first, and tries only where they may succeed: a try
    /// reads words that others are just writing, and takes their lines away from them.
    /// </summary>
    private bool WaitUntil<TAttempt>(WaitKind kind, ref TAttempt attempt, long deadline, CancellationToken ct)
        where TAttempt : struct, IAttempt
    {
        ct.ThrowIfCancellationRequested();
        long begun = Deadline.Now;
        SpinBudget budget = _spins[(int)kind];
        long most = _options.WaitStrategy == WaitStrategy.Spin ? Deadline.Never : budget.Next();
        if (!Spin(kind, ref attempt, begun, deadline, budget, most, ct, out long waited))
        {
            if (!(Deadline.IsAhead(deadline) ? SleepUntil(kind, ref attempt, deadline, ct) : attempt.Try(this)))
                return false;
            waited = Deadline.Now - begun;
        }

        budget.Learn(waited);
        if (kind == WaitKind.Receive)
            _gathering.EndWait(waited, begun + waited);
        return true;
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
                ThrowIfBroken(kind);
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
            (MessageQueue queue, WaitKind k) = (OwnBell)s!;
            queue.RingSelf(k);
        },
        _ownBells[(int)kind] ??= new OwnBell(this, kind));

    private sealed record OwnBell(MessageQueue Queue, WaitKind Kind);

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

    // For so many nanoseconds at most, and beyond a pause in which it looks away. How long it waited is about that: the clock is not read once more before the message is handed out.
    private bool Spin<TAttempt>(WaitKind kind, ref TAttempt attempt, long begun, long deadline, SpinBudget budget, long most, CancellationToken ct, out long waited)
        where TAttempt : struct, IAttempt
    {
        waited = 0;
        if (_options.WaitStrategy == WaitStrategy.Sleep || (!s_spinsHelp && _options.WaitStrategy == WaitStrategy.Adaptive))
            return false;
        bool learns = kind == WaitKind.Receive && _options.WaitStrategy == WaitStrategy.Adaptive;
        if (learns && _waitedForOwnProcessor && WaitsForOwnProcessor() && !TryMigrate(budget, begun))
            return false;
        long until = most < deadline - begun ? begun + most : deadline;
        if (learns && _gathering.BeginWait(begun))
        {
            LookAway(Math.Min(deadline, begun + Gathering.Pause));
            until = Math.Min(deadline, begun + Gathering.Pause + most);
            waited = Gathering.Pause;
        }

        for (int rounds = 0; begun + waited < until;)
        {
            for (int i = 0; i < LooksATime; i++)
            {
                Processor.Pause();
                if (attempt.MaySucceed(this) && attempt.Try(this))
                {
                    waited += i * NanosecondsALook;
                    return true;
                }
            }

            waited = Deadline.Now - begun;
            if (learns && rounds % RoundsAProcessor == 0 && WaitsForOwnProcessor() && !TryMigrate(budget, begun + waited))
                return false;

            // Now and then in earnest: what a glance does not see (damage, say) is found here. Rarely, for a try may look at many lines that others are writing.
            if (++rounds % RoundsATry == 0 && attempt.Try(this))
                return true;
            ThrowIfBroken();
            ct.ThrowIfCancellationRequested();
            ThrowIfEnding(kind);
        }

        return false;
    }

    // What the last one who asked was told: then it is asked before the first look.
    private bool _waitedForOwnProcessor;

    /// <summary>For tests.</summary>
    internal bool WaitedForOwnProcessor => Volatile.Read(ref _waitedForOwnProcessor);

    /// <summary>
    /// Whether who sent the last message was on this very processor when it last rang somebody: where other work keeps the rest busy, two that answer each other come to share one, and then who looks for the other one keeps it from answering. Asked by
    /// those alone who have looked for a while.
    /// </summary>
    private bool WaitsForOwnProcessor() => _waitedForOwnProcessor =
        Volatile.Read(ref _peers[_lastSender]) is { } sender && sender.File != _self && Volatile.Read(ref sender.File.RingerProcessor) == Sched.sched_getcpu() + 1;

    /// <summary>
    /// To another processor, where such waits end within what is looked for: both at once, the answer takes a tenth of the time. Where they do not, both may as well share one. False: not moved.
    /// </summary>
    private bool TryMigrate(SpinBudget budget, long now)
    {
        if (!_options.Migration || !budget.IsSpinning || !_migration.IsTime(now) || !ThreadMigration.TryLeaveProcessor())
            return false;
        _self.Count(Counter.Migrations);
        return true;
    }

    /// <summary>Before a sleep, from which a ring in disorder would wake nobody.</summary>
    private void ThrowIfBroken(WaitKind kind)
    {
        ThrowIfBroken();
        if (kind == WaitKind.Receive)
            _ring.ThrowIfInDisorder();
    }

    private static void LookAway(long until)
    {
        while (Deadline.IsAhead(until))
            Processor.Pause();
    }

    private readonly struct StateAttempt<TState>(TState state, Func<MessageQueue, TState, bool> attempt) : IAttempt
    {
        public bool MaySucceed(MessageQueue queue) => true;

        public bool Try(MessageQueue queue) => attempt(queue, state);
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

    /// <summary>Wakes one participant that sleeps for this kind, if there is one; no system call otherwise. After a full fence.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void WakeOne(WaitKind kind)
    {
        CrashPoint.At(Step.WakeBitmap);
        if (_ring.AnySleeps(kind))
            WakeOneThatSleeps(kind);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void WakeOneThatSleeps(WaitKind kind)
    {
        Volatile.Write(ref _self.RingerProcessor, Sched.sched_getcpu() + 1);
        Sleepers sleepers = _ring.Sleepers(kind);

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
