using OneCopy.Messaging;

namespace OneCopy;

/// <summary>Dead letters on their way back.</summary>
public sealed partial class MessageQueue
{
    /// <summary>
    /// Sends this queue's dead letters to it again: payload and properties as they were, with what became of them in the headers
    /// (<see cref="DeadLetter.HistoryOf"/>), the attempts counted anew, with the queue's time to live. Each is sent first and then taken from the dead-letter queue, so a process that is killed in
    /// between leaves it in both: at least once. Looks at those only that were there when it began. Waits while this queue has no room.
    /// </summary>
    /// <param name="filter">
    /// True for those to replay; null: all. Called on this thread, with the letter on a lease: it must not answer it. Those that it does not want are held until the
    /// end, and then given back as they were.
    /// </param>
    /// <param name="maximum">How many at most.</param>
    /// <param name="cancellationToken">Ends it between two letters, or the wait for room; what was replayed by then stays so.</param>
    /// <returns>How many were replayed.</returns>
    /// <exception cref="OneCopyException">
    /// One cannot be sent (this queue's file system is full, or the payload is larger than this participant's arena limit). It stays a dead letter, as do all behind it.
    /// </exception>
    /// <exception cref="OperationCanceledException">It was cancelled. The letter that was being sent stays a dead letter.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public int ReplayDeadLetters(Func<ReceivedMessage, bool>? filter = null, int maximum = int.MaxValue, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maximum);
        EnterNew();
        try
        {
            return File.Exists(_directory.DeadLetters.RingPath) ? Replay(DeadLetters(), filter, maximum, cancellationToken) : 0;
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>The same on a thread of the pool, which waits and copies.</summary>
    /// <inheritdoc cref="ReplayDeadLetters"/>
    public Task<int> ReplayDeadLettersAsync(
        Func<ReceivedMessage, bool>? filter = null, int maximum = int.MaxValue, CancellationToken cancellationToken = default) =>
        Task.Run(() => ReplayDeadLetters(filter, maximum, cancellationToken), cancellationToken);

    private int Replay(MessageQueue deadLetters, Func<ReceivedMessage, bool>? filter, int maximum, CancellationToken ct)
    {
        // Those that come while we are at it are for the next time: a message that fails at once would go in circles.
        long begun = MessageRecord.Now;
        long there = deadLetters.Statistics.Queued;
        int replayed = 0;
        List<ReceivedMessage> unwanted = [];
        try
        {
            for (; there > 0 && replayed < maximum; there--)
            {
                ct.ThrowIfCancellationRequested();
                if (!deadLetters.TryReceive(out ReceivedMessage letter))
                    break;
                unwanted.Add(letter);
                if (letter.Lease.Record.TimeSent > begun || filter?.Invoke(letter) == false)
                    continue;
                SendAgain(letter, ct);
                unwanted.RemoveAt(unwanted.Count - 1);
                replayed++;
            }
        }
        finally
        {
            foreach (ReceivedMessage letter in unwanted)
                letter.GiveBack();
        }

        return replayed;
    }

    private void SendAgain(ReceivedMessage letter, CancellationToken ct)
    {
        MessageProperties properties = letter.Properties.Copy();
        DeadLetterHeaders.MoveToHistory(properties);
        TrySendCopy(letter.Lease, new SendOptions { Properties = properties }, wait: true, ct);

        // From here to the end of Complete it is in both.
        letter.Complete();
    }
}
