using System.CommandLine;
using System.Text.Json;
using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Files;

/// <summary><c>onecopy send QUEUE FILE…</c>.</summary>
internal static class SendCommand
{
    // So much of /dev/shm is used by default; a larger file raises it.
    private const long UsualArena = 1L << 30;

    public static Command Create()
    {
        Argument<string> queue = QueueArguments.Queue();
        Argument<string[]> files = new("FILE") { Description = "Files, and directories with all below them.", Arity = ArgumentArity.OneOrMore };
        Option<bool> wait = new("--wait") { Description = "Offer the files where they are, and wait until all were received: one copy, no room needed." };
        Option<double?> timeout = QueueArguments.Timeout("Give up a file for which there is no room (or, with --wait, no receiver) within so many seconds. [default: wait]");
        Option<string?> root = QueueArguments.Root();
        Option<bool> json = QueueArguments.Json();
        Command command = new TeachingCommand("send", "Send files through a queue.", """
            The queue is made if it is not there. A file's name travels with it; a directory's files arrive under the directory's name.
            Symbolic links in a directory are left out, and named; one that is named itself is followed.
            Without --wait the files are copied into the queue's memory (in /dev/shm, up to 1 GiB at a time; then the command waits for room),
            and stay there when the command has ended. With --wait they stay in the page cache, and the receiver copies each one from there.

            Examples:
              onecopy send photos ~/Pictures/2024
              onecopy send photos a.jpg b.jpg --timeout 10
              onecopy send images disk.qcow2 --wait
            """)
        { queue, files, wait, timeout, root, json };
        command.SetAction(parsed => Outcome.Of(ct => RunAsync(
            parsed.GetValue(queue)!, parsed.GetValue(files)!, parsed.GetValue(wait), QueueArguments.Span(parsed.GetValue(timeout)),
            parsed.GetValue(root), parsed.GetValue(json), ct)));
        return command;
    }

    private static async Task<int> RunAsync(
        string name, string[] paths, bool wait, TimeSpan? timeout, string? root, bool json, CancellationToken ct)
    {
        List<string> leftOut = [];
        List<Outgoing> files = Outgoing.Under(paths, leftOut);
        foreach (string path in leftOut)
            await Console.Error.WriteLineAsync($"{Printable.Text(path)} is left out: it is a symbolic link, or no file.");
        long bytes = files.Sum(f => f.Length);
        await using MessageQueue queue = MessageQueue.Open(name, new QueueOptions
        {
            Root = root,
            ArenaLimit = Math.Max(UsualArena, files.Select(f => f.Length + (1 << 20)).DefaultIfEmpty().Max()),
        });
        FileSender sender = new(queue, timeout);
        int sent = 0;
        try
        {
            await Screen.WithProgressAsync($"Sending to {name}", bytes + files.Count, quiet: json, async progress =>
            {
                if (wait)
                    await sender.SendAndWaitAsync(files, Done, ct);
                foreach (Outgoing file in wait ? [] : files)
                {
                    await Task.Run(() => sender.SendCopy(file, ct), ct);
                    Done(file);
                }

                return 0;

                void Done(Outgoing file)
                {
                    Interlocked.Increment(ref sent);

                    // One for the file itself, so that empty ones count too.
                    progress(file.Length + 1, null);
                }
            });
        }
        catch (Exception) when (sent < files.Count)
        {
            await Console.Error.WriteLineAsync($"{sent} of {Sizes.Count(files.Count, "file")} {(wait ? "received" : "put into the queue")}; then it ended:");
            throw;
        }

        Console.WriteLine(json
            ? JsonSerializer.Serialize(new SentReport(name, sent, bytes, wait, leftOut), FilesJson.Default.SentReport)
            : $"{Sizes.Count(sent, "file")}, {Sizes.Text(bytes)}, {(wait ? "received from" : "sent to")} queue {name}.");
        return 0;
    }
}
