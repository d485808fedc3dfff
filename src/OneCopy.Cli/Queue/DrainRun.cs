using System.Text.Json;
using OneCopy.Cli.Files;
using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Queue;

/// <summary>One run of <c>drain</c>.</summary>
internal sealed class DrainRun(string name, int count, TimeSpan wait, string? root, bool json)
{
    private const int Piece = 1 << 20;

    private readonly List<DrainedMessage> _drained = [];
    private long _bytes;

    /// <summary>Drains into a directory; null: to standard output.</summary>
    public int Run(string? directory, CancellationToken ct)
    {
        if (!MessageQueue.TryOpen(name, out MessageQueue? queue, new QueueOptions { Root = root, Blocks = 1, ArenaLimit = 0 }))
            return Look.SayMissing(name, root);
        using (queue)
        using (Destination? destination = directory is null ? null : new Destination(directory))
        using (Stream? output = directory is null ? Console.OpenStandardOutput() : null)
        {
            FileReceiver? files = destination is null ? null : new FileReceiver(destination);
            try
            {
                while (_drained.Count < count && queue.TryReceive(wait, out ReceivedMessage message, ct))
                {
                    using (message)
                        Take(message, files, output, ct);
                }
            }
            finally
            {
                Report(directory);
            }
        }

        return 0;
    }

    private void Take(ReceivedMessage message, FileReceiver? files, Stream? output, CancellationToken ct)
    {
        try
        {
            string? file = files is null ? null : Write(files, message, ct);
            if (output is not null)
            {
                Print(message, output, ct);
                message.Complete();
            }

            _drained.Add(new DrainedMessage(message.Id, file, message.Length));
            _bytes += message.Length;
            if (file is not null && !json)
                Console.WriteLine($"{message.Id}  {Printable.Text(file)}  {Sizes.Text(message.Length)}");
        }
        catch (Exception e) when (e is MessageWithdrawnException or MessageLostException)
        {
            Console.Error.WriteLine($"{message.Id}: {e.Message}");
        }
    }

    private static string Write(FileReceiver files, ReceivedMessage message, CancellationToken ct)
    {
        try
        {
            return files.WriteNew(message, FileReceiver.NameOf(message), ct);
        }
        catch (RefusedNameException)
        {
            return files.WriteNew(message, $"message-{message.Id}", ct);
        }
    }

    private static void Print(ReceivedMessage message, Stream output, CancellationToken ct)
    {
        byte[] buffer = new byte[(int)Math.Min(Piece, message.Length)];
        byte last = (byte)'\n';
        for (long at = 0; at < message.Length; at += buffer.Length)
        {
            Span<byte> piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, message.Length - at));
            message.CopyTo(at, piece, ct);
            output.Write(piece);
            last = piece[^1];
        }

        if (last != '\n')
            output.WriteByte((byte)'\n');
        output.Flush();
    }

    // What is printed is the payloads alone: the sum goes to standard error then.
    private void Report(string? directory)
    {
        string? full = directory is null ? null : Path.GetFullPath(directory);
        if (json)
            Console.WriteLine(JsonSerializer.Serialize(new DrainReport(name, _drained.Count, _bytes, full, _drained), WorkJson.Default.DrainReport));
        else
            (full is null ? Console.Error : Console.Out).WriteLine($"{Sizes.Count(_drained.Count, "message")}, {Sizes.Text(_bytes)}, taken from queue {name}{(full is null ? "" : $" into {full}")}.");
    }
}
