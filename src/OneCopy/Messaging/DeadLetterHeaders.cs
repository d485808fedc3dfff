using System.Globalization;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>The headers that a dead letter carries beside the message's own; <see cref="DeadLetter"/> reads them.</summary>
public static class DeadLetterHeaders
{
    /// <summary>Why it is here.</summary>
    public const string Reason = "onecopy-dead-letter-reason";

    /// <summary>The queue that it was in.</summary>
    public const string Queue = "onecopy-dead-letter-queue";

    /// <summary>How often it was handed out.</summary>
    public const string Attempts = "onecopy-dead-letter-attempts";

    /// <summary>When it became a dead letter: UTC, ISO 8601.</summary>
    public const string Time = "onecopy-dead-letter-time";

    /// <summary>The process that put it here.</summary>
    public const string By = "onecopy-dead-letter-by";

    /// <summary>The message's <see cref="ReceivedMessage.Id"/> in the queue that it was in.</summary>
    public const string Id = "onecopy-dead-letter-id";

    /// <summary>When it was sent: UTC, ISO 8601.</summary>
    public const string Sent = "onecopy-dead-letter-sent";

    /// <summary>The process that sent it.</summary>
    public const string Sender = "onecopy-dead-letter-sender";

    /// <summary>
    /// What became of it before, if it was replayed: a line for each time, the latest last, ten at most. A replayed message carries it too.
    /// </summary>
    public const string History = "onecopy-dead-letter-history";

    /// <summary>How many earlier times are kept.</summary>
    internal const int MaxHistory = 10;

    // What these headers may add to properties that were as long as is allowed. The longest: a reason of 500 and a history of ten of 200
    // characters with three bytes each, with the names of queues, are less than 12,000 bytes.
    internal const int Room = 12 * 1024;

    private const int MaxReasonLength = 500;
    private const int MaxPastReasonLength = 200;

    private static readonly string[] s_ofOneTime = [Reason, Queue, Attempts, Time, By, Id, Sent, Sender];

    /// <summary>Writes them; those that are there from an earlier time become history.</summary>
    internal static void Write(Lease message, MessageProperties properties, string queue, string reason, int attempts)
    {
        MoveToHistory(properties);
        IDictionary<string, string> headers = properties.Headers;
        headers[Reason] = Cut(reason, MaxReasonLength);
        headers[Queue] = queue;
        headers[Attempts] = attempts.ToString(CultureInfo.InvariantCulture);
        headers[Time] = TextOf(DateTimeOffset.UtcNow);
        headers[By] = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        headers[Id] = message.Id;
        headers[Sent] = TextOf(message.TimeSent);
        headers[Sender] = message.Owner.File.Pid.ToString(CultureInfo.InvariantCulture);
        properties.AllowMore = Room;
    }

    /// <summary>What makes it a dead letter is history: so it is replayed.</summary>
    internal static void MoveToHistory(MessageProperties properties)
    {
        properties.AllowMore = Room;
        if (DeadLetter.TryRead(properties, out DeadLetter? letter))
        {
            PastDeadLetter now = new(letter.Reason, letter.Queue, letter.Attempts, letter.Time, letter.By);
            properties.Headers[History] = string.Join('\n', letter.History.Append(now).TakeLast(MaxHistory).Select(Line));
        }

        foreach (string header in s_ofOneTime)
            properties.Headers.Remove(header);
    }

    internal static IReadOnlyList<PastDeadLetter> ReadHistory(MessageProperties properties) =>
        properties.Headers.TryGetValue(History, out string? text)
            ? [.. text.Split('\n').TakeLast(MaxHistory).Select(PastOf).OfType<PastDeadLetter>()]
            : [];

    internal static bool TryReadTime(string? text, out DateTimeOffset time) =>
        DateTimeOffset.TryParseExact(text, "O", CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out time);

    private static string TextOf(DateTimeOffset time) => time.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture);

    // The reason comes last, for it may hold what separates the others, but no line's end.
    private static string Line(PastDeadLetter past) => string.Create(
        CultureInfo.InvariantCulture, $"{TextOf(past.Time)} {past.By} {past.Attempts} {past.Queue} {Cut(OneLine(past.Reason), MaxPastReasonLength)}");

    private static PastDeadLetter? PastOf(string line)
    {
        string[] parts = line.Split(' ', 5);
        return parts.Length == 5 && TryReadTime(parts[0], out DateTimeOffset time)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int by)
            && int.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out int attempts)
            ? new PastDeadLetter(parts[4], parts[3], attempts, time, by)
            : null;
    }

    private static string OneLine(string text) => string.Concat(text.Select(static c => char.IsControl(c) ? ' ' : c));

    // Not between the two halves of a character.
    private static string Cut(string text, int length) =>
        text.Length <= length ? text : text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];
}
