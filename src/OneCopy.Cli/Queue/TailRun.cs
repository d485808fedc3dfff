using System.Diagnostics;
using System.Text.Json;
using OneCopy.Cli.Terminal;
using OneCopy.Messaging;
using Spectre.Console;

namespace OneCopy.Cli.Queue;

/// <summary>One run of <c>tail</c>: looks again and again, and shows what was not shown yet.</summary>
internal sealed class TailRun(QueueInspection look, int bytes, int count, bool json)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    // A look at many large participants takes longer; it is not to take more than this part of a processor.
    private const int PauseForEachLook = 20;

    private readonly TailAccount _account = new();
    private Dictionary<int, string?> _names = [];

    public async Task<int> RunAsync(int last, bool follow, CancellationToken ct)
    {
        long sentBefore = look.Statistics.Sent.Total.Messages;
        ShowLast(last);
        if (!follow)
            return 0;
        if (!Console.IsErrorRedirected)
            await Console.Error.WriteLineAsync("Waiting for more. Ctrl+C ends it.");
        long shownBefore = _account.Shown;
        try
        {
            while (_account.Shown < count)
            {
                long start = Stopwatch.GetTimestamp();
                bool exists = look.Exists;
                ShowNew();
                if (!exists)
                {
                    await Console.Error.WriteLineAsync($"Queue {look.Name} was deleted.");
                    return Outcome.Failed;
                }

                TimeSpan took = Stopwatch.GetElapsedTime(start);
                await Task.Delay(took * PauseForEachLook > s_pause ? took * PauseForEachLook : s_pause, ct);
            }
        }
        finally
        {
            long sent = look.Statistics.Sent.Total.Messages - sentBefore;
            await Console.Error.WriteLineAsync($"{Sizes.Count(_account.Shown - shownBefore, "message")} shown of {sent:N0} sent meanwhile.");
        }

        return 0;
    }

    private void ShowLast(int last)
    {
        List<InspectedMessage> all = [.. look.Records(bytes, static (_, sequence, _) => sequence > 0).OrderBy(m => m.TimeSent).ThenBy(m => m.SequenceNumber)];
        last = Math.Min(last, Math.Min(count, all.Count));
        for (int i = 0; i < all.Count; i++)
            _account.Begin(all[i].Incarnation, all[i].SequenceNumber, shown: i >= all.Count - last);
        Write(all[^last..]);
    }

    private void ShowNew()
    {
        List<InspectedMessage> fresh = look.Records(bytes, (incarnation, sequence, _) => _account.IsNew(incarnation, sequence));
        List<InspectedMessage> next = [.. fresh.OrderBy(m => m.TimeSent).ThenBy(m => m.SequenceNumber).Take(count - (int)_account.Shown)];
        foreach (InspectedMessage message in next)
            _account.Add(message.Incarnation, message.SequenceNumber);
        Write(next);
        foreach ((long incarnation, long missing) in _account.EndOfLook())
        {
            Console.Out.Flush();
            Console.Error.WriteLine($"{Sizes.Count(missing, "message")} of sender {incarnation} not seen.");
        }
    }

    private void Write(IReadOnlyList<InspectedMessage> messages)
    {
        if (messages.Count == 0)
            return;
        DateTimeOffset now = DateTimeOffset.UtcNow;
        _names = look.Participants.ToDictionary(p => p.Index, p => p.ProcessName);
        foreach (InspectedMessage message in messages)
        {
            string? process = _names.GetValueOrDefault(message.SenderIndex);
            if (json)
                Console.WriteLine(JsonSerializer.Serialize(MessageReport.Of(message, process), QueueJson.Lines.MessageReport));
            else
                MessageView.Write(message, process, now);
        }
    }
}
