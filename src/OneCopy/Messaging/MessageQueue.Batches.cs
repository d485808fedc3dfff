using OneCopy.Messaging;

namespace OneCopy;

/// <summary>Many messages at once: what is shared with others, and with this handle's other threads, is paid for once for all of them.</summary>
public sealed unsafe partial class MessageQueue
{
    // What is put into the ring, or taken out of it, before head or tail follow. Ring.MaxLag allows for it.
    private const int MostAtOnce = Ring.MaxLag;

    // So many messages ahead of the one that is claimed, lines are on their way: more than one at a time comes no sooner, but more often.
    private const uint LookAhead = 6;

    /// <summary>
    /// Sends copies of many payloads, each a message of its own, in this order. Waits while there is no room. Cheaper for each than
    /// <see cref="Send(ReadOnlySpan{byte}, SendOptions?, CancellationToken)"/>, and otherwise the same; nobody else's messages are kept from coming in between.
    /// </summary>
    /// <param name="payloads">Any number, each of any length up to the arena's limit, 0 included.</param>
    /// <param name="options">Properties of each, time limit for all together.</param>
    /// <param name="cancellationToken">Ends the wait for room.</param>
    /// <exception cref="TimeoutException">There was no room in time. Those before it were sent: use <see cref="TrySendMany"/> to know how many.</exception>
    /// <exception cref="OneCopyException">As for <c>Send</c>; those before it were sent.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public void SendMany(ReadOnlySpan<ReadOnlyMemory<byte>> payloads, SendOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= SendOptions.Default;
        long deadline = Deadline.After(options.Timeout);
        while (!payloads.IsEmpty)
        {
            payloads = payloads[SendSome(payloads, options, waitsAfter: true)..];
            if (payloads.IsEmpty)
                return;

            // Waits, until there is room for several.
            Send(payloads[0].Span, options, deadline, hasTried: true, cancellationToken);
            payloads = payloads[1..];
        }
    }

    /// <summary>Sends as many of the payloads as there is room for now, from the first one on. Never waits.</summary>
    /// <param name="payloads">As for <see cref="SendMany"/>.</param>
    /// <param name="options">Properties of each; the time limit has no meaning here.</param>
    /// <returns>How many were sent; 0: there is no room now.</returns>
    /// <exception cref="OneCopyException">As for <c>Send</c>, at the first payload; at a later one, those before it are sent and counted, and the exception comes with the next call. So it does if the memory of a payload is gone.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public int TrySendMany(ReadOnlySpan<ReadOnlyMemory<byte>> payloads, SendOptions? options = null) =>
        SendSome(payloads, options ?? SendOptions.Default, waitsAfter: false);

    private int SendSome(ReadOnlySpan<ReadOnlyMemory<byte>> payloads, SendOptions options, bool waitsAfter)
    {
        options.RefuseUntilCompleted();
        options.CheckTimeToLive();
        int properties = options.Properties?.EncodedLength() ?? 0;
        bool isPlain = properties == 0 && options.ExpiresAt(_ring.TimeToLive) == 0;
        int sent = 0;
        nint thread = EnterNew();
        try
        {
            while (sent < payloads.Length)
            {
                ReadOnlySpan<ReadOnlyMemory<byte>> next = payloads.Slice(sent, Math.Min(payloads.Length - sent, MostAtOnce));
                int most = isPlain ? ShortOnesAtFirst(next) : 0;
                if (most > 0)
                    next = next[..most];
                int published = most > 0
                    ? SendShortOnes(next, mayThrow: sent == 0, looksAtAll: !waitsAfter, thread)
                    : SendAnyOnes(next, options, properties, mayThrow: sent == 0, looksAtAll: !waitsAfter, thread);
                sent += published;
                if (published < next.Length)
                    break;
            }

            ThrowIfBroken();
            return sent;
        }
        finally
        {
            Exit(thread);
        }
    }

    /// <summary>
    /// Takes the messages that are there, as many as fit, each on a lease of its own, in their order. Does not wait. To wait for the first one, use
    /// <see cref="Receive(TimeSpan?, CancellationToken)"/> or <see cref="ReceiveAsync(CancellationToken)"/> when this returns 0.
    /// </summary>
    /// <param name="messages">Where they go, from the beginning on; the rest stays as it is.</param>
    /// <returns>How many were taken.</returns>
    /// <exception cref="QueueCorruptException">A message's record is impossible, and no other was taken before it; that message was thrown away.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public int TryReceiveMany(Span<ReceivedMessage> messages)
    {
        int taken = 0;
        nint thread = EnterNew();
        try
        {
            while (taken < messages.Length && ClaimMany(messages[taken..], thread, ref taken))
            {
            }

            if (taken == 0 && messages.Length > 0 && ClaimNext(thread) is { } lease)
                messages[taken++] = new ReceivedMessage(lease);
            _gathering.Found(taken);
            return taken;
        }
        catch (OneCopyException) when (taken > 0)
        {
            // A message that is impossible, and thrown away; or a sender's file that cannot be mapped now. Those that are taken are not to be lost for it.
            return taken;
        }
        finally
        {
            Exit(thread);
        }
    }

    /// <summary>Completes many messages: as <see cref="ReceivedMessage.Complete"/> on each, cheaper.</summary>
    /// <param name="messages">Of this handle, not answered yet.</param>
    /// <exception cref="ArgumentException">One is another handle's; nothing was completed.</exception>
    /// <exception cref="MessageWithdrawnException">One was taken back by its sender before; all others were completed.</exception>
    /// <exception cref="InvalidOperationException">One was answered before; all others were completed.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public void CompleteMany(ReadOnlySpan<ReceivedMessage> messages)
    {
        foreach (ReceivedMessage message in messages)
        {
            if (message.Lease.Queue != this)
                throw new ArgumentException($"Message {message.Id} was received by another handle.", nameof(messages));
        }

        Exception? failure = null;
        nint thread = Enter();
        try
        {
            foreach (ReceivedMessage message in messages)
            {
                if (!message.TryCompleteIfOpen(thread, out bool isDone))
                    failure ??= message.WhyNotOpen();
                else if (!isDone)
                    failure ??= new MessageWithdrawnException();
            }
        }
        finally
        {
            Exit(thread);
        }

        if (failure is not null)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
    }

    private int SendAnyOnes(ReadOnlySpan<ReadOnlyMemory<byte>> payloads, SendOptions options, int properties, bool mayThrow, bool looksAtAll, nint thread)
    {
        Draft* drafts = stackalloc Draft[MostAtOnce];
        int taken = TakeDrafts(payloads, options, properties, drafts, mayThrow, looksAtAll, thread);
        int sent = FillAndPublish(payloads[..taken], options, new ReadOnlySpan<Draft>(drafts, taken), mayThrow);
        EndSends(payloads[..sent], thread);
        return sent;
    }

    private int ShortOnesAtFirst(ReadOnlySpan<ReadOnlyMemory<byte>> payloads)
    {
        int count = 0;
        while (count < payloads.Length && payloads[count].Length <= _self.InlineCapacity)
            count++;
        return count;
    }

    private int TakeDrafts(ReadOnlySpan<ReadOnlyMemory<byte>> payloads, SendOptions options, int properties, Draft* drafts, bool mayThrow, bool looksAtAll, nint thread)
    {
        int taken = 0;
        try
        {
            _blocksGate.Enter(thread);
            try
            {
                if (!looksAtAll && IsToLetReceiversGoOn())
                    return 0;
                while (taken < payloads.Length && Needs.OfPayload(payloads[taken].Length, properties) is var needs
                    && TryTakeDraft(needs, ArenaBytesOf(needs), options.Properties, looksAtAll, out drafts[taken]))
                {
                    taken++;
                }

                NoteTaken(taken, payloads.Length);
            }
            finally
            {
                _blocksGate.Exit();
            }
        }
        catch (OneCopyException) when (taken > 0 || !mayThrow)
        {
            // Said by the call that begins with it.
        }

        return taken;
    }

    // Within the gate.
    private void NoteTaken(int taken, int wanted)
    {
        _blocksToUse -= taken;
        if (taken < wanted)
            (_isBehind, _blocksToUse) = (true, _blocks.Length / 8);
    }

    /// <summary>
    /// Whether it has run into its receivers before, and would again: who takes each block as soon as it is done stays behind them, and looks at what they are just about to change. It waits until some more
    /// are free, and uses those without a look.
    /// </summary>
    private bool IsToLetReceiversGoOn()
    {
        if (!_isBehind || _blocksToUse > 0)
            return false;
        if (!IsFree(BlockFarAhead))
            return true;
        _blocksToUse = _blocks.Length / 8;
        _isBehind = !IsFree((_nextBlock + (_blocks.Length / 2)) % _blocks.Length);
        return false;
    }

    /// <summary>How many are sent. Those that are not, whatever the reason, are no drafts any more.</summary>
    private int FillAndPublish(ReadOnlySpan<ReadOnlyMemory<byte>> payloads, SendOptions options, ReadOnlySpan<Draft> drafts, bool mayThrow)
    {
        int filled = 0;
        int sent = 0;
        try
        {
            try
            {
                for (; filled < drafts.Length; filled++)
                {
                    ArenaCopy.Copy(payloads[filled].Span, new Span<byte>(drafts[filled].Body, payloads[filled].Length));
                    LimitLife(drafts[filled], options);
                }
            }
            catch when (filled > 0 || !mayThrow)
            {
                // A payload that is gone: said by the call that begins with it.
            }

            return sent = PublishMany(drafts[..filled]);
        }
        finally
        {
            // In the order of an undo.
            for (int i = drafts.Length - 1; i >= sent; i--)
                DiscardUnsent(drafts[i]);
        }
    }

    // By its state: one that somebody has claimed without its reference, in a ring in disorder, is being read.
    private void DiscardUnsent(Draft draft)
    {
        if (_self.State(draft.Block) == draft.State)
            Discard(draft);
    }

    /// <summary>
    /// Puts one reference behind the other from where the tail is, and then takes the tail there in one step: whoever is killed in between leaves a tail that others help on, as they
    /// do by one after a single send. How many are sent; what there was no room for is a draft as before.
    /// </summary>
    private int PublishMany(ReadOnlySpan<Draft> drafts)
    {
        int sent = 0;
        while (sent < drafts.Length)
        {
            ulong tail = _ring.TailPosition;
            int put = 0;
            while (sent + put < drafts.Length && PutAt(tail, put, drafts[sent + put]))
                put++;
            _ring.AdvanceTail(tail, put);
            sent += put;
            if (sent == drafts.Length)
                break;

            // Another sender was there first, or the ring is full: this one, which is queued by now, as one that is sent alone.
            if (!TryEnqueueQueued(drafts[sent]))
                break;
            sent++;
        }

        CrashPoint.At(Step.SendWake);
        if (sent > 0)
            WakeOne(WaitKind.Receive);
        return sent;
    }

    private bool PutAt(ulong tail, int put, Draft draft)
    {
        // As many lines as are filled side by side; they are here then.
        if (put < Ring.LinesSideBySide)
            _ring.PrefetchForWrite(tail + (uint)put + 1);
        MarkQueued(draft);
        return _ring.TryPutAt(tail + (uint)put, _ring.PlaceAt(tail + (uint)put), draft.Reference(_self.Index));
    }

    /// <summary>False: there is no room, and it is a draft again. What somebody has claimed without its reference is sent.</summary>
    private bool TryEnqueueQueued(Draft draft)
    {
        bool enqueued = false;
        try
        {
            enqueued = _ring.TryEnqueue(draft.Reference(_self.Index), this);
        }
        finally
        {
            enqueued = enqueued || !TryTakeBack(draft, keepDraft: true);
        }

        return enqueued;
    }

    private void EndSends(ReadOnlySpan<ReadOnlyMemory<byte>> payloads, nint thread)
    {
        (long Messages, long Bytes) inline = default, arena = default;
        foreach (ReadOnlyMemory<byte> payload in payloads)
        {
            if (payload.Length <= _self.InlineCapacity)
                inline = (inline.Messages + 1, inline.Bytes + payload.Length);
            else
                arena = (arena.Messages + 1, arena.Bytes + payload.Length);
        }

        EndSends(Lane.Inline, inline.Messages, inline.Bytes, thread);
        EndSends(Lane.Arena, arena.Messages, arena.Bytes, thread);
    }

    /// <summary>One walk along the ring, without helping: claims, takes the references out, and takes the head behind them in one step. False: nothing was there.</summary>
    private bool ClaimMany(Span<ReceivedMessage> messages, nint thread, ref int taken)
    {
        if (!_ring.TryPeek(out Ring.Peeked first))
            return false;
        ulong position = first.Position;
        Cell cell = first.Cell;
        for (uint i = 1; i < Math.Min((uint)messages.Length, LookAhead); i++)
            PrefetchMessage(position + i);
        try
        {
            while (true)
            {
                // So many places, whatever is taken from them: the head follows no further.
                int left = MostAtOnce - (int)(position - first.Position);
                int shortOnes = ClaimShortOnes(messages[..Math.Min(messages.Length, left)], ref position, ref cell, thread, out bool isThere);
                messages = messages[shortOnes..];
                taken += shortOnes;
                if (!isThere || messages.IsEmpty || shortOnes == left)
                    break;
                if (ClaimAt(ref position, cell, thread) is { } lease)
                {
                    messages[0] = new ReceivedMessage(lease);
                    messages = messages[1..];
                    taken++;
                }

                if (messages.IsEmpty || position - first.Position >= MostAtOnce || !_ring.TryLookAt(position, _ring.PlaceAt(position), out cell))
                    break;
            }
        }
        finally
        {
            _ring.AdvanceHead(position);
            WakeOthers();
        }

        return true;
    }

    /// <summary>As far as they are short. Nothing in it throws, so that it needs no handler.</summary>
    /// <param name="messages">Where they go; no more are taken.</param>
    /// <param name="position">Of the reference that is looked at next.</param>
    /// <param name="cell">That reference.</param>
    /// <param name="thread">The one that calls.</param>
    /// <param name="isThere">There is one.</param>
    private int ClaimShortOnes(Span<ReceivedMessage> messages, ref ulong position, ref Cell cell, nint thread, out bool isThere)
    {
        Ring ring = _ring;
        ulong at = position;
        Cell seen = cell;
        int count = 0;
        isThere = true;
        while (count < messages.Length && isThere && ClaimShort(seen, thread) is { } lease)
        {
            Ring.TakeOut(ring.PlaceAt(at), seen);
            messages[count++] = new ReceivedMessage(lease);
            PrefetchMessage(ring.Glance(at + LookAhead), lease.Owner.File);
            isThere = ring.TryLookAt(++at, ring.PlaceAt(at), out seen);
        }

        (position, cell) = (at, seen);
        return count;
    }

    /// <summary>Any one, which is behind <paramref name="position"/> then. Null: it is no message any more.</summary>
    private Lease? ClaimAt(ref ulong position, Cell cell, nint thread)
    {
        MessageReference reference = cell.Reference;
        Peer? owner = OwnerOf(reference, out QueueCorruptException? corrupt);
        PrefetchPayload(owner, reference.Block);
        BlockState leased = default;
        bool claimed = owner is not null && TryClaim(owner, reference.Block, reference.Generation, Cell.GenerationMask, out leased);
        Ring.TakeOut(_ring.PlaceAt(position), cell);
        PrefetchMessage(position + LookAhead);
        position++;
        if (claimed)
            return Admit(owner!, reference.Block, leased, thread);
        return UnsaidDamage(reference.Participant, owner, corrupt) is { } damage ? throw damage : null;
    }
}
