using System.Buffers;
using System.IO.Pipelines;
using FsCheck;
using FsCheck.Fluent;
using OneCopy.Tests.Messaging;
using Xunit;

namespace OneCopy.Tests.Streaming;

/// <summary>However the bytes are written and read, they are the same.</summary>
public sealed class StreamProperties : IDisposable
{
    private static readonly Gen<int[]> s_lengths = Gen.Choose(0, 20_000).ArrayOf(12);
    private readonly TestRoot _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void Of_a_stream() => Check(
        async (queue, options, pieces) =>
        {
            await using Stream writer = QueueStream.CreateWriter(queue, options);
            foreach (byte[] piece in pieces)
            {
                await writer.WriteAsync(piece);
                if (piece.Length % 3 == 0)
                    await writer.FlushAsync();
            }
        },
        async (queue, lengths) =>
        {
            await using Stream reader = QueueStream.CreateReader(queue);
            MemoryStream all = new();
            for (int i = 0; ; i++)
            {
                byte[] buffer = new byte[lengths[i % lengths.Length] + 1];
                int count = await reader.ReadAsync(buffer);
                if (count == 0)
                    return all.ToArray();
                all.Write(buffer, 0, count);
            }
        });

    [Fact]
    public void Of_a_pipe() => Check(
        async (queue, options, pieces) =>
        {
            PipeWriter writer = QueuePipe.CreateWriter(queue, options);
            foreach (byte[] piece in pieces)
            {
                if (piece.Length % 2 == 0)
                    await writer.WriteAsync(piece);
                else
                    writer.Write(piece);
                if (piece.Length % 3 == 0)
                    await writer.FlushAsync();
            }

            await writer.CompleteAsync();
        },
        async (queue, lengths) =>
        {
            PipeReader reader = QueuePipe.CreateReader(queue);
            MemoryStream all = new();
            for (int i = 0; ; i++)
            {
                ReadResult result = await reader.ReadAsync();
                long consumed = result.IsCompleted ? result.Buffer.Length : Math.Min(result.Buffer.Length, lengths[i % lengths.Length]);
                all.Write(result.Buffer.Slice(0, consumed).ToArray());
                bool more = lengths[i % lengths.Length] % 2 == 0;
                reader.AdvanceTo(result.Buffer.GetPosition(consumed), more ? result.Buffer.End : result.Buffer.GetPosition(consumed));
                if (!result.IsCompleted)
                    continue;
                await reader.CompleteAsync();
                return all.ToArray();
            }
        });

    private void Check(Func<MessageQueue, QueueStreamOptions, byte[][], Task> write, Func<MessageQueue, int[], Task<byte[]>> read)
    {
        using MessageQueue ours = _root.Open();
        using MessageQueue theirs = _root.Open();
        var cases = from pieces in s_lengths
                    from reads in s_lengths
                    from chunk in Gen.Choose(1024, 40_000)
                    select (pieces, reads, chunk);
        Prop.ForAll(cases.ToArbitrary(), c =>
        {
            byte[][] pieces = [.. c.pieces.Select(n => new byte[n])];
            foreach (byte[] piece in pieces)
                Random.Shared.NextBytes(piece);
            QueueStreamOptions options = new() { ChunkSize = c.chunk, MaxBytesInFlight = 40_000 };
            Task writing = Task.Run(() => write(ours, options, pieces));
            byte[] all = Task.Run(() => read(theirs, c.reads)).WaitAsync(TimeSpan.FromSeconds(30)).GetAwaiter().GetResult();
            writing.WaitAsync(TimeSpan.FromSeconds(30)).GetAwaiter().GetResult();
            Assert.Equal(pieces.SelectMany(p => p), all);
            Assert.Equal((0, 0), (ours.Statistics.Queued, ours.Statistics.Leased));
        }).QuickCheckThrowOnFailure();
    }
}
