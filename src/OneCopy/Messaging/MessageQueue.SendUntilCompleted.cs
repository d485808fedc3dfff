using System.Buffers;
using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>Sending in a thread that waits for the end of it, and copies meanwhile.</summary>
public sealed unsafe partial class MessageQueue
{
    // How often the state is looked at between two looks at the clock and everything else.
    private const int LooksAtOnce = 32;

    // Rounds of so many looks, some microsecond each.
    private const int RoundsToLookForHelp = 4;

    // While its receiver still has a piece to copy, and then to answer, the end is near: so much longer than usual.
    private const long SpinAfterHelp = 200_000;

    // A receiver that has to be woken first is not here within the usual time. So much longer is looked for it, as long as that has not been in vain; afterwards for one message in so many, which may find that it is awake by now.
    private const long LongestSpin = 100_000;
    private const int OneLongSpinOf = 16;

    private long _spinForHelp = LongestSpin;
    private int _longSpinsLeftOut;

    /// <summary>
    /// Sends a payload and blocks the calling thread until a receiver has completed the message, or put it into the dead-letter queue. From <see cref="QueueOptions.AttachThreshold"/> on the payload
    /// stays where it is and is copied once; the receiver and this thread copy it together, each a part, where both may (<see cref="QueueStatistics.CopiedByBoth"/>). Shorter ones are copied into
    /// the queue. When it returns, the message does not depend on this process any more.
    /// </summary>
    /// <param name="payload">Not to be changed by other threads before this returns. Held still meanwhile.</param>
    /// <param name="options">Properties, time limit, lane. <see cref="SendOptions.UntilCompleted"/> is understood.</param>
    /// <param name="cancellationToken">Takes the message back, as for <see cref="SendAsync(ReadOnlyMemory{byte}, SendOptions?, CancellationToken)"/>.</param>
    /// <exception cref="TimeoutException">The time limit passed; the message was taken back.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; the message was taken back.</exception>
    /// <exception cref="ArgumentException"><see cref="SendOptions.SurviveSender"/> was asked for, and <see cref="QueueOptions.Attach"/> forbids the copy. Or the properties are too long.</exception>
    /// <exception cref="OneCopyException">As for <see cref="SendAsync(ReadOnlyMemory{byte}, SendOptions?, CancellationToken)"/>.</exception>
    /// <exception cref="ObjectDisposedException">The handle was closed; a message not completed by then was taken back.</exception>
    public void SendUntilCompleted(ReadOnlySpan<byte> payload, SendOptions? options = null, CancellationToken cancellationToken = default)
    {
        fixed (byte* held = payload)
            SendUntilCompleted(held, payload.Length, default, payload.Length, options ?? SendOptions.Default, cancellationToken);
    }

    /// <summary>
    /// The same for memory. If that is an array, which nobody can unmap or truncate, this thread may also be asked to copy it by itself, through a small buffer of the receiver's, where two such copies are found to be faster than one
    /// by the kernel (<see cref="QueueStatistics.Staged"/>).
    /// </summary>
    /// <param name="payload">Not to be changed before this returns. Pinned meanwhile.</param>
    /// <param name="options">Properties, time limit, lane.</param>
    /// <param name="cancellationToken">Takes the message back.</param>
    /// <inheritdoc cref="SendUntilCompleted(ReadOnlySpan{byte}, SendOptions?, CancellationToken)"/>
    public void SendUntilCompleted(ReadOnlyMemory<byte> payload, SendOptions? options = null, CancellationToken cancellationToken = default) =>
        SendUntilCompleted(null, 0, new ReadOnlySequence<byte>(payload), payload.Length, options ?? SendOptions.Default, cancellationToken);

    /// <inheritdoc cref="SendUntilCompleted(ReadOnlyMemory{byte}, SendOptions?, CancellationToken)"/>
    /// <exception cref="ArgumentNullException">The payload is null.</exception>
    public void SendUntilCompleted(byte[] payload, SendOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(payload);
        SendUntilCompleted((ReadOnlyMemory<byte>)payload, options, cancellationToken);
    }

    /// <summary>The same for a payload that lies in several pieces.</summary>
    /// <param name="payload">Not to be changed before this returns. Pinned meanwhile.</param>
    /// <param name="options">Properties, time limit, lane.</param>
    /// <param name="cancellationToken">Takes the message back.</param>
    /// <inheritdoc cref="SendUntilCompleted(ReadOnlySpan{byte}, SendOptions?, CancellationToken)"/>
    public void SendUntilCompleted(ReadOnlySequence<byte> payload, SendOptions? options = null, CancellationToken cancellationToken = default) =>
        SendUntilCompleted(null, 0, payload, payload.Length, options ?? SendOptions.Default, cancellationToken);

    /// <summary>One of the two: memory that is held still, or a sequence to be pinned.</summary>
    private void SendUntilCompleted(byte* held, int heldLength, in ReadOnlySequence<byte> pieces, long length, SendOptions options, CancellationToken ct)
    {
        options.CheckTimeToLive();
        ct.ThrowIfCancellationRequested();
        long deadline = Deadline.After(options.Timeout);
        nint thread = EnterNew();
        AttachedSend waiting = TakeWaiting();
        try
        {
            Needs needs = NeedsOf(waiting, held, heldLength, pieces, length, options);
            Draft draft = TakeDraft(needs, options.Properties, deadline, thread, ct);
            Fill(draft, waiting, held, heldLength, pieces, length, options);
            PublishBlocking(waiting, draft, deadline, ct);
            EndSend(waiting, needs, thread);
            AwaitCompletion(waiting, waiting, deadline, ct);
            EndCompleted(waiting);
            ThrowIfBroken();
        }
        finally
        {
            EndWaiting(waiting);
            Exit(thread);
        }
    }

    /// <summary>Pins the payload if it is to stay where it is.</summary>
    private Needs NeedsOf(AttachedSend waiting, byte* held, int heldLength, in ReadOnlySequence<byte> pieces, long length, SendOptions options)
    {
        int properties = options.Properties?.EncodedLength() ?? 0;
        return TryAttach(waiting, held, heldLength, pieces, length, options) ? Needs.OfSegments(waiting, length, properties) : Needs.OfPayload(length, properties);
    }

    /// <summary>What it is to be told of is announced before anybody sees it.</summary>
    private void Fill(Draft draft, AttachedSend waiting, byte* held, int heldLength, in ReadOnlySequence<byte> pieces, long length, SendOptions options)
    {
        if (waiting.IsAttached || held is null)
            Fill(draft, pieces, waiting.IsAttached ? waiting : null);
        else
            ArenaCopy.Copy(new ReadOnlySpan<byte>(held, heldLength), new Span<byte>(draft.Body, heldLength));
        LimitLife(draft, options);
        BeginWaiting(waiting, draft, length);
    }

    private void EndSend(AttachedSend waiting, in Needs needs, nint thread) =>
        EndSend(waiting.IsAttached ? Lane.Attached : needs.BodyFits(_self.InlineCapacity) ? Lane.Inline : Lane.Arena, waiting.Length, thread);

    private void EndCompleted(AttachedSend waiting)
    {
        if (waiting.IsAttached && !waiting.IsMoved)
            Volatile.Write(ref _attachedSinceMove, 1);
    }

    /// <summary>
    /// Pins the payload if it is to stay where it is: one that is long, or is long enough for that and lies in a buffer of a pool.
    /// </summary>
    private bool TryAttach(AttachedSend waiting, byte* held, int heldLength, in ReadOnlySequence<byte> pieces, long length, SendOptions options)
    {
        bool isLong = AttachThreshold.IsReached(length, _options.AttachThreshold);
        if (length == 0 || (!isLong && (options.SurviveSender || !AttachThreshold.IsReachedInBuffer(length, _options.AttachThreshold))))
            return false;
        if (held is not null)
            waiting.Hold(held, (nuint)heldLength);
        else
            waiting.Pin(pieces);
        if ((isLong || !waiting.Buffer.IsNone) && MayAttach(length, options))
            return true;
        waiting.LetGo();
        return false;
    }

    /// <summary>
    /// While it waits for room, it looks at nothing else, and a receiver may have the message all the same (somebody met an old reference with the same bits): then others of this process see to it. From the end of
    /// the announcement on, which is a full fence, it looks itself.
    /// </summary>
    private void PublishBlocking(AttachedSend waiting, Draft draft, long deadline, CancellationToken ct)
    {
        Announce(WaitKind.Own);
        try
        {
            Publish(draft, deadline, ct);
            waiting.HelpsItself = true;
        }
        finally
        {
            Unannounce(WaitKind.Own);
        }
    }

    /// <summary>Of one that is under way. Those from <paramref name="first"/> up to it, which the same thread waits for as well, are helped meanwhile.</summary>
    private void AwaitCompletion(AttachedSend first, AttachedSend waiting, long deadline, CancellationToken ct)
    {
        try
        {
            // Cancelling rings the own doorbell, so that the sleeper looks up.
            using CancellationTokenRegistration registration = ct.UnsafeRegister(static s => ((AttachedSend)s!).Queue.RingSelf(WaitKind.Own), waiting);
            long begun = Deadline.Now;
            while (!SpinUntilDone(first, waiting, deadline, ct) && !SleepUntilDone(first, waiting, deadline, ct))
            {
            }

            // An attached one is waited for as long as its copy takes, which says nothing of other waits.
            if (!waiting.IsAttached)
                _spins[(int)WaitKind.Own].Learn(Deadline.Now - begun);
            ThrowIfTakenBack(waiting);
        }
        catch (Exception e)
        {
            Settle(waiting, e);
        }
    }

    /// <summary>
    /// Looks for the end, and writes what the message's holder posts meanwhile. That it is looking is said in the own file: a receiver that sees it there does not ring. It is a hint and no more; for
    /// this thread announces its sleep, and looks once more, before it sleeps.
    /// </summary>
    private bool SpinUntilDone(AttachedSend first, AttachedSend waiting, long deadline, CancellationToken ct)
    {
        long spin = _options.WaitStrategy switch
        {
            WaitStrategy.Spin => Deadline.Never,
            WaitStrategy.Adaptive when s_spinsHelp => Math.Max(waiting.IsAttached ? SpinForHelp() : 0, _spins[(int)WaitKind.Own].Next()),
            _ => 0,
        };
        long until = spin == Deadline.Never ? Deadline.Never : Deadline.Now + spin;

        // Short ones of several are mostly copied by their receiver alone: to look at the one it is just at, each time, would take that one's line away from it.
        bool looksForHelp = first == waiting || waiting.Length >= SharedFrom;
        if (waiting.IsAttached)
            Interlocked.Increment(ref _self.Looking);
        try
        {
            for (int round = 0; round == 0 || Deadline.IsAhead(until); round++)
            {
                for (int look = 0; look < LooksAtOnce; look++)
                {
                    if (IsDone(waiting))
                    {
                        if (waiting.IsAttached && Volatile.Read(ref _spinForHelp) != LongestSpin)
                            Volatile.Write(ref _spinForHelp, LongestSpin);
                        return true;
                    }

                    if ((looksForHelp || (look == 0 && round % RoundsToLookForHelp == 1)) && AskedForPush(first, waiting) is { } asked && PushPosted(asked))
                    {
                        looksForHelp = true;
                        if (spin is > 0 and < Deadline.Never)
                            until = Deadline.Now + SpinAfterHelp;
                        Volatile.Write(ref _spinForHelp, LongestSpin);
                    }

                    Processor.Pause();
                }

                ThrowIfBroken();
                ThrowIfEnded(waiting, deadline, ct);
            }

            Volatile.Write(ref _spinForHelp, spin / 2);
            return false;
        }
        finally
        {
            if (waiting.IsAttached)
                Interlocked.Decrement(ref _self.Looking);
        }
    }

    private long SpinForHelp()
    {
        long spin = Volatile.Read(ref _spinForHelp);
        return spin >= LeastSpin || ++_longSpinsLeftOut % OneLongSpinOf != 0 ? spin : LongestSpin;
    }

    /// <summary>One of these whose holder has posted a place for it: there may be several receivers.</summary>
    private AttachedSend? AskedForPush(AttachedSend first, AttachedSend last)
    {
        for (AttachedSend? asked = first; asked is not null; asked = asked == last ? null : asked.Behind)
        {
            if (asked.IsAttached && PushIsAsked(asked))
                return asked;
        }

        return null;
    }

    /// <summary>True: it is done. False: something is posted to be written, and more of it may come soon.</summary>
    private bool SleepUntilDone(AttachedSend first, AttachedSend waiting, long deadline, CancellationToken ct)
    {
        // Of several, it need not be told of those before it.
        Announce(WaitKind.Own, first == waiting ? -1 : waiting.Block);
        try
        {
            while (true)
            {
                CrashPoint.At(Step.SleepRead);
                uint seen = BeginLook(WaitKind.Own);
                CrashPoint.At(Step.SleepLook);
                if (IsDone(waiting))
                    return true;
                if (AskedForPush(first, waiting) is not null)
                    return false;
                ThrowIfBroken();
                ThrowIfEnded(waiting, deadline, ct);
                CountSleeper(1);
                CrashPoint.At(Step.SleepWait);
                SysResult waited = Futex.Wait(_self.Doorbell(WaitKind.Own), seen, Math.Min(deadline, Deadline.Now + QuietPeriod));
                CountSleeper(-1);
                if (waited.Errno == Errno.ETIMEDOUT)
                    LookAtOwnFiles();
            }
        }
        finally
        {
            LeaveSleep(WaitKind.Own);
        }
    }
}
