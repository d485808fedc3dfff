using System.Runtime.CompilerServices;
using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>Sending with a copy: inline and arena. What was sent so survives this process.</summary>
public sealed partial class MessageQueue
{
    /// <summary>
    /// Sends a copy of the payload; when it returns, the message is in the queue and survives this process. Waits while there is
    /// no room.
    /// </summary>
    /// <param name="payload">Any length up to the arena's limit, 0 included.</param>
    /// <param name="options">Properties, time limit.</param>
    /// <param name="cancellationToken">Ends the wait for room; nothing was sent then.</param>
    /// <exception cref="ArgumentException"><see cref="SendOptions.UntilCompleted"/> was asked for, or the properties are too long.</exception>
    /// <exception cref="TimeoutException">There was no room in time; nothing was sent.</exception>
    /// <exception cref="OneCopyException">ENOSPC: the file system is full. Or the payload is larger than the arena's limit. Nothing was sent.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public void Send(ReadOnlySpan<byte> payload, SendOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (options is null && TrySendShort(payload, mayWait: true, cancellationToken))
            return;
        options ??= SendOptions.Default;
        Send(payload, options, Deadline.After(options.Timeout), hasTried: false, cancellationToken);
    }

    private unsafe void Send(ReadOnlySpan<byte> payload, SendOptions options, long deadline, bool hasTried, CancellationToken cancellationToken)
    {
        options.RefuseUntilCompleted();
        options.CheckTimeToLive();
        Needs needs = Needs.OfPayload(payload.Length, options.Properties?.EncodedLength() ?? 0);
        nint thread = EnterNew();
        try
        {
            Draft draft = hasTried
                ? WaitForDraft(needs, options.Properties, deadline, cancellationToken)
                : TakeDraft(needs, options.Properties, deadline, thread, cancellationToken);
            ArenaCopy.Copy(payload, new Span<byte>(draft.Body, payload.Length));
            LimitLife(draft, options);
            Publish(draft, deadline, cancellationToken);
            ThrowIfBroken();
            EndSend(payload.Length, thread);
        }
        finally
        {
            Exit(thread);
        }
    }

    /// <summary>Sends as <see cref="Send(ReadOnlySpan{byte}, SendOptions?, CancellationToken)"/> does, but never waits. False: there is no room now.</summary>
    /// <param name="payload">Any length up to the arena's limit, 0 included.</param>
    /// <param name="options">Properties; the time limit has no meaning here.</param>
    /// <exception cref="OneCopyException">ENOSPC: the file system is full. Or the payload is larger than the arena's limit.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public unsafe bool TrySend(ReadOnlySpan<byte> payload, SendOptions? options = null)
    {
        if (options is null && TrySendShort(payload, mayWait: false, CancellationToken.None))
            return true;
        options ??= SendOptions.Default;
        options.RefuseUntilCompleted();
        options.CheckTimeToLive();
        Needs needs = Needs.OfPayload(payload.Length, options.Properties?.EncodedLength() ?? 0);
        nint thread = EnterNew();
        try
        {
            if (!TryDraft(needs, options.Properties, out Draft draft, looksAtAll: true, thread))
                return false;
            ArenaCopy.Copy(payload, new Span<byte>(draft.Body, payload.Length));
            LimitLife(draft, options);
            if (!TryPublish(draft))
                return false;
            EndSend(payload.Length, thread);
            return true;
        }
        finally
        {
            Exit(thread);
        }
    }

    /// <summary>
    /// Memory of the queue to build a message in, so that nothing is copied on this side. Waits while there is no room. Send it with
    /// <see cref="Send(SendBuffer, SendOptions?, CancellationToken)"/>, or dispose it.
    /// </summary>
    /// <param name="length">Bytes of the payload, 0 included. What they hold at first is not defined.</param>
    /// <param name="timeout">How long to wait for room, here and whenever the buffer grows; null: as long as it takes.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="TimeoutException">There was no room in time.</exception>
    /// <exception cref="OneCopyException">ENOSPC, or more than the arena's limit.</exception>
    public unsafe SendBuffer Rent(int length, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        nint thread = EnterNew();
        try
        {
            return Rented(TakeDraft(Needs.OfPayload(length, 0), null, Deadline.After(timeout), thread, cancellationToken), length, timeout);
        }
        finally
        {
            Exit(thread);
        }
    }

    /// <summary>
    /// Sends a rented buffer: what was written (<see cref="SendBuffer.WrittenCount"/>) if it was used as a writer, else the whole length. It is the queue's from then on and must not be
    /// touched again.
    /// </summary>
    /// <param name="buffer">Of this handle, not sent or disposed yet.</param>
    /// <param name="options">Properties, as far as they fit in the block beside what is there; time limit.</param>
    /// <param name="cancellationToken">Ends the wait for room in the ring; the buffer can be sent again then.</param>
    /// <exception cref="TimeoutException">There was no room in time; the buffer can be sent again.</exception>
    /// <exception cref="ArgumentException">The buffer is another handle's, or the properties are too long.</exception>
    /// <exception cref="InvalidOperationException">It is the default value, and no buffer.</exception>
    /// <exception cref="ObjectDisposedException">The buffer was sent or disposed before, or the handle is closed.</exception>
    public void Send(SendBuffer buffer, SendOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= SendOptions.Default;
        options.RefuseUntilCompleted();
        options.CheckTimeToLive();
        nint thread = EnterNew();
        try
        {
            Rental rental = buffer.Take(this);
            bool sent = false;
            try
            {
                Publish(Finished(rental, options), Deadline.After(options.Timeout), cancellationToken, keepDraft: true);
                sent = true;
                ThrowIfBroken();
                EndSend(rental, thread);
            }
            finally
            {
                rental.EndSend(sent);
            }
        }
        finally
        {
            Exit(thread);
        }
    }

    internal void Discard(int block, BlockState state)
    {
        if (!TryEnter())
            return; // Closed: the block went with the handle.
        try
        {
            Discard(new Draft(block, state, 0, 0));
        }
        finally
        {
            Exit();
        }
    }

    private Draft TakeDraft(in Needs needs, MessageProperties? properties, long deadline, nint thread, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        return TryDraft(needs, properties, out Draft draft, looksAtAll: false, thread) ? draft : WaitForDraft(needs, properties, deadline, ct);
    }

    // Apart, so that its locals are not made ready for each message that need not wait.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Draft WaitForDraft(in Needs needs, MessageProperties? properties, long deadline, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        ArenaBytesOf(needs); // What never will have room is refused before the wait.
        TakeAttempt attempt = new(needs, properties);
        return WaitUntil(WaitKind.Own, ref attempt, deadline, ct)
            ? attempt.Draft
            : throw new TimeoutException($"The queue {Name} had no room for a message of {needs.PayloadLength:N0} bytes in time; nothing was sent.");
    }

    /// <summary>Publishes a draft, waiting for room in the ring; without it in time, takes it back.</summary>
    private void Publish(Draft draft, long deadline, CancellationToken ct, bool keepDraft = false)
    {
        MarkQueued(draft);
        Enqueue(draft, deadline, ct, keepDraft);
    }

    /// <summary>The same of one that is queued already.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Enqueue(Draft draft, long deadline, CancellationToken ct, bool keepDraft)
    {
        EnqueueAttempt enqueue = new(draft.Reference(_self.Index));
        try
        {
            if (enqueue.Try(this) || WaitUntil(WaitKind.Space, ref enqueue, deadline, ct))
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

    /// <summary>The same without waiting. False: there is no room in the ring now, and the draft is taken back.</summary>
    private bool TryPublish(Draft draft, bool keepDraft = false)
    {
        MarkQueued(draft);
        bool enqueued = false;
        try
        {
            enqueued = TryEnqueue(draft.Reference(_self.Index));
        }
        finally
        {
            // Not in the ring, because that is full or in disorder: not sent, unless somebody claimed it all the same.
            enqueued = enqueued || !TryTakeBack(draft, keepDraft);
        }

        ThrowIfBroken();
        return enqueued;
    }

    /// <summary>Send, the step that makes it a message: release, so that whoever sees the state sees record and payload.</summary>
    private unsafe void MarkQueued(Draft draft) => MarkQueued(_self.Block(draft.Block), draft.State.Generation);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private unsafe void MarkQueued(byte* block, uint generation)
    {
        CrashPoint.At(Step.SendPublish);
        Volatile.Write(ref *(ulong*)(block + BlockLayout.StateOffset), new BlockState(generation, Phase.Queued, _self.Index, 0).Bits);
    }

    /// <summary>
    /// A queued message whose reference was not put into the ring. False: it is sent all the same, because somebody met an old
    /// reference with the same generation bits and claimed it.
    /// </summary>
    private bool TryTakeBack(Draft draft, bool keepDraft)
    {
        CrashPoint.At(Step.SendTakeBack);
        if (!_self.TryChange(draft.Block, draft.State.To(Phase.Queued, _self.Index), draft.State))
            return false;
        if (!keepDraft)
            Discard(draft);
        return true;
    }

    private bool TryEnqueue(MessageReference reference, string wake = Step.SendWake)
    {
        if (!_ring.TryEnqueue(reference, this))
            return false;
        CrashPoint.At(wake);
        WakeOne(WaitKind.Receive);
        return true;
    }

    private unsafe void WriteProperties(int block, int inlineBytes, MessageProperties? properties)
    {
        int length = properties?.EncodedLength() ?? 0;
        byte* p = _self.Block(block);
        *(ushort*)(p + BlockLayout.PropertiesLengthOffset) = 0; // Those of an attempt before this one.
        if (length == 0)
            return;
        int used = (int)Needs.Aligned(inlineBytes);
        if (used + length <= _self.InlineCapacity)
        {
            int offset = BlockLayout.InlineOffset + used;
            p[BlockLayout.FlagsOffset] |= BlockLayout.PropertiesInline;
            *(long*)(p + BlockLayout.PropertiesOffsetOffset) = offset;
            properties!.Encode(new Span<byte>(p + offset, length));
        }
        else
        {
            throw new ArgumentException(
                $"Properties of {length} bytes do not fit beside a rented buffer: {_self.InlineCapacity - used} bytes are left in its block. " +
                "Send them with Send(span) or SendAsync, or make the queue with larger blocks.");
        }

        *(ushort*)(p + BlockLayout.PropertiesLengthOffset) = (ushort)length;
    }

    /// <summary>A message is sent: it is counted, and the next one's block taken.</summary>
    private void EndSend(long bytes, nint thread) => EndSend(bytes <= _self.InlineCapacity ? Lane.Inline : Lane.Arena, bytes, thread);

    private void EndSend(Lane lane, long bytes, nint thread) => EndSends(lane, 1, bytes, thread);

    private void EndSends(Lane lane, long messages, long bytes, nint thread)
    {
        if (messages == 0)
            return;
        _blocksGate.Enter(thread);
        _self.CountInGate(Counter.SentInline, lane, messages, bytes);
        TakeAhead();
        _blocksGate.Exit();
    }

    private struct TakeAttempt(Needs needs, MessageProperties? properties) : IAttempt
    {
        private int _glances;
        private Draft _draft;

        public readonly Draft Draft => _draft;

        public bool MaySucceed(MessageQueue queue) => queue.MayHaveFreeBlock(_glances++);

        public bool Try(MessageQueue queue) => queue.TryDraft(needs, properties, out _draft);

        // Some blocks at a time, where the blocks are what is short: to wake for each would be a change of processes for each message.
        public readonly int BlockToWaitFor(MessageQueue queue) =>
            queue.IsFree(Volatile.Read(ref queue._nextBlock)) ? -1 : queue.BlockFarAhead;
    }

    private readonly struct EnqueueAttempt(MessageReference reference) : IAttempt
    {
        public bool MaySucceed(MessageQueue queue) => !queue._ring.LooksFull;

        public bool Try(MessageQueue queue) => queue.TryEnqueue(reference);
    }
}
