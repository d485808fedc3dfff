using System.Buffers;
using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>Over 2 GiB, and nothing for the garbage collector.</summary>
public sealed class LargeViewTests
{
    private const long Size = (5L << 30) + 77;

    [Fact]
    public void Offsets_beyond_2_and_4_GiB_reach_the_right_bytes()
    {
        using MappedFile file = MappedFile.CreateMemfd("large", Size + 1000);
        using MappedView view = file.Map(1000, Size);
        long[] places = [0, int.MaxValue - 7L, int.MaxValue + 1L, uint.MaxValue - 3L, uint.MaxValue + 9L, Size - 8];
        foreach (long place in places)
            view.Write(place, place ^ 0x55);
        foreach (long place in places)
        {
            Assert.Equal(place ^ 0x55, view.Read<long>(place));
            byte[] safe = new byte[8];
            view.ReadSafely(place, safe);
            Assert.Equal(place ^ 0x55, BitConverter.ToInt64(safe));
            Assert.Equal(place ^ 0x55, BitConverter.ToInt64(view.GetReadOnlySpan(place, 8)));
            Assert.Equal(place ^ 0x55, BitConverter.ToInt64(view.GetReadOnlyMemory(place, 8).Span));
            Assert.Equal(place ^ 0x55, BitConverter.ToInt64(view.AsSequence().Slice(place, 8).ToArray()));
            RandomAccess.Read(file.Handle, safe, 1000 + place);
            Assert.Equal(place ^ 0x55, BitConverter.ToInt64(safe));
        }

        ReadOnlySequence<byte> all = view.AsSequence();
        Assert.Equal((Size, 6), (all.Length, all.Count()));
        Assert.Equal(Size - 10, view.AsSequence(5, Size - 10).Length);
        Assert.Equal(4, view.CountResidentPages(0, Size));
        view.GetSpan(2L << 30, int.MaxValue)[^1] = 9;
        Assert.Equal(9, view.Read<byte>((2L << 30) + int.MaxValue - 1));
        view.Flush(Size - 8, 8);
    }

    [Fact]
    public void Reading_and_writing_allocates_nothing()
    {
        using MappedFile file = MappedFile.CreateMemfd("free", 1 << 20);
        using MappedView view = file.Map(5, 1_000_000);
        byte[] bytes = new byte[100_000];
        int i = 0;
        void Round()
        {
            i = (i + 1) % 1000;
            view.Write(i, view.Read<long>(i) + 1);
            view.ReadSafely(i, bytes);
            view.WriteSafely(i, bytes);
            view.TryReadSafely(i, bytes, out _);
            view.TryWriteSafely(i, bytes, out _);
            view.CopyTo(i, bytes.AsSpan(0, 500));
            view.CopyFrom(i, bytes.AsSpan(0, 500));
            view.GetSpan(i, 500)[3] = view.GetReadOnlySpan(i, 500)[4];
            view.GetMemory(i, 500).Span[3] = view.GetReadOnlyMemory(i, 500).Span[4];
            view.AsSequence(i, 500);
            using MappedSpan pinned = view.Pin(i, 500);
            pinned.Span[7] = 1;
            using MemoryHandle pin = view.GetMemory(i, 10).Pin();
            view.Flush(i, 500, FlushMode.Async);
            view.Advise(i, 500, MapAdvice.WillNeed);
            view.Populate(i, 500);
            view.CountResidentPages(i, 500);
            view.ThrowIfDamaged();
        }

        Round();
        Assert.Equal(0, Allocations.Of(1000, Round));
    }
}

file static class Sequences
{
    public static int Count(this ReadOnlySequence<byte> sequence)
    {
        int count = 0;
        foreach (ReadOnlyMemory<byte> unused in sequence)
            count++;
        return count;
    }
}
