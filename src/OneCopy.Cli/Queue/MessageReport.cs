using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Queue;

internal sealed record SenderReport(int Participant, int Pid, string? Process, int Uid);

/// <summary>Why a message is among the dead letters: what its headers say.</summary>
internal sealed record DeathReport(
    string Reason, string Queue, int Attempts, DateTimeOffset Time, int By, string Id, DateTimeOffset TimeSent, int SenderPid)
{
    public static DeathReport? Of(MessageProperties? properties) => properties is not null && OneCopy.DeadLetter.TryRead(properties, out OneCopy.DeadLetter? l)
        ? new DeathReport(l.Reason, l.Queue, l.Attempts, l.Time, l.By, l.Id, l.TimeSent, l.SenderPid)
        : null;
}

/// <summary>A message as JSON.</summary>
internal sealed record MessageReport(
    string Id, string State, SenderReport Sender, long Sequence, long Bytes, string Lane, DateTimeOffset TimeSent, double AgeSeconds,
    DateTimeOffset? Expires, int Attempts, int? HolderPid, string? MessageId, string? CorrelationId, string? ContentType,
    IDictionary<string, string>? Headers, DeathReport? DeadLetter, IReadOnlyList<PastDeadLetter>? History, string? PayloadText, string? PayloadBase64, string? PayloadNotRead)
{
    public static MessageReport Of(InspectedMessage m, string? process)
    {
        bool cut = m.Payload.Length < m.Length;
        string? text = Printable.AsText(m.Payload.Span, cut);
        return new MessageReport(
            m.Id, m.State.ToString().ToLowerInvariant(), new SenderReport(m.SenderIndex, m.SenderPid, process, m.SenderUid),
            m.SequenceNumber, m.Length, m.Lane.ToString().ToLowerInvariant(), m.TimeSent, Math.Round((DateTimeOffset.UtcNow - m.TimeSent).TotalSeconds, 3),
            m.Expires, m.Attempts, m.HolderPid, m.Properties?.MessageId, m.Properties?.CorrelationId, m.Properties?.ContentType,
            m.Properties?.Headers is { Count: > 0 } headers ? headers : null,
            DeathReport.Of(m.Properties), m.Properties is not null && OneCopy.DeadLetter.HistoryOf(m.Properties) is { Count: > 0 } history ? history : null,
            m.Payload.IsEmpty ? null : text, m.Payload.IsEmpty || text is not null ? null : Convert.ToBase64String(m.Payload.Span), m.PayloadNotRead);
    }
}
