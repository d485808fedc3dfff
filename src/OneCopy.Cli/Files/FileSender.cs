using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace OneCopy.Cli.Files;

/// <summary>
/// Puts files into a queue. Either each is read straight into the queue's memory and survives this process, or it is offered where it is, and
/// the receiver copies it once.
/// </summary>
internal sealed class FileSender(MessageQueue queue, TimeSpan? timeout)
{
    /// <summary>Up to here a file is read into a buffer and copied: cheaper than a mapping.</summary>
    private const int SmallFile = 64 * 1024;

    // A rented buffer's properties must fit in its block of 512 bytes, which the library does not allow to ask for in advance.
    private const int ShortName = 250;

    // Enough that the receiver finds the next one when it has done one.
    private const int InFlight = 8;

    /// <summary>Returns when the file is in the queue, where it stays if this process ends.</summary>
    public void SendCopy(Outgoing file, CancellationToken ct)
    {
        using SafeFileHandle source = File.OpenHandle(file.Path);
        long length = RandomAccess.GetLength(source);
        if (length > Array.MaxLength)
            throw new IOException($"{file.Path} has {length:N0} bytes; more than {Array.MaxLength:N0} can only be sent out of this process's memory. Send it with --wait, and leave this command running until it was received.");
        SendOptions options = new() { Properties = file.Properties, Timeout = timeout };
        if (length <= SmallFile || System.Text.Encoding.UTF8.GetByteCount(file.Name) > ShortName)
        {
            byte[] content = ArrayPool<byte>.Shared.Rent((int)length);
            try
            {
                ReadAll(source, content.AsSpan(0, (int)length), file.Path);
                queue.Send(content.AsSpan(0, (int)length), options, ct);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(content);
            }

            return;
        }

        using SendBuffer buffer = queue.Rent((int)length, timeout, ct);
        ReadAll(source, buffer.Span, file.Path);
        queue.Send(buffer, options, ct);
    }

    /// <summary>Returns when the files were received, several at a time.</summary>
    public Task SendAndWaitAsync(IReadOnlyList<Outgoing> files, Action<Outgoing> received, CancellationToken ct) =>
        Parallel.ForEachAsync(files, new ParallelOptions { MaxDegreeOfParallelism = InFlight, CancellationToken = ct }, async (file, token) =>
        {
            try
            {
                await OfferAsync(file, token);
            }
            catch (TimeoutException e)
            {
                throw new TimeoutException($"{file.Path} was not received within {timeout?.TotalSeconds:0.###} s, and was taken back. Is 'onecopy receive {queue.Name} --out DIR' running?", e);
            }

            received(file);
        });

    private async Task OfferAsync(Outgoing file, CancellationToken ct)
    {
        SendOptions options = new() { Properties = file.Properties, Timeout = timeout, UntilCompleted = true };
        if (new FileInfo(file.Path).Length <= SmallFile)
        {
            await queue.SendAsync(await File.ReadAllBytesAsync(file.Path, ct), options, ct);
            return;
        }

        // Its pages as they are in the page cache: not read into a buffer first. Cut short meanwhile, the send fails; nobody is killed by it.
        using MappedFile source = MappedFile.Open(file.Path);
        using MappedView content = source.Map();
        await queue.SendAsync(content.AsSequence(), options, ct);
    }

    private static void ReadAll(SafeFileHandle source, Span<byte> destination, string path)
    {
        for (int at = 0; at < destination.Length;)
        {
            int n = RandomAccess.Read(source, destination[at..], at);
            if (n == 0)
                throw new IOException($"{path} became shorter while it was read; it was not sent. Send it again.");
            at += n;
        }
    }
}
