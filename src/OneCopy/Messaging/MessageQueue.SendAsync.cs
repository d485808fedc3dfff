using System.Buffers;
using System.Runtime.CompilerServices;
using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>Sending without a copy on this side: the payload stays where it is until a receiver has it.</summary>
public sealed partial class MessageQueue
{
    // How long a send looks for its receiver in its own thread, in nanoseconds; learned from the last ones, and now and then tried again.
    private const long LongestMoment = 30_000;
    private const long ShortestMoment = 2_000;
    private const int OneMomentOf = 16;
    private long _spinForAsyncHelp = LongestMoment;
    private int _momentsLeftOut;

    // After a refused pull, so many large messages are copied before one is attached again to see whether it is still refused.
    private const int CopiesAfterRefusal = 64;

    private int _copiesBeforeAttach;
    private int _attachedSinceMove;

    /// <summary>
    /// Sends a payload. From <see cref="QueueOptions.AttachThreshold"/> on it stays in the caller's memory and is copied once, by its receiver; the
    /// task completes when a receiver has completed the message, or put it into the dead-letter queue. Shorter ones are copied into the queue, and the task completes when they
    /// are in it. Either way, when it completes the memory may be reused, and the message does not depend on this process any more.
    /// The call itself may copy: a short payload into the queue, and of an attached one a part, together with a receiver that takes it within 30 µs.
    /// </summary>
    /// <param name="payload">Not to be changed before the task completes. Pinned as long as receivers may read it.</param>
    /// <param name="options">Properties, time limit, lane.</param>
    /// <param name="cancellationToken">
    /// Takes the message back. If it was completed first, the task completes; a receiver that is just copying throws away what it has and
    /// gets <see cref="MessageWithdrawnException"/>. A message that was copied into the queue cannot be taken from a receiver that has it.
    /// </param>
    /// <exception cref="TimeoutException">The time limit passed; the message was taken back.</exception>
    /// <exception cref="ArgumentException"><see cref="SendOptions.SurviveSender"/> was asked for, and <see cref="QueueOptions.Attach"/> forbids the copy.</exception>
    /// <exception cref="OneCopyException">
    /// As for <c>Send</c>. Or the payload's memory was unmapped, or its file truncated, before a receiver had it (EFAULT). Or it cannot go in one copy,
    /// and <see cref="AttachMode.Required"/> forbids another way. The message was taken back in both cases.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The handle was closed; a message not completed by then was taken back.</exception>
    public ValueTask SendAsync(ReadOnlyMemory<byte> payload, SendOptions? options = null, CancellationToken cancellationToken = default)
    {
        try
        {
            if (options is null && !AttachThreshold.IsReached(payload.Length, _options.AttachThreshold) && TrySendShort(payload.Span, mayWait: false, cancellationToken))
                return ValueTask.CompletedTask;
        }
        catch (Exception e)
        {
            return FailAsync(e);
        }

        return SendAsync(new ReadOnlySequence<byte>(payload), options, cancellationToken);
    }

    /// <summary>Sends a payload that lies in several pieces, gathered by the receiver's one copy.</summary>
    /// <inheritdoc cref="SendAsync(ReadOnlyMemory{byte}, SendOptions?, CancellationToken)"/>
    public ValueTask SendAsync(ReadOnlySequence<byte> payload, SendOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= SendOptions.Default;
        try
        {
            options.CheckTimeToLive();
            cancellationToken.ThrowIfCancellationRequested();
            bool attach = ShouldAttach(payload.Length, options);
            if (attach || options.UntilCompleted)
                return SendAndWaitAsync(payload, attach, options, cancellationToken);
            return SendCopy(payload, options, cancellationToken);
        }
        catch (Exception e)
        {
            return FailAsync(e);
        }
    }

    // In an asynchronous method, so that a cancellation is one.
    private static async ValueTask FailAsync(Exception e)
    {
        await ValueTask.CompletedTask.ConfigureAwait(false);
        System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e);
    }

    /// <summary>Complete when it returns, unless there is no room.</summary>
    private ValueTask SendCopy(in ReadOnlySequence<byte> payload, SendOptions options, CancellationToken ct)
    {
        nint thread = EnterNew();
        bool waits = false;
        try
        {
            if (!TryDraft(Needs.OfPayload(payload.Length, options.Properties?.EncodedLength() ?? 0), options.Properties, out Draft draft, looksAtAll: false, thread))
                return SendCopyAsync(payload, options, ct);
            Fill(draft, payload, null);
            LimitLife(draft, options);
            MarkQueued(draft);
            if (!TryEnqueueOnce(draft))
            {
                waits = true;
                return EnqueueCopyAsync(draft, payload.Length, Deadline.After(options.Timeout), ct);
            }

            EndSend(payload.Length, thread);
            ThrowIfBroken();
            return ValueTask.CompletedTask;
        }
        finally
        {
            if (!waits)
                Exit(thread);
        }
    }

    /// <summary>False: the ring is full, and the message is queued without being in it. Throws if the ring is in disorder, unless somebody claimed the message all the same.</summary>
    private bool TryEnqueueOnce(Draft draft)
    {
        try
        {
            return TryEnqueue(draft.Reference(_self.Index));
        }
        catch
        {
            if (TryTakeBack(draft, keepDraft: false))
                throw;
            return true;
        }
    }

    /// <summary>Goes on with what was begun, and ends that.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    private async ValueTask EnqueueCopyAsync(Draft draft, long length, long deadline, CancellationToken ct)
    {
        try
        {
            await EnqueueAsync(draft, deadline, ct).ConfigureAwait(false);
            EndSend(length, CurrentThread.Id);
            ThrowIfBroken();
        }
        finally
        {
            Exit();
        }
    }

    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    private async ValueTask SendCopyAsync(ReadOnlySequence<byte> payload, SendOptions options, CancellationToken ct)
    {
        long deadline = Deadline.After(options.Timeout);
        EnterNew();
        try
        {
            Draft draft = await TakeDraftAsync(Needs.OfPayload(payload.Length, options.Properties?.EncodedLength() ?? 0), options.Properties, deadline, ct).ConfigureAwait(false);
            Fill(draft, payload, null);
            LimitLife(draft, options);
            await PublishAsync(draft, deadline, ct).ConfigureAwait(false);
            EndSend(payload.Length, CurrentThread.Id);
            ThrowIfBroken();
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>What is allocated for it is used again for the next one: its task's state too.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    private async ValueTask SendAndWaitAsync(ReadOnlySequence<byte> payload, bool attach, SendOptions options, CancellationToken ct)
    {
        long deadline = Deadline.After(options.Timeout);
        int properties = options.Properties?.EncodedLength() ?? 0;
        EnterNew();
        AttachedSend waiting = TakeWaiting();
        try
        {
            if (attach)
                waiting.Pin(payload);
            Needs needs = attach ? Needs.OfSegments(waiting, payload.Length, properties) : Needs.OfPayload(payload.Length, properties);
            if (!TryDraft(needs, options.Properties, out Draft draft, looksAtAll: false))
                draft = await TakeDraftAsync(needs, options.Properties, deadline, ct).ConfigureAwait(false);
            Fill(draft, payload, attach ? waiting : null);
            LimitLife(draft, options);
            BeginWaiting(waiting, draft, payload.Length);
            Announce(WaitKind.Own);
            try
            {
                await PublishAsync(draft, deadline, ct).ConfigureAwait(false);
                EndSend(waiting, needs, CurrentThread.Id);
                if (attach)
                    HelpForAMoment(waiting);
                await CompleteAsync(waiting, deadline, ct).ConfigureAwait(false);
            }
            finally
            {
                Unannounce(WaitKind.Own);
            }

            EndCompleted(waiting);
            ThrowIfBroken();
        }
        finally
        {
            EndWaiting(waiting);
            Exit();
        }
    }

    /// <summary>
    /// What an asynchronous send does before it gives its thread back: a receiver that is awake takes the message within microseconds, and so long the wake-up of another thread takes, which would have to help otherwise. Not within the announcement, so that nobody
    /// rings meanwhile; after it all is looked at that may have been asked for.
    /// </summary>
    private void HelpForAMoment(AttachedSend waiting)
    {
        long spin = Volatile.Read(ref _spinForAsyncHelp);
        if (!s_spinsHelp || _options.WaitStrategy == WaitStrategy.Sleep || (spin == 0 && ++_momentsLeftOut % OneMomentOf != 0))
            return;
        Unannounce(WaitKind.Own);
        waiting.HelpsItself = true;
        Interlocked.Increment(ref _self.Looking);
        try
        {
            bool helped = HelpWhileAsked(waiting, Math.Max(spin, ShortestMoment), SpinAfterHelp);
            Volatile.Write(ref _spinForAsyncHelp, helped || IsDone(waiting) ? LongestMoment : spin / 2);
        }
        finally
        {
            // In this order: a receiver that posts and still finds it looking is seen below, and one that does not rings.
            Interlocked.Decrement(ref _self.Looking);
            waiting.HelpsItself = false;
            Announce(WaitKind.Own);
        }

        if (!IsDone(waiting))
            AttendToAttachedSends();
    }

    /// <summary>Until it is done, or nothing was posted for as long. Whether anything was written.</summary>
    /// <param name="waiting">What is waited for; others are helped meanwhile.</param>
    /// <param name="spin">How long it looks for the first.</param>
    /// <param name="afterHelp">And for each after that.</param>
    private bool HelpWhileAsked(AttachedSend waiting, long spin, long afterHelp)
    {
        bool helped = false;
        long until = Deadline.Now + spin;
        while (!IsDone(waiting) && Deadline.IsAhead(until) && !IsBroken)
        {
            if (AskedForPush() is { } asked && PushPosted(asked))
            {
                helped = true;
                until = Deadline.Now + afterHelp;
            }

            Processor.Pause();
        }

        return helped;
    }

    /// <summary>Of all that are under way: those sent before it are received before it.</summary>
    private AttachedSend? AskedForPush()
    {
        lock (_attached)
        {
            foreach (AttachedSend waiting in _attached)
            {
                if (waiting.IsAttached && PushIsAsked(waiting))
                    return waiting;
            }
        }

        return null;
    }

    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<Draft> TakeDraftAsync(Needs needs, MessageProperties? properties, long deadline, CancellationToken ct)
    {
        (bool taken, TakeAttempt attempt) = await WaitUntilAsync(WaitKind.Own, new TakeAttempt(needs, properties), deadline, ct).ConfigureAwait(false);
        return taken
            ? attempt.Draft
            : throw new TimeoutException($"The queue {Name} had no room for a message of {needs.PayloadLength:N0} bytes in time; nothing was sent.");
    }

    private ValueTask PublishAsync(Draft draft, long deadline, CancellationToken ct, bool keepDraft = false)
    {
        MarkQueued(draft);
        return EnqueueAsync(draft, deadline, ct, keepDraft);
    }

    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    private async ValueTask EnqueueAsync(Draft draft, long deadline, CancellationToken ct, bool keepDraft = false)
    {
        try
        {
            if ((await WaitUntilAsync(WaitKind.Space, new EnqueueAttempt(draft.Reference(_self.Index)), deadline, ct).ConfigureAwait(false)).Succeeded)
                return;
        }
        catch
        {
            if (!TryTakeBack(draft, keepDraft))
                return;
            throw;
        }

        if (TryTakeBack(draft, keepDraft))
            throw new TimeoutException($"The ring of queue {Name} had no room in time; nothing was sent.");
    }

    private bool ShouldAttach(long length, SendOptions options) =>
        length != 0 && AttachThreshold.IsReached(length, _options.AttachThreshold) && MayAttach(length, options);

    private bool MayAttach(long length, SendOptions options)
    {
        if (_options.Attach == AttachMode.Never)
            return false;
        bool required = _options.Attach == AttachMode.Required;
        if (options.SurviveSender)
        {
            return !required ? false : throw new ArgumentException(
                $"SendOptions.SurviveSender asks for a copy of {length:N0} bytes in the queue, and QueueOptions.Attach is Required, which forbids it from AttachThreshold on.", nameof(options));
        }

        // What cannot fit in the arena can only be attached.
        if (required || Volatile.Read(ref _copiesBeforeAttach) <= 0 || length > _self.ArenaLimit)
            return true;
        Interlocked.Decrement(ref _copiesBeforeAttach);
        return false;
    }

    /// <summary>The payload into the draft, or where it lies: <paramref name="attached"/>, which has pinned it.</summary>
    private unsafe void Fill(Draft draft, in ReadOnlySequence<byte> payload, AttachedSend? attached)
    {
        try
        {
            if (attached is not null)
                attached.WriteTable(draft.Body);
            else
                Copy(payload, draft.Body);
        }
        catch
        {
            Discard(draft);
            throw;
        }
    }

    private unsafe void Copy(in ReadOnlySequence<byte> payload, byte* to)
    {
        bool throughKernel = AttachThreshold.IsReached(payload.Length, _options.AttachThreshold);
        foreach (ReadOnlyMemory<byte> piece in payload)
        {
            if (throughKernel)
            {
                // Such callers are used to memory that is read by the kernel: a mapped file that somebody truncates is then an error here too.
                using MemoryHandle pin = piece.Pin();
                iovec segment = new((nuint)pin.Pointer, (nuint)piece.Length);
                int errno = OwnMemory.Copy(new ReadOnlySpan<iovec>(in segment), to);
                if (errno != 0)
                    throw errno == Errno.EFAULT ? LostPayload(payload.Length) : new OneCopyException("process_vm_readv", errno, "the payload");
            }
            else
            {
                ArenaCopy.Copy(piece.Span, new Span<byte>(to, piece.Length));
            }

            to += piece.Length;
        }
    }
}
