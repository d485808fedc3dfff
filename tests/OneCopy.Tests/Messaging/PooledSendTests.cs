using System.Buffers;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Memory of the pool, attached.</summary>
public sealed class PooledSendTests : IDisposable
{
    private readonly TestRoot _root = new();
    private readonly OneCopyMemoryPool _pool = new();

    public void Dispose()
    {
        _pool.Dispose();
        _root.Dispose();
    }

    [Fact]
    public async Task A_buffer_that_is_disposed_while_it_is_attached_is_nobody_elses_until_the_message_is_done()
    {
        using MessageQueue sender = _root.Open();
        using MessageQueue receiver = _root.Open();
        IMemoryOwner<byte> owner = _pool.Rent(1 << 20);
        owner.Memory.Span.Fill(0xAB);
        Task sent = sender.SendAsync(owner.Memory).AsTask();
        owner.Dispose();

        using (IMemoryOwner<byte> other = _pool.Rent(1 << 20))
            other.Memory.Span.Fill(0xCD);
        using (ReceivedMessage message = receiver.Receive())
        {
            Assert.Equal(Lane.Attached, message.Lane);
            byte[] copy = message.ToArray();
            Assert.Equal(-1, copy.AsSpan().IndexOfAnyExcept((byte)0xAB));
            Assert.Equal(1, _pool.Statistics.RentedBuffers);
            message.Complete();
        }

        await sent;
        Assert.Equal((0, 2), (_pool.Statistics.RentedBuffers, _pool.Statistics.KeptBuffers));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await sender.SendAsync(owner.Memory));
    }

    [Fact]
    public async Task Memory_kept_from_a_former_rental_is_not_sent()
    {
        using MessageQueue queue = _root.Open();
        Memory<byte> stale;
        using (PooledBuffer buffer = _pool.RentBuffer(1 << 20))
            stale = buffer.Memory;
        using PooledBuffer secret = _pool.RentBuffer(1 << 20);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await queue.SendAsync(stale));
        Assert.Equal(0, queue.Statistics.Queued);
        Assert.False(queue.TryReceive(out _));
    }

    [Fact]
    public async Task A_sequence_over_a_long_buffer_is_attached_in_its_pieces()
    {
        using MessageQueue sender = _root.Open();
        using MessageQueue receiver = _root.Open();
        using PooledBuffer buffer = _pool.RentBuffer(6_000_000);
        Random.Shared.NextBytes(buffer.Span);
        Task sent = sender.SendAsync(buffer.GetSequence(1_000_000, 5_000_000)).AsTask();
        using (ReceivedMessage message = receiver.Receive())
        {
            using PooledBuffer mine = _pool.RentBuffer(message.Length);
            message.CopyTo(mine.Span);
            Assert.True(mine.Span.SequenceEqual(buffer.GetSpan(1_000_000, 5_000_000)));
            message.Complete();
        }

        await sent;
    }
}
