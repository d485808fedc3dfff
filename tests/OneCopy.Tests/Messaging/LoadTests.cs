using System.Globalization;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>
/// Four producers and four consumers, eight processes, a million messages from 0 bytes to 1 MiB, some 75 GB: every one arrives
/// exactly once.
/// </summary>
public sealed class LoadTests : IDisposable
{
    private const int Producers = 4;
    private const int Consumers = 4;
    private const int MaxLength = 1 << 20;
    private readonly TestRoot _root = new();

    private const int MessagesEach = 250_000;

    public void Dispose() => _root.Dispose();

    [Fact]
    public async Task Every_message_arrives_exactly_once()
    {
        await using MessageQueue watcher = _root.Open("load");
        List<ChildProcess> consumers = [];
        List<ChildProcess> producers = [];
        try
        {
            string[] accounts = [.. Enumerable.Range(0, Consumers).Select(i => Path.Combine(_root.Path, $"account{i}"))];
            foreach (string account in accounts)
                consumers.Add(ChildProcess.Start("queue-consume", _root.Path, "load", $"{Producers}", $"{MessagesEach}", $"{MaxLength}", account));
            for (int p = 0; p < Producers; p++)
                producers.Add(ChildProcess.Start("queue-produce", _root.Path, "load", $"{p}", $"{MessagesEach}", $"{MaxLength}"));
            foreach (ChildProcess child in consumers.Concat(producers))
                Assert.Equal("ready", await child.ReadLineAsync());
            foreach (ChildProcess producer in producers)
                producer.WriteLine("go");
            foreach (ChildProcess producer in producers)
            {
                string line = await producer.ReadLineAsync(TimeSpan.FromMinutes(10));
                TestContext.Current.TestOutputHelper!.WriteLine(line);
            }

            Eventually.True(() => watcher.Statistics is { Queued: 0, Leased: 0 }, "the queue is empty");
            long total = 0;
            foreach (ChildProcess consumer in consumers)
            {
                consumer.WriteLine("stop");
                string[] said = (await consumer.ReadLineAsync()).Split(' ');
                Assert.Equal("0", said[2]);
                total += long.Parse(said[1], CultureInfo.InvariantCulture);
            }

            Assert.Equal((long)Producers * MessagesEach, total);
            byte[] sum = new byte[Producers * MessagesEach];
            foreach (string account in accounts)
            {
                byte[] one = await File.ReadAllBytesAsync(account, TestContext.Current.CancellationToken);
                for (int i = 0; i < sum.Length; i++)
                    sum[i] += one[i];
            }

            Assert.All(sum.Chunk(10_000), chunk => Assert.Equal(-1, chunk.AsSpan().IndexOfAnyExcept((byte)1)));
            QueueStatistics statistics = watcher.Statistics;
            Assert.Equal(total, statistics.Completed.Total.Messages);
            Assert.True(statistics.Completed.Inline.Messages > 0 && statistics.Completed.Arena.Messages > 0 && statistics.Completed.Attached.Messages > 0);
            Assert.Equal(0, statistics.Redelivered + statistics.LostWithSender + statistics.Withdrawn);
        }
        finally
        {
            foreach (ChildProcess child in consumers.Concat(producers))
                child.Dispose();
        }
    }
}
