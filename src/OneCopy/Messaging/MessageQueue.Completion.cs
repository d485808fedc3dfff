using System.Runtime.CompilerServices;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>The wait for a message's completion, and what its sender's process does for it meanwhile.</summary>
public sealed partial class MessageQueue
{
    // As many as are kept to be used again.
    private const int SpareSends = 64;

    private readonly List<AttachedSend> _attached = [];
    private readonly Stack<AttachedSend> _spareSends = new();
    private bool _madeSpareSends;

    // From the first one on. Before, no ring for this handle's own messages is the doorbell thread's, which would be woken beside each thread that waits for room.
    private bool _hasWaited;

    private AttachedSend TakeWaiting()
    {
        lock (_attached)
            return _spareSends.TryPop(out AttachedSend? spare) ? spare : new AttachedSend(this) { Place = -1 };
    }

    /// <summary>As many as one thread has under way at most, so that nothing is allocated when it has more under way than before.</summary>
    private void MakeSpareSends()
    {
        if (Volatile.Read(ref _madeSpareSends))
            return;
        lock (_attached)
        {
            _attached.EnsureCapacity(MostUnderWay);
            _spareSends.EnsureCapacity(SpareSends);
            while (_spareSends.Count < MostUnderWay)
                _spareSends.Push(new AttachedSend(this) { Place = -1 });
            _madeSpareSends = true;
        }
    }

    /// <summary>Before the message can be seen, so that whoever completes it finds this participant waiting.</summary>
    private void BeginWaiting(AttachedSend waiting, Draft draft, long length)
    {
        waiting.Begin(draft.Block, draft.State.Generation, length);
        _blocksGate.Enter();
        _blocks[draft.Block].Waiting = waiting;
        _blocksGate.Exit();
        lock (_attached)
        {
            waiting.Place = _attached.Count;
            _attached.Add(waiting);
            if (_hasWaited)
                return;
            Volatile.Write(ref _hasWaited, true);
        }

        _doorbells.Poke();
    }

    /// <summary>However it ended, and also if it never began.</summary>
    private void EndWaiting(AttachedSend waiting)
    {
        if (waiting.Place >= 0)
        {
            _blocksGate.Enter();
            ref OwnBlock own = ref _blocks[waiting.Block];
            if (own.Waiting == waiting)
                own.Waiting = null;
            _blocksGate.Exit();
        }

        waiting.End();
        lock (_attached)
        {
            if (waiting.Place >= 0)
            {
                // The last one takes its place.
                AttachedSend last = _attached[^1];
                (_attached[waiting.Place], last.Place) = (last, waiting.Place);
                _attached.RemoveAt(_attached.Count - 1);
                waiting.Place = -1;
            }

            if (_spareSends.Count < SpareSends)
                _spareSends.Push(waiting);
        }
    }

    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    private async ValueTask CompleteAsync(AttachedSend waiting, long deadline, CancellationToken ct)
    {
        try
        {
            using CancellationTokenRegistration registration = ct.UnsafeRegister(static s => ((AttachedSend)s!).Signal(inPlace: true), waiting);
            while (true)
            {
                waiting.Clear();
                CrashPoint.At(Step.SleepWait);
                if (IsDone(waiting))
                    break;
                ThrowIfEnded(waiting, deadline, ct);
                waiting.SignalAt(deadline);

                // Asleep here and nowhere else: how the wait ends may have to look at its receiver's memory.
                CountSleeper(1);
                try
                {
                    await waiting.Next().ConfigureAwait(false);
                }
                finally
                {
                    CountSleeper(-1);
                }
            }

            ThrowIfTakenBack(waiting);
        }
        catch (Exception e)
        {
            Settle(waiting, e);
        }
        finally
        {
            if (deadline != Deadline.Never)
                waiting.StopTimer();
        }
    }

    private static void ThrowIfEnded(AttachedSend waiting, long deadline, CancellationToken ct)
    {
        if (waiting.Failure is { } failure)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        ct.ThrowIfCancellationRequested();
        if (!Deadline.IsAhead(deadline))
            throw new TimeoutException();
    }

    /// <summary>The wait ended by <paramref name="e"/>: the memory is the caller's again only if nobody can read it any more. Returns if the message is done after all.</summary>
    private void Settle(AttachedSend waiting, Exception e)
    {
        ThrowIfBroken();
        ThrowIfTakenBack(waiting);
        if (IsDone(waiting))
            return;
        if (TryWithdraw(waiting))
        {
            if (e is TimeoutException)
                throw new TimeoutException($"No receiver of queue {Name} completed the message of {waiting.Length:N0} bytes in time; it was taken back.", e);
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e);
        }

        ThrowIfTakenBack(waiting);
        if (IsDone(waiting))
            return;
        throw new OneCopyException(
            "The wait for the message's completion ended, but the message is in the queue and cannot be taken back from the receiver that has it.", e);
    }

    /// <summary>The own doorbell rang: tells the senders whose messages are done, and moves payloads that could not be pulled. Within an operation: it looks at receivers' memory.</summary>
    private void AttendToAttachedSends()
    {
        lock (_attached)
        {
            foreach (AttachedSend waiting in _attached)
            {
                if (IsDone(waiting))
                {
                    waiting.Signal();
                }
                else if (waiting.IsAttached)
                {
                    if (!waiting.IsMoving && MoveIsAsked(waiting))
                    {
                        waiting.IsMoving = true;
                        ThreadPool.UnsafeQueueUserWorkItem(static w => w.Queue.Move(w), waiting, preferLocal: false);
                    }

                    // As well, and not instead: who has posted a place is rung by a push alone, and may have been heard with the same ring.
                    if (!waiting.HelpsItself && PushIsAsked(waiting) && waiting.TryAskForPush())
                        ThreadPool.UnsafeQueueUserWorkItem(waiting, preferLocal: false);
                }
            }
        }
    }
}
