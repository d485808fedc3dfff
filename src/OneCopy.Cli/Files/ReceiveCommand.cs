using System.CommandLine;
using System.Text.Json;
using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Files;

/// <summary><c>onecopy receive QUEUE --out DIR</c>.</summary>
internal static class ReceiveCommand
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    public static Command Create()
    {
        Argument<string> queue = QueueArguments.Queue();
        Option<string> directory = new("--out") { Description = "Where the files go; made if it is not there.", HelpName = "DIR", Required = true };
        Option<long?> count = new("--count") { Description = "End after so many messages. [default: go on]", HelpName = "N" };
        count.Validators.Add(static result =>
        {
            if (result.Tokens is [{ Value: string text }] && !(long.TryParse(text, out long n) && n > 0))
                result.AddError($"--count is a number from 1 on, not '{text}'.");
        });
        Option<double?> timeout = QueueArguments.Timeout("End when no message came for so many seconds. [default: wait]");
        Option<bool> create = new("--create") { Description = "Make the queue if it is not there." };
        Option<string?> root = QueueArguments.Root();
        Option<bool> json = QueueArguments.Json();
        Command command = new TeachingCommand("receive", "Receive files from a queue.", """
            Every file is copied from the sender's memory, or the queue's, straight into the mapped file, and appears under its name when it is
            complete; a file that is there already is replaced. A message without a name becomes message-ID.
            A name that would lead out of DIR is refused: the message goes to the queue QUEUE.dead with the reason, and the exit code is 1 at the end.
            If there is no such queue, this waits for one (as long as for a message), or makes it with --create.
            With --count, a time-out before so many have come is a failure as well.

            Examples:
              onecopy receive photos --out ~/incoming --timeout 5
              onecopy receive images --out . --count 1
              onecopy receive photos --out ~/incoming --timeout 0 --json
            """)
        { queue, directory, count, timeout, create, root, json };
        command.SetAction(parsed => Outcome.Of(ct => Task.FromResult(Run(
            parsed.GetValue(queue)!, parsed.GetValue(directory)!, parsed.GetValue(count), QueueArguments.Span(parsed.GetValue(timeout)),
            parsed.GetValue(create), parsed.GetValue(root), parsed.GetValue(json), ct))));
        return command;
    }

    private static int Run(string name, string directory, long? count, TimeSpan? timeout, bool create, string? root, bool json, CancellationToken ct)
    {
        using MessageQueue? queue = Join(name, timeout, create, new QueueOptions { Root = root }, ct);
        if (queue is null)
            return Queue.Look.SayMissing(name, root);
        using Destination destination = new(directory);
        FileReceiver receiver = new(destination);
        if (timeout is null && !Console.IsErrorRedirected)
            Console.Error.WriteLine($"Waiting for messages in queue {name}. Ctrl+C ends it; what was not received stays there.");
        List<RefusedReport> refused = [];
        int files = 0;
        long bytes = 0;
        try
        {
            while (files + refused.Count < (count ?? long.MaxValue)
                && queue.TryReceive(timeout ?? Timeout.InfiniteTimeSpan, out ReceivedMessage message, ct))
            {
                using (message)
                {
                    if (!TryTake(receiver, message, refused, json, ct))
                        continue;
                    files++;
                    bytes += message.Length;
                }
            }
        }
        finally
        {
            Report(new ReceivedReport(name, Path.GetFullPath(directory), files, bytes, refused), json);
        }

        if (count is long wanted && files + refused.Count < wanted)
        {
            Console.Error.WriteLine($"{files + refused.Count} of {wanted} messages came before the time was up.");
            return Outcome.Failed;
        }

        return refused.Count == 0 ? 0 : Outcome.Failed;
    }

    /// <summary>A name that nobody has made is a slip more often than not: it is said, and no queue made of it. Null: none came in time.</summary>
    private static MessageQueue? Join(string name, TimeSpan? timeout, bool create, QueueOptions options, CancellationToken ct)
    {
        if (create)
            return MessageQueue.Open(name, options);
        bool said = false;
        long deadline = Messaging.Deadline.After(timeout);
        while (true)
        {
            if (MessageQueue.TryOpen(name, out MessageQueue? queue, options))
                return queue;
            if (!Messaging.Deadline.IsAhead(deadline))
                return null;
            if (!said)
                Console.Error.WriteLine($"There is no queue {name} in {Queue.Look.RootOf(options.Root)} yet. Waiting for a sender to make it ('onecopy queue list' shows what there is, --create makes it).");
            said = true;
            ct.WaitHandle.WaitOne(s_pause);
            ct.ThrowIfCancellationRequested();
        }
    }

    private static bool TryTake(FileReceiver receiver, ReceivedMessage message, List<RefusedReport> refused, bool json, CancellationToken ct)
    {
        string name = FileReceiver.NameOf(message);
        try
        {
            receiver.Write(message, name, ct);
            if (!json)
                Console.WriteLine($"{Printable.Text(name)}  {Sizes.Text(message.Length)}");
            return true;
        }
        catch (RefusedNameException e)
        {
            string reason = $"the name \"{Printable.Text(name)}\" was refused: {e.Message}";
            message.DeadLetter(reason);
            refused.Add(new RefusedReport(name, e.Message));
            Console.Error.WriteLine($"{char.ToUpperInvariant(reason[0])}{reason[1..]}. The message is in the queue's dead letters.");
        }
        catch (Exception e) when (e is MessageWithdrawnException or MessageLostException)
        {
            Console.Error.WriteLine($"{Printable.Text(name)}: {e.Message}");
        }

        return false;
    }

    private static void Report(ReceivedReport report, bool json) => Console.WriteLine(json
        ? JsonSerializer.Serialize(report, FilesJson.Default.ReceivedReport)
        : $"{Sizes.Count(report.Files, "file")}, {Sizes.Text(report.Bytes)}, received in {report.Directory}.");
}
