using OneCopy.Memory;
using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Copies past the cache: every byte, wherever it lies, and not one beside them; and messages that are so long that they are copied like that.</summary>
public sealed class StreamingCopyTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(20);
    private readonly TestRoot _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public unsafe void It_copies_what_it_is_told_to_and_nothing_else() => CopyProperty.Check(StreamingCopy.Stream, shortest: 0);

    /// <summary>Three quarters of the last cache where all processors share it, as the kernel tells, else twice that: less would take from readers what they would have found there.</summary>
    [Fact]
    public void It_begins_where_the_last_caches_are_full()
    {
        DirectoryInfo cache = new("/sys/devices/system/cpu/cpu0/cache/index3");
        if (StreamingCopy.From == long.MaxValue || !cache.Exists)
            Assert.Skip("No third cache is told of here, or the processor has no such stores.");
        string size = File.ReadAllText(Path.Combine(cache.FullName, "size")).Trim();
        Assert.EndsWith("K", size, StringComparison.Ordinal);
        bool isOne = string.Equals(File.ReadAllText(Path.Combine(cache.FullName, "shared_cpu_list")), File.ReadAllText("/sys/devices/system/cpu/online"), StringComparison.Ordinal);
        Assert.Equal(long.Parse(size[..^1], System.Globalization.CultureInfo.InvariantCulture) * 1024 * 3, StreamingCopy.From * (isOne ? 4 : 2));
    }

    /// <summary>Out of the sender's buffer, into the receiver's, and by the sender's own thread too: at odd places, and nothing beside them.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_message_longer_than_the_cache_is_whole(bool inArena)
    {
        Requires.NoYama();
        if (StreamingCopy.From > 128 << 20)
            Assert.Skip("So large a cache that the test would take gigabytes.");
        int length = (int)StreamingCopy.From + 12_345;
        await using MessageQueue sender = _root.Open(options: new QueueOptions { AttachThreshold = inArena ? long.MaxValue : null });
        await using MessageQueue receiver = _root.Open();
        using PooledBuffer source = OneCopyMemoryPool.Shared.RentBuffer(length + 100);
        using PooledBuffer target = OneCopyMemoryPool.Shared.RentBuffer(length + 100);
        new Random(5).NextBytes(source.Span);
        for (int i = 0; i < 3; i++)
        {
            target.Span.Fill(CopyProperty.Beside);
            Memory<byte> payload = source.Memory.Slice(13 * i, length);
            Task send = Task.Run(() => inArena ? sender.SendAsync(payload).AsTask() : Blocking(sender, payload));
            using (ReceivedMessage message = receiver.Receive(s_soon, TestContext.Current.CancellationToken))
            {
                Assert.Equal(inArena ? Lane.Arena : Lane.Attached, message.Lane);
                message.CopyTo(target.GetSpan(7 * i, length));
                message.Complete();
            }

            await send.WaitAsync(s_soon, TestContext.Current.CancellationToken);
            Assert.True(payload.Span.SequenceEqual(target.GetSpan(7 * i, length)), "it is whole");
            Assert.True(CopyProperty.IsUntouched(target.GetSpan(0, 7 * i)) && CopyProperty.IsUntouched(target.Span[((7 * i) + length)..]), "nothing beside it");
        }

        Assert.Equal(inArena ? 0 : 2, receiver.Statistics.CopiedFromMapping);
    }

    private static Task Blocking(MessageQueue queue, Memory<byte> payload)
    {
        queue.SendUntilCompleted(payload.Span);
        return Task.CompletedTask;
    }
}
