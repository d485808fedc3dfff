using System.Buffers;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>Many payloads that stay where they are, several of them under way at a time.</summary>
public sealed unsafe partial class MessageQueue
{
    // Enough that a receiver never waits for the next one.
    private const int MostUnderWay = 32;

    /// <summary>
    /// Sends many payloads, each a message of its own, in this order, and blocks the calling thread until all of them are completed, or in the dead-letter queue. As
    /// <see cref="SendUntilCompleted(ReadOnlySpan{byte}, SendOptions?, CancellationToken)"/> on each, but up to 32 are under way at a time: no receiver waits for the next one until this thread has heard of the last.
    /// Payloads in buffers of <see cref="OneCopyMemoryPool"/> stay where they are from 16 KiB on, all others from <see cref="QueueOptions.AttachThreshold"/> on.
    /// </summary>
    /// <param name="payloads">Any number. None to be changed by other threads before this returns. Each is pinned while it is under way.</param>
    /// <param name="options">Properties of each, lane, time limit for all together. <see cref="SendOptions.UntilCompleted"/> is understood.</param>
    /// <param name="cancellationToken">Takes back what is not completed.</param>
    /// <exception cref="TimeoutException">
    /// The time limit passed. Those that were not completed by then were taken back or never sent, here and with every other exception; only one that was copied into the queue, and that a receiver holds, cannot
    /// be taken back.
    /// </exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="ArgumentException">As for a single one.</exception>
    /// <exception cref="OneCopyException">As for a single one.</exception>
    /// <exception cref="ObjectDisposedException">The handle was closed.</exception>
    public void SendManyUntilCompleted(ReadOnlySpan<ReadOnlyMemory<byte>> payloads, SendOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= SendOptions.Default;
        options.CheckTimeToLive();
        cancellationToken.ThrowIfCancellationRequested();
        long deadline = Deadline.After(options.Timeout);
        nint thread = EnterNew();
        UnderWay underWay = default;
        try
        {
            MakeSpareSends();
            while (true)
            {
                while (!payloads.IsEmpty && underWay.Count < MostUnderWay && TrySendNext(payloads[0], ref underWay, options, deadline, thread, cancellationToken))
                    payloads = payloads[1..];
                if (underWay.Count == 0)
                    break;
                AwaitSome(ref underWay, all: payloads.IsEmpty, deadline, cancellationToken);
            }

            ThrowIfBroken();
        }
        finally
        {
            TakeBackAll(ref underWay);
            Exit(thread);
        }
    }

    /// <summary>Waits for room only if nothing is under way; what is, is to be looked after. False: there is none now.</summary>
    private bool TrySendNext(ReadOnlyMemory<byte> payload, ref UnderWay underWay, SendOptions options, long deadline, nint thread, CancellationToken ct)
    {
        AttachedSend waiting = TakeWaiting();
        bool sent = false;
        try
        {
            ReadOnlySequence<byte> pieces = new(payload);
            Needs needs = NeedsOf(waiting, null, 0, pieces, payload.Length, options);
            if (!TryDraft(needs, options.Properties, out Draft draft, looksAtAll: false, thread))
            {
                if (underWay.Count > 0)
                    return false;
                draft = WaitForDraft(needs, options.Properties, deadline, ct);
            }

            Fill(draft, waiting, null, 0, pieces, payload.Length, options);
            if (underWay.Count == 0)
            {
                PublishBlocking(waiting, draft, deadline, ct);
            }
            else
            {
                // From here on it looks itself; nothing is announced, so that nobody rings.
                waiting.HelpsItself = true;
                if (!TryPublish(draft))
                    return false;
            }

            sent = true;
            underWay.Add(waiting);
            EndSend(waiting, needs, thread);
            return true;
        }
        finally
        {
            if (!sent)
                EndWaiting(waiting);
        }
    }

    /// <summary>
    /// Until half of them are done, or all: to look at each as soon as its receiver is at it would take that one's line away from it. They are mostly completed in their order.
    /// </summary>
    private void AwaitSome(ref UnderWay underWay, bool all, long deadline, CancellationToken ct)
    {
        AttachedSend last = underWay.First!.Length >= SharedFrom ? underWay.First : all ? underWay.Last! : underWay.Middle;
        AwaitCompletion(underWay.First!, last, deadline, ct);
        while (true)
        {
            AttachedSend first = underWay.First!;
            if (!IsDone(first))
                AwaitCompletion(first, first, deadline, ct);
            ThrowIfTakenBack(first);
            EndCompleted(first);
            underWay.RemoveFirst();
            EndWaiting(first);
            if (first == last)
                return;
        }
    }

    /// <summary>After an exception: their memory is the caller's again. What was completed is, and stays so.</summary>
    private void TakeBackAll(ref UnderWay underWay)
    {
        while (underWay.First is { } first)
        {
            TryWithdraw(first);
            underWay.RemoveFirst();
            EndWaiting(first);
        }
    }

    /// <summary>What one thread has sent and waits for, the oldest first.</summary>
    private struct UnderWay
    {
        public AttachedSend? First { get; private set; }

        public AttachedSend? Last { get; private set; }

        public readonly AttachedSend Middle
        {
            get
            {
                AttachedSend middle = First!;
                for (int i = 1; i < Count / 2; i++)
                    middle = middle.Behind!;
                return middle;
            }
        }

        public int Count { get; private set; }

        public void Add(AttachedSend waiting)
        {
            if (Last is null)
                First = waiting;
            else
                Last.Behind = waiting;
            Last = waiting;
            Count++;
        }

        public void RemoveFirst()
        {
            First = First!.Behind;
            if (--Count == 0)
                Last = null;
        }
    }
}
