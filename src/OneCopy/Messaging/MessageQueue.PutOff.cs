using OneCopy.Messaging;

namespace OneCopy;

/// <summary>References of messages that were given back while the ring was full: kept here, and enqueued when there is room.</summary>
public sealed partial class MessageQueue
{
    private readonly Queue<MessageReference> _putOff = new();
    private bool _enqueuesPutOff;

    /// <summary>
    /// For messages given back: who gives back must not wait, or all receivers could wait for each other. The state, which names
    /// this participant as the actor, keeps the message from being forgotten if this process dies first.
    /// </summary>
    private void EnqueueOrPutOff(MessageReference reference)
    {
        lock (_putOff)
        {
            _putOff.Enqueue(reference);
            if (_enqueuesPutOff || TryEnqueuePutOff())
                return;
            CrashPoint.At(Step.PutOffKeep);
            _enqueuesPutOff = true;
        }

        _ = EnqueuePutOffAsync();
    }

    private async Task EnqueuePutOffAsync()
    {
        if (!TryEnter())
            return;
        try
        {
            CrashPoint.At(Step.PutOffEnqueue);
            await WaitUntilAsync(WaitKind.Space, default(PutOff), Deadline.Never, CancellationToken.None).ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            // Closing does it, or leaves it to whoever recovers this participant.
        }
        catch (OneCopyException)
        {
            // The ring is in disorder: said to whoever uses it next, and tried again by whoever gives back next.
            lock (_putOff)
                _enqueuesPutOff = false;
        }
        finally
        {
            Exit();
        }
    }

    private readonly struct PutOff : IAttempt
    {
        public bool MaySucceed(MessageQueue queue) => !queue._ring.LooksFull;

        public bool Try(MessageQueue queue) => queue.TryEnqueuePutOff();
    }

    private bool TryEnqueuePutOff()
    {
        lock (_putOff)
        {
            while (_putOff.TryPeek(out MessageReference reference))
            {
                if (!TryEnqueue(reference, Step.AbandonWake))
                    return false;
                _putOff.Dequeue();
            }

            _enqueuesPutOff = false;
            return true;
        }
    }
}
