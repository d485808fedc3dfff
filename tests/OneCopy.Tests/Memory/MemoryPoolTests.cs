using System.Buffers;
using OneCopy.Memory;
using Xunit;

namespace OneCopy.Tests.Memory;

/// <summary>The pool: where its memory is, how it is reused, and what a stale owner can do (nothing).</summary>
public sealed unsafe class MemoryPoolTests : IDisposable
{
    private readonly OneCopyMemoryPool _pool = new(new OneCopyMemoryPoolOptions { MaxKeptBytes = 64 << 20 });

    public void Dispose() => _pool.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(4096)]
    [InlineData(100_000)]
    [InlineData((2 << 20) - 1)]
    [InlineData(5 << 20)]
    public void Memory_is_as_long_as_asked_for_on_a_page_of_its_own_and_there(int length)
    {
        using IMemoryOwner<byte> owner = _pool.Rent(length);
        Assert.Equal(length, owner.Memory.Length);
        using MemoryHandle pin = owner.Memory.Pin();
        long capacity = SizeClass.Of(length).Capacity;
        long alignment = capacity >= SizeClass.HugePage ? SizeClass.HugePage : Environment.SystemPageSize;
        Assert.Equal(0, (long)pin.Pointer % alignment);
        MappingOf mapping = MappingOf.Address(pin.Pointer)!;
        Assert.InRange(mapping.Bytes("Rss"), capacity, long.MaxValue);
        Assert.True(mapping.HasFlag("dc"), "MADV_DONTFORK");
        Assert.Equal(capacity >= SizeClass.HugePage, mapping.HasFlag("hg"));
        owner.Memory.Span.Fill(1);
    }

    [Fact]
    public void Large_buffers_are_made_of_huge_pages_where_the_kernel_gives_them()
    {
        string enabled = File.ReadAllText("/sys/kernel/mm/transparent_hugepage/enabled");
        Assert.SkipWhen(enabled.Contains("[never]", StringComparison.Ordinal), "This kernel is told to give no huge pages.");
        using OneCopyMemoryPool pool = new(new OneCopyMemoryPoolOptions { Shared = false });
        using PooledBuffer buffer = pool.RentBuffer(8 << 20);
        Assert.Equal(8 << 20, pool.Statistics.HugePageBytes);

        // It may be short of them at the moment, but not wholly.
        Assert.InRange(MappingOf.Address(buffer.Pointer)!.Bytes("AnonHugePages"), 2 << 20, long.MaxValue);
    }

    [Fact]
    public void Without_huge_pages_and_touch_the_memory_is_taken_as_it_is_used()
    {
        using OneCopyMemoryPool pool = new(new OneCopyMemoryPoolOptions { HugePages = false, Touch = false });
        using PooledBuffer buffer = pool.RentBuffer(8 << 20);
        MappingOf mapping = MappingOf.Address(buffer.Pointer)!;
        Assert.False(mapping.HasFlag("hg"));
        Assert.Equal(0, pool.Statistics.HugePageBytes);
        buffer.Span.Fill(7);
    }

    [Fact]
    public void What_was_given_back_is_rented_again_by_lengths_of_its_class()
    {
        byte* first;
        using (PooledBuffer buffer = _pool.RentBuffer(3_000_000))
            first = buffer.Pointer;
        using PooledBuffer again = _pool.RentBuffer(3_500_000);
        Assert.True(first == again.Pointer);
        using PooledBuffer other = _pool.RentBuffer(3_500_000);
        Assert.True(first != other.Pointer);
        OneCopyMemoryPoolStatistics s = _pool.Statistics;
        Assert.Equal((2, 2L, 1L, 0L), (s.RentedBuffers, s.Mapped, s.Reused, s.KeptBytes));
        Assert.Equal(8 << 20, s.RentedBytes);
    }

    [Fact]
    public void No_more_is_kept_than_the_bound_and_the_least_recent_goes_first()
    {
        using OneCopyMemoryPool pool = new(new OneCopyMemoryPoolOptions { MaxKeptBytes = 8 << 20 });
        PooledBuffer[] rented = [pool.RentBuffer(4 << 20), pool.RentBuffer(2 << 20), pool.RentBuffer(4 << 20), pool.RentBuffer(10 << 20)];
        byte*[] addresses = [rented[0].Pointer, rented[1].Pointer, rented[2].Pointer, rented[3].Pointer];
        foreach (PooledBuffer buffer in rented)
            buffer.Dispose();
        OneCopyMemoryPoolStatistics s = pool.Statistics;
        Assert.Equal((2, 6L << 20, 0L, 6L << 20), (s.KeptBuffers, s.KeptBytes, s.RentedBytes, s.HugePageBytes));
        Assert.Null(MappingOf.Address(addresses[0]));
        Assert.NotNull(MappingOf.Address(addresses[1]));
        Assert.NotNull(MappingOf.Address(addresses[2]));
        Assert.Null(MappingOf.Address(addresses[3]));
        pool.Trim();
        Assert.Equal(0, pool.Statistics.KeptBytes);
        Assert.Null(MappingOf.Address(addresses[1]));
    }

    [Fact]
    public void A_pool_that_is_disposed_gives_back_what_is_returned_later()
    {
        OneCopyMemoryPool pool = new();
        IMemoryOwner<byte> owner = pool.Rent(10_000);
        pool.Dispose();
        owner.Memory.Span.Fill(3);
        owner.Dispose();
        Assert.Equal((0L, 0L), (pool.Statistics.RentedBytes, pool.Statistics.KeptBytes));
        Assert.Throws<ObjectDisposedException>(() => pool.Rent(1));
        OneCopyMemoryPool.Shared.Dispose();
        OneCopyMemoryPool.Shared.Rent().Dispose();
    }

    [Fact]
    public void A_stale_owner_frees_nothing_and_reads_nothing()
    {
        IMemoryOwner<byte> stale = _pool.Rent(5_000);
        Memory<byte> memory = stale.Memory;
        stale.Dispose();
        PooledBuffer staleBuffer = _pool.RentBuffer(5_000);
        staleBuffer.Dispose();
        using PooledBuffer buffer = _pool.RentBuffer(5_000);
        Assert.Equal(1, _pool.Statistics.Mapped);
        stale.Dispose();
        staleBuffer.Dispose();
        Assert.Equal(1, _pool.Statistics.RentedBuffers);
        Assert.Throws<ObjectDisposedException>(() => stale.Memory);
        Assert.Throws<ObjectDisposedException>(() => memory.Span[0]);
        Assert.Throws<ObjectDisposedException>(() => memory.Pin());
        Assert.Throws<ObjectDisposedException>(() => staleBuffer.Span[0]);
        Assert.Throws<ObjectDisposedException>(() => staleBuffer.Memory);
        Assert.Throws<ObjectDisposedException>(() => default(PooledBuffer).Span[0]);
        default(PooledBuffer).Dispose();
        buffer.Span[0] = 1;
    }

    [Fact]
    public void Memory_that_is_pinned_goes_back_with_the_last_pin()
    {
        IMemoryOwner<byte> owner = _pool.Rent(5_000);
        MemoryHandle one = owner.Memory.Pin();
        MemoryHandle two = owner.Memory[1000..].Pin();
        Assert.Equal((nint)one.Pointer + 1000, (nint)two.Pointer);
        owner.Dispose();
        Assert.Throws<ObjectDisposedException>(() => owner.Memory);
        one.Dispose();
        Assert.Equal((1, 0), (_pool.Statistics.RentedBuffers, _pool.Statistics.KeptBuffers));
        *(byte*)two.Pointer = 9;
        two.Dispose();
        Assert.Equal((0, 1), (_pool.Statistics.RentedBuffers, _pool.Statistics.KeptBuffers));
    }

    [Fact]
    public void A_pin_that_is_let_go_twice_is_an_error()
    {
        using IMemoryOwner<byte> owner = _pool.Rent(10);
        owner.Memory.Pin().Dispose();
        Assert.Throws<InvalidOperationException>(() => ((IPinnable)owner).Unpin());
    }

    [Fact]
    public void What_cannot_be_had_is_ENOMEM_and_counts_as_nothing()
    {
        _pool.Rent(1 << 20).Dispose();
        OneCopyException e = Assert.Throws<OneCopyException>(() => _pool.RentBuffer(1L << 50));
        Assert.Equal(("mmap", "ENOMEM"), (e.Call, e.ErrnoName));
        Assert.Throws<OneCopyException>(() => _pool.RentBuffer(long.MaxValue));
        OneCopyMemoryPoolStatistics s = _pool.Statistics;
        Assert.Equal((0L, 0, 0L), (s.RentedBytes, s.RentedBuffers, s.KeptBytes)); // What was kept was given up for it.
        Assert.Throws<ArgumentOutOfRangeException>(() => _pool.Rent(-2));
        Assert.Throws<ArgumentOutOfRangeException>(() => _pool.RentBuffer(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new OneCopyMemoryPool(new OneCopyMemoryPoolOptions { MaxKeptBytes = -1 }));
    }

    [Fact]
    public void A_buffer_may_be_longer_than_a_span()
    {
        using OneCopyMemoryPool pool = new(new OneCopyMemoryPoolOptions { Touch = false });
        using IMemoryOwner<byte> owner = pool.Rent(int.MaxValue);
        Assert.Equal(int.MaxValue, owner.Memory.Length);
        using PooledBuffer buffer = pool.RentBuffer(5L << 30);
        Assert.Throws<InvalidOperationException>(() => buffer.Span[0]);
        Assert.Throws<InvalidOperationException>(() => buffer.Memory);
        buffer.GetSpan((5L << 30) - 10, 10).Fill(5);
        ReadOnlySequence<byte> end = buffer.GetSequence(1, (5L << 30) - 1);
        Assert.Equal((5L << 30) - 1, end.Length);
        Assert.Equal([5, 5], end.Slice(end.Length - 2).ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.GetSpan(5L << 30, 1));
    }

    [Fact]
    public void In_the_steady_state_a_buffer_costs_no_allocation_and_an_owner_a_small_one()
    {
        long buffers = Allocated(p => p.RentBuffer(1 << 20).Dispose());
        Assert.Equal(0, buffers);
        long owners = Allocated(p => p.Rent(1 << 20).Dispose());
        Assert.InRange(owners, 1, 1000 * 40);
    }

    [Fact]
    public void Threads_share_a_pool()
    {
        ParallelOptions options = new() { MaxDegreeOfParallelism = 4 };
        Parallel.For(0, 4, options, thread =>
        {
            Random random = new(thread);
            for (int i = 0; i < 2_000; i++)
            {
                using IMemoryOwner<byte> owner = _pool.Rent(random.Next(1, 100_000));
                using MemoryHandle pin = owner.Memory.Pin();
                owner.Memory.Span.Fill((byte)thread);
                if (random.Next(2) == 0)
                    owner.Dispose();
                Thread.Yield();
                Assert.Equal(-1, new Span<byte>(pin.Pointer, 1).IndexOfAnyExcept((byte)thread));
            }
        });
        Assert.Equal((0, 0L), (_pool.Statistics.RentedBuffers, _pool.Statistics.RentedBytes));
        Assert.Equal(8_000, _pool.Statistics.Mapped + _pool.Statistics.Reused);
    }

    private long Allocated(Action<OneCopyMemoryPool> rental)
    {
        for (int i = 0; i < 100; i++)
            rental(_pool);
        return Allocations.Of(1000, () => rental(_pool));
    }
}
