using System.Buffers;
using System.Runtime.CompilerServices;
using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>Sending without a copy on this side: the payload stays where it is until a receiver has it.</summary>
public sealed partial class MessageQueue
{
    // After a refused pull, so many large messages are copied before one is attached again to see whether it is still refused.
    private const int CopiesAfterRefusal = 64;

    private readonly List<AttachedSend> _attached = [];
    private int _copiesBeforeAttach;
    private int _attachedSinceMove;

    /// <summary>
    /// Sends a payload. From <see cref="QueueOptions.AttachThreshold"/> on it stays in the caller's memory and is copied once, by its receiver; the
    /// task completes when a receiver has completed the message, or put it into the dead-letter queue. Shorter ones are copied into the queue, and the task completes when they
    /// are in it. Either way, when it completes the memory may be reused, and the message does not depend on this process any more.
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
    public ValueTask SendAsync(ReadOnlyMemory<byte> payload, SendOptions? options = null, CancellationToken cancellationToken = default) =>
        SendAsync(new ReadOnlySequence<byte>(payload), options, cancellationToken);

    /// <summary>Sends a payload that lies in several pieces, gathered by the receiver's one copy.</summary>
    /// <inheritdoc cref="SendAsync(ReadOnlyMemory{byte}, SendOptions?, CancellationToken)"/>
    public async ValueTask SendAsync(ReadOnlySequence<byte> payload, SendOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= SendOptions.Default;
        options.CheckTimeToLive();
        cancellationToken.ThrowIfCancellationRequested();
        long length = payload.Length;
        long deadline = Deadline.After(options.Timeout);
        int properties = options.Properties?.EncodedLength() ?? 0;
        bool attach = ShouldAttach(length, options);
        MemoryHandle[] pins = [];
        iovec[] segments = [];
        AttachedSend? waiting = null;
        EnterNew();
        try
        {
            if (attach)
                (pins, segments) = Pin(payload);
            Needs needs = attach ? Needs.OfSegments(segments.Length, length, properties) : Needs.OfPayload(length, properties);
            DraftAttempt attempt = new(needs, options.Properties);
            if (!await WaitUntilAsync(WaitKind.Own, attempt, DraftAttempt.Try, deadline, cancellationToken).ConfigureAwait(false))
                throw new TimeoutException($"The queue {Name} had no room for a message of {length:N0} bytes in time; nothing was sent.");
            Draft draft = attempt.Draft;
            try
            {
                if (attach)
                    CopyTo(segments, draft);
                else
                    CopyTo(payload, draft);
            }
            catch
            {
                Discard(draft);
                throw;
            }

            LimitLife(draft, options);
            if (attach || options.UntilCompleted)
                waiting = BeginWaiting(draft, pins, segments, length);
            await PublishAsync(draft, deadline, cancellationToken).ConfigureAwait(false);
            CountSent(attach ? Lane.Attached : needs.BodyFits(_self.InlineCapacity) ? Lane.Inline : Lane.Arena, length);
            if (waiting is not null)
                await CompleteAsync(waiting, deadline, cancellationToken).ConfigureAwait(false);
            if (attach && !waiting!.IsMoved)
                Volatile.Write(ref _attachedSinceMove, 1);
            ThrowIfBroken();
        }
        finally
        {
            if (waiting is not null)
                EndWaiting(waiting);
            foreach (MemoryHandle pin in waiting is null ? pins : [])
                pin.Dispose();
            Exit();
        }
    }

    private async ValueTask PublishAsync(Draft draft, long deadline, CancellationToken ct, bool keepDraft = false)
    {
        MarkQueued(draft);
        try
        {
            if (await WaitUntilAsync(WaitKind.Space, draft.Reference(_self.Index), static (q, r) => q.TryEnqueue(r), deadline, ct).ConfigureAwait(false))
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

    private bool ShouldAttach(long length, SendOptions options)
    {
        if (_options.Attach == AttachMode.Never || length == 0 || !AttachThreshold.IsReached(length, _options.AttachThreshold))
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

    private static unsafe (MemoryHandle[] Pins, iovec[] Segments) Pin(ReadOnlySequence<byte> payload)
    {
        List<MemoryHandle> pins = [];
        List<iovec> segments = [];
        try
        {
            foreach (ReadOnlyMemory<byte> piece in payload)
            {
                if (piece.IsEmpty)
                    continue;
                MemoryHandle pin = piece.Pin();
                pins.Add(pin);
                segments.Add(new iovec((nuint)pin.Pointer, (nuint)piece.Length));
            }
        }
        catch
        {
            foreach (MemoryHandle pin in pins)
                pin.Dispose();
            throw;
        }

        return ([.. pins], [.. segments]);
    }

    private static unsafe void CopyTo(iovec[] segments, Draft draft)
    {
        fixed (iovec* source = segments)
            Buffer.MemoryCopy(source, draft.Body, segments.Length * sizeof(iovec), segments.Length * sizeof(iovec));
    }

    private unsafe void CopyTo(ReadOnlySequence<byte> payload, Draft draft)
    {
        byte* to = draft.Body;
        if (AttachThreshold.IsReached(payload.Length, _options.AttachThreshold))
        {
            // Such callers are used to memory that is read by the kernel: a mapped file that somebody truncates is then an error here too.
            (MemoryHandle[] pins, iovec[] segments) = Pin(payload);
            int errno = OwnMemory.Copy(segments, to);
            foreach (MemoryHandle pin in pins)
                pin.Dispose();
            if (errno != 0)
                throw errno == Errno.EFAULT ? LostPayload(payload.Length) : new OneCopyException("process_vm_readv", errno, "the payload");
            return;
        }

        foreach (ReadOnlyMemory<byte> piece in payload)
        {
            piece.Span.CopyTo(new Span<byte>(to, piece.Length));
            to += piece.Length;
        }
    }

    /// <summary>Before the message can be seen, so that whoever completes it finds this participant waiting.</summary>
    private AttachedSend BeginWaiting(Draft draft, MemoryHandle[] pins, iovec[] segments, long length)
    {
        AttachedSend waiting = new(draft.Block, draft.State.Generation, pins, segments, length);
        lock (_blocksGate)
            _blocks[draft.Block].Waiting = waiting;
        lock (_attached)
            _attached.Add(waiting);
        Announce(WaitKind.Own);
        return waiting;
    }

    private void EndWaiting(AttachedSend waiting)
    {
        Unannounce(WaitKind.Own);
        lock (_attached)
            _attached.Remove(waiting);
        lock (_blocksGate)
        {
            ref OwnBlock own = ref _blocks[waiting.Block];
            if (own.Waiting == waiting)
                own.Waiting = null;
        }

        waiting.Unpin();
    }

    private async ValueTask CompleteAsync(AttachedSend waiting, long deadline, CancellationToken ct)
    {
        CountSleeper(1);
        try
        {
            while (true)
            {
                try
                {
                    CrashPoint.At(Step.SleepWait);
                    if (!IsDone(waiting))
                        await waiting.Completion.WaitAsync(Deadline.Left(deadline), ct).ConfigureAwait(false);
                    ThrowIfTakenBack(waiting);
                    return;
                }
                catch (TimeoutException) when (Deadline.IsAhead(deadline))
                {
                    // One wait is not as long as all that may be asked for.
                }
            }
        }
        catch (Exception e)
        {
            // However it ended: the memory is the caller's again only if nobody can read it any more.
            ThrowIfBroken();
            ThrowIfTakenBack(waiting);
            if (IsDone(waiting))
                return;
            if (TryWithdraw(waiting))
            {
                if (e is TimeoutException)
                    throw new TimeoutException($"No receiver of queue {Name} completed the message of {waiting.Length:N0} bytes in time; it was taken back.", e);
                throw;
            }

            ThrowIfTakenBack(waiting);
            if (IsDone(waiting))
                return;
            throw new OneCopyException(
                "The wait for the message's completion ended, but the message is in the queue and cannot be taken back from the receiver that has it.", e);
        }
        finally
        {
            CountSleeper(-1);
        }
    }

    /// <summary>The own doorbell rang: tells the senders whose messages are done, and moves payloads that could not be pulled.</summary>
    private void AttendToAttachedSends()
    {
        lock (_attached)
        {
            foreach (AttachedSend waiting in _attached)
            {
                if (IsDone(waiting))
                {
                    waiting.Complete();
                }
                else if (waiting.IsAttached)
                {
                    if (!waiting.IsMoving && MoveIsAsked(waiting))
                    {
                        waiting.IsMoving = true;
                        ThreadPool.UnsafeQueueUserWorkItem(static w => w.Queue.Move(w.Waiting), (Queue: this, Waiting: waiting), preferLocal: false);
                    }

                    // As well, and not instead: who has posted a place is rung by a push alone, and may have been heard with the same ring.
                    if (PushIsAsked(waiting) && waiting.TryAskForPush())
                        ThreadPool.UnsafeQueueUserWorkItem(static w => w.Queue.Push(w.Waiting), (Queue: this, Waiting: waiting), preferLocal: false);
                }
            }
        }
    }
}
