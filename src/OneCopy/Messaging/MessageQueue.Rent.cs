using System.Runtime.CompilerServices;
using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>Rented buffers: their places, their growth, and sending them without a thread.</summary>
public sealed partial class MessageQueue
{
    private readonly Stack<Rental> _spareRentals = new();
    private Gate _rentals = new();

    /// <summary>As <see cref="Rent"/>, without a thread that waits.</summary>
    /// <param name="length">Bytes of the payload, 0 included. What they hold at first is not defined.</param>
    /// <param name="timeout">How long to wait for room, here and whenever the buffer grows (which a thread waits for); null: as long as it takes.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="TimeoutException">There was no room in time.</exception>
    /// <exception cref="OneCopyException">ENOSPC, or more than the arena's limit.</exception>
    public ValueTask<SendBuffer> RentAsync(int length, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        cancellationToken.ThrowIfCancellationRequested();
        return TryRent(length, timeout) is { } buffer ? new ValueTask<SendBuffer>(buffer) : WaitToRentAsync(length, timeout, cancellationToken);
    }

    /// <summary>As <see cref="Send(SendBuffer, SendOptions?, CancellationToken)"/>, without a thread that waits for room in the ring.</summary>
    /// <inheritdoc cref="Send(SendBuffer, SendOptions?, CancellationToken)"/>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    public async ValueTask SendAsync(SendBuffer buffer, SendOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= SendOptions.Default;
        options.RefuseUntilCompleted();
        options.CheckTimeToLive();
        EnterNew();
        try
        {
            Rental rental = buffer.Take(this);
            bool sent = false;
            try
            {
                await PublishAsync(Finished(rental, options), Deadline.After(options.Timeout), cancellationToken, keepDraft: true).ConfigureAwait(false);
                sent = true;
                ThrowIfBroken();
                EndSend(rental, CurrentThread.Id);
            }
            finally
            {
                rental.EndSend(sent);
            }
        }
        finally
        {
            Exit();
        }
    }

    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<SendBuffer> WaitToRentAsync(int length, TimeSpan? timeout, CancellationToken ct)
    {
        EnterNew();
        try
        {
            (bool taken, TakeAttempt attempt) =
                await WaitUntilAsync(WaitKind.Own, new TakeAttempt(Needs.OfPayload(length, 0), null), Deadline.After(timeout), ct).ConfigureAwait(false);
            return taken
                ? Rented(attempt.Draft, length, timeout)
                : throw new TimeoutException($"The queue {Name} had no room for a message of {length:N0} bytes in time; nothing was rented.");
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Sends a rented buffer without waiting. False: there is no room in the ring now, and it can be sent again.</summary>
    internal bool TrySend(SendBuffer buffer, SendOptions options)
    {
        EnterNew();
        try
        {
            Rental rental = buffer.Take(this);
            bool sent = false;
            try
            {
                sent = TryPublish(Finished(rental, options), keepDraft: true);
                if (sent)
                    EndSend(rental, CurrentThread.Id);
                return sent;
            }
            finally
            {
                rental.EndSend(sent);
            }
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Null: there is no room now.</summary>
    internal SendBuffer? TryRent(int length, TimeSpan? timeout = null)
    {
        EnterNew();
        try
        {
            return TryDraft(Needs.OfPayload(length, 0), null, out Draft draft) ? Rented(draft, length, timeout) : null;
        }
        finally
        {
            Exit();
        }
    }

    internal void Return(Rental rental)
    {
        _rentals.Enter();
        _spareRentals.Push(rental);
        _rentals.Exit();
    }

    private SendBuffer Rented(Draft draft, int length, TimeSpan? timeout)
    {
        _rentals.Enter();
        bool isThere = _spareRentals.TryPop(out Rental? spare);
        _rentals.Exit();
        Rental rental = isThere ? spare! : new Rental(this, _peers[_self.Index]!);
        return rental.Start(PlaceOf(draft, length), timeout);
    }

    /// <summary>Another place for a buffer that grows: twice the length if the arena is as large, and enough in any case.</summary>
    internal SendPlace TakeLargerPlace(int length, long needed, TimeSpan? timeout)
    {
        if (needed > int.MaxValue)
            throw new OneCopyException($"A rented buffer holds {int.MaxValue:N0} bytes at most; {needed:N0} are asked for.");
        int larger = (int)Math.Max(needed, Math.Min(Math.Min(2L * length, int.MaxValue), _self.ArenaLimit));
        nint thread = EnterNew();
        try
        {
            return PlaceOf(TakeDraft(Needs.OfPayload(larger, 0), null, Deadline.After(timeout), thread, CancellationToken.None), larger);
        }
        finally
        {
            Exit(thread);
        }
    }

    private static unsafe SendPlace PlaceOf(Draft draft, int length) => new(draft.Block, draft.State, (nint)draft.Body, length);

    /// <summary>What was left open when it was rented: how long it is, its properties, its life.</summary>
    private unsafe Draft Finished(Rental buffer, SendOptions options)
    {
        Draft draft = new(buffer.Place.Block, buffer.Place.State, 0, 0);
        *(long*)(_self.Block(draft.Block) + BlockLayout.PayloadLengthOffset) = buffer.SentLength;
        WriteProperties(draft.Block, IsInline(buffer) ? buffer.SentLength : 0, options.Properties);
        LimitLife(draft, options);
        return draft;
    }

    // By the length of its place, and not by what of it is sent.
    private bool IsInline(Rental buffer) => buffer.Place.Length <= _self.InlineCapacity;

    private void EndSend(Rental buffer, nint thread) => EndSend(IsInline(buffer) ? Lane.Inline : Lane.Arena, buffer.SentLength, thread);
}
