using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace OneCopy;

/// <summary>
/// What a dead letter says of itself, read from its headers (<see cref="DeadLetterHeaders"/>). They are text that whoever sends to the dead-letter queue could
/// write: for people and for choosing what to replay, not for decisions about rights.
/// </summary>
public sealed record DeadLetter
{
    private DeadLetter()
    {
    }

    /// <summary>Why it is a dead letter; at most 500 characters.</summary>
    public required string Reason { get; init; }

    /// <summary>The queue that it was in.</summary>
    public required string Queue { get; init; }

    /// <summary>How often it had been handed out there.</summary>
    public required int Attempts { get; init; }

    /// <summary>When it became a dead letter, by that machine's clock.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>The process that put it into the dead-letter queue.</summary>
    public required int By { get; init; }

    /// <summary>Its <see cref="ReceivedMessage.Id"/> in the queue that it was in.</summary>
    public required string Id { get; init; }

    /// <summary>When it was sent to that queue.</summary>
    public required DateTimeOffset TimeSent { get; init; }

    /// <summary>The process that sent it there; for a message that was replayed, the one that replayed it.</summary>
    public required int SenderPid { get; init; }

    /// <summary>What became of it earlier, if it was replayed, the latest last; ten at most.</summary>
    public required IReadOnlyList<PastDeadLetter> History { get; init; }

    /// <summary>Reads what a message that was received from a dead-letter queue says. False: it is none.</summary>
    /// <param name="message">The message; not answered yet.</param>
    /// <param name="letter">What it says.</param>
    /// <exception cref="QueueCorruptException">Its properties are damaged.</exception>
    /// <exception cref="InvalidOperationException">It was answered, and its properties were never read before.</exception>
    public static bool TryRead(ReceivedMessage message, [NotNullWhen(true)] out DeadLetter? letter)
    {
        return TryRead(message.Properties, out letter);
    }

    /// <summary>Reads what the properties of a message say. False: it is no dead letter.</summary>
    /// <param name="properties">A message's properties.</param>
    /// <param name="letter">What they say.</param>
    public static bool TryRead(MessageProperties properties, [NotNullWhen(true)] out DeadLetter? letter)
    {
        ArgumentNullException.ThrowIfNull(properties);
        letter = null;
        IDictionary<string, string> headers = properties.Headers;
        if (!headers.TryGetValue(DeadLetterHeaders.Reason, out string? reason) || !headers.TryGetValue(DeadLetterHeaders.Queue, out string? queue)
            || !headers.TryGetValue(DeadLetterHeaders.Id, out string? id)
            || !TryReadNumber(headers, DeadLetterHeaders.Attempts, out int attempts)
            || !TryReadNumber(headers, DeadLetterHeaders.By, out int by)
            || !TryReadNumber(headers, DeadLetterHeaders.Sender, out int sender)
            || !DeadLetterHeaders.TryReadTime(headers.TryGetValue(DeadLetterHeaders.Time, out string? t) ? t : null, out DateTimeOffset time)
            || !DeadLetterHeaders.TryReadTime(headers.TryGetValue(DeadLetterHeaders.Sent, out string? s) ? s : null, out DateTimeOffset sent))
            return false;
        letter = new DeadLetter
        {
            Reason = reason,
            Queue = queue,
            Attempts = attempts,
            Time = time,
            By = by,
            Id = id,
            TimeSent = sent,
            SenderPid = sender,
            History = HistoryOf(properties),
        };
        return true;
    }

    /// <summary>
    /// The times that a message was a dead letter before and was replayed, the latest last, ten at most; also of a message that was received from its own queue
    /// again. Empty: never.
    /// </summary>
    /// <param name="properties">A message's properties.</param>
    public static IReadOnlyList<PastDeadLetter> HistoryOf(MessageProperties properties)
    {
        ArgumentNullException.ThrowIfNull(properties);
        return DeadLetterHeaders.ReadHistory(properties);
    }

    private static bool TryReadNumber(IDictionary<string, string> headers, string name, out int number)
    {
        number = 0;
        return headers.TryGetValue(name, out string? text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}

/// <summary>One time that a message was a dead letter and was replayed.</summary>
/// <param name="Reason">Why; at most 200 characters, without line ends.</param>
/// <param name="Queue">The queue that it was in.</param>
/// <param name="Attempts">How often it had been handed out.</param>
/// <param name="Time">When it became a dead letter.</param>
/// <param name="By">The process that put it into the dead-letter queue.</param>
public sealed record PastDeadLetter(string Reason, string Queue, int Attempts, DateTimeOffset Time, int By);
