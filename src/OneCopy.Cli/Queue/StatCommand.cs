using System.CommandLine;
using System.Text.Json;
using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Queue;

/// <summary><c>onecopy queue stat QUEUE</c>.</summary>
internal static class StatCommand
{
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    public static Command Create()
    {
        Argument<string> name = QueueArguments.Queue();
        Option<bool> watch = new("--watch") { Description = "Look again each second until Ctrl+C, with what went through per second." };
        Option<string?> root = QueueArguments.Root();
        Option<bool> json = QueueArguments.Json();
        Command command = new TeachingCommand("stat", "Show what is in a queue, and what went through it.", """
            The look disturbs nobody: nothing is written, and no place among the participants is taken.
            Sent counts by the lane chosen at the send, completed by the lane that the payload went in the end; they differ where a payload
            could not be copied out of its sender's memory, nor by its sender into the receiver's, and was moved. Who was refused what stands
            at the end, with the reason ('onecopy doctor' looks at the machine). With --watch and --json, each look is a line.

            Examples:
              onecopy queue stat photos
              onecopy queue stat photos --watch
              onecopy queue stat photos --json | jq .queued
            """)
        { name, watch, root, json };
        command.SetAction(parsed => Outcome.Of(ct =>
            RunAsync(parsed.GetValue(name)!, parsed.GetValue(watch), parsed.GetValue(root), parsed.GetValue(json), ct)));
        return command;
    }

    private static async Task<int> RunAsync(string name, bool watch, string? root, bool json, CancellationToken ct)
    {
        if (!Look.TryInto(name, root, out QueueInspection? look))
            return Outcome.Failed;
        using (look)
        {
            StatView? view = null;
            if (!watch)
            {
                view = StatView.Of(look, root, null);
                if (json)
                    Console.WriteLine(JsonSerializer.Serialize(view.ToReport(), QueueJson.Default.QueueReport));
                else
                    Screen.Write(view.ToParts());
                return 0;
            }

            await Screen.WatchAsync(s_pause, Next, ct);
            await Console.Error.WriteLineAsync($"Queue {name} was deleted.");
            return Outcome.Failed;

            IReadOnlyList<Spectre.Console.Rendering.IRenderable>? Next()
            {
                if (!look.Exists)
                    return null;
                view = StatView.Of(look, root, view);
                if (!json)
                    return view.ToParts();
                Console.WriteLine(JsonSerializer.Serialize(view.ToReport(), QueueJson.Lines.QueueReport));
                return [];
            }
        }
    }
}
