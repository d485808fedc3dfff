using OneCopy.Cli.Terminal;
using Spectre.Console;

namespace OneCopy.Cli.Queue;

/// <summary>A message for people: a line of facts, and below it what it carries.</summary>
internal static class MessageView
{
    private const int HeadersShown = 200;

    public static void Write(InspectedMessage m, string? process, DateTimeOffset now)
    {
        string colour = m.State switch
        {
            MessageState.Waiting => "green",
            MessageState.Held => "yellow",
            _ => "grey",
        };
        string holder = m.HolderPid is int pid ? $" by process {pid}" : "";
        string name = process is null ? "" : $" ({Printable.Text(process)})";
        Screen.WriteLine(Markup.Escape($"{m.Id}  ").Insert(0, "[bold]") + $"[/][{colour}]" + Markup.Escape($"{m.State.ToString().ToLowerInvariant()}{holder}") + "[/]"
            + Markup.Escape($"  {Sizes.Text(m.Length)}  {m.Lane.ToString().ToLowerInvariant()}  from process {m.SenderPid}{name}  sent {Ago(m.TimeSent, now)}{Attempts(m)}{Life(m, now)}"));
        foreach (string detail in Details(m, now))
            Screen.WriteLine("    " + Markup.Escape(detail));
    }

    /// <summary>What a time is from now, in words: seconds while they matter, then the hour.</summary>
    private static string Ago(DateTimeOffset time, DateTimeOffset now)
    {
        TimeSpan age = now - time;
        return age < TimeSpan.FromMinutes(10) ? $"{Math.Max(age.TotalSeconds, 0):0.0} s ago" : $"{time.ToLocalTime():yyyy-MM-dd HH:mm:ss}";
    }

    private static string Attempts(InspectedMessage m) => m.Attempts switch
    {
        0 => "",
        _ => $"  {Times(m.Attempts)}",
    };

    private static string Times(int attempts) => attempts switch
    {
        0 => "never handed out",
        1 => "handed out once",
        _ => $"handed out {attempts} times",
    };

    private static string Life(InspectedMessage m, DateTimeOffset now)
    {
        if (m.Expires is not { } expires)
            return "";
        TimeSpan left = expires - now;
        return left > TimeSpan.Zero ? $"  expires in {left.TotalSeconds:0.0} s" : "  expired";
    }

    private static IEnumerable<string> Details(InspectedMessage m, DateTimeOffset now)
    {
        if (m.Properties is not null && DeadLetter.TryRead(m.Properties, out DeadLetter? letter))
            yield return $"dead letter of {Printable.Text(letter.Queue)}, {Times(letter.Attempts)}, {Ago(letter.Time, now)}, by process {letter.By}: {Printable.Text(letter.Reason)}";
        foreach (PastDeadLetter past in (m.Properties is null ? [] : DeadLetter.HistoryOf(m.Properties)).Reverse())
            yield return $"before that: dead letter of {Printable.Text(past.Queue)}, {Times(past.Attempts)}, {Ago(past.Time, now)}, by process {past.By}: {Printable.Text(past.Reason)}";
        if (Properties(m.Properties) is { Length: > 0 } properties)
            yield return properties;
        if (m.PayloadNotRead is { } why)
            yield return $"payload not shown: {why}";
        else if (!m.Payload.IsEmpty)
            yield return Printable.Line(m.Payload.Span, m.Payload.Length < m.Length);
    }

    private static string Properties(MessageProperties? properties)
    {
        if (properties is null)
            return "properties: gone or damaged";
        List<string> parts = [];
        Add("id", properties.MessageId);
        Add("answers", properties.CorrelationId);
        Add("type", properties.ContentType);
        foreach ((string name, string value) in properties.Headers.Where(h => !h.Key.StartsWith("onecopy-dead-letter-", StringComparison.Ordinal)))
            Add(name, value);
        return string.Join("  ", parts);

        void Add(string name, string? value)
        {
            if (value is not null)
                parts.Add($"{Printable.Text(name)}: {Printable.Text(value.Length <= HeadersShown ? value : value[..HeadersShown] + "…")}");
        }
    }
}
