using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Queue;

internal sealed record SenderReport(int Participant, int Pid, string? Process, int Uid);

/// <summary>Why a message is among the dead letters: what its headers say.</summary>
internal sealed record DeathReport(string? Reason, string? Queue, string? Attempts);

/// <summary>A message as JSON.</summary>
internal sealed record MessageReport(
    string Id, string State, SenderReport Sender, long Sequence, long Bytes, string Lane, DateTimeOffset TimeSent, double AgeSeconds,
    DateTimeOffset? Expires, int Attempts, int? HolderPid, string? MessageId, string? CorrelationId, string? ContentType,
    IDictionary<string, string>? Headers, DeathReport? DeadLetter, string? PayloadText, string? PayloadBase64, string? PayloadNotRead)
{
    public static MessageReport Of(InspectedMessage m, string? process)
    {
        bool cut = m.Payload.Length < m.Length;
        string? text = Printable.AsText(m.Payload.Span, cut);
        return new MessageReport(
            m.Id, m.State.ToString().ToLowerInvariant(), new SenderReport(m.SenderIndex, m.SenderPid, process, m.SenderUid),
            m.SequenceNumber, m.Length, m.Lane.ToString().ToLowerInvariant(), m.TimeSent, Math.Round((DateTimeOffset.UtcNow - m.TimeSent).TotalSeconds, 3),
            m.Expires, m.Attempts, m.HolderPid, m.Properties?.MessageId, m.Properties?.CorrelationId, m.Properties?.ContentType,
            m.Properties?.Headers is { Count: > 0 } headers ? headers : null, DeathOf(m.Properties),
            m.Payload.IsEmpty ? null : text, m.Payload.IsEmpty || text is not null ? null : Convert.ToBase64String(m.Payload.Span), m.PayloadNotRead);
    }

    public static DeathReport? DeathOf(MessageProperties? properties)
    {
        IDictionary<string, string>? headers = properties?.Headers;
        return headers?.ContainsKey(DeadLetterHeaders.Reason) == true
            ? new DeathReport(Get(DeadLetterHeaders.Reason), Get(DeadLetterHeaders.Queue), Get(DeadLetterHeaders.Attempts))
            : null;

        string? Get(string name) => headers.TryGetValue(name, out string? value) ? value : null;
    }
}
