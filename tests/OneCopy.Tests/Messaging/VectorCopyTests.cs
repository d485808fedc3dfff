using System.Runtime.Intrinsics;
using FsCheck;
using FsCheck.Fluent;
using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Copies by vectors: every byte, wherever source and destination lie, and not one beside them.</summary>
public sealed class VectorCopyTests : IDisposable
{
    private const int Page = 4096;
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(20);
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Fact]
    public unsafe void It_copies_what_it_is_told_to_and_nothing_else()
    {
        Assert.SkipUnless(Vector256.IsHardwareAccelerated, "No such vectors here.");
        CopyProperty.Check(VectorCopy.CopyLong, shortest: 128);
    }

    [Fact]
    public unsafe void Short_ones_and_none_are_copied_as_well()
    {
        CopyProperty.Check(VectorCopy.Copy, shortest: 0);
        CopyProperty.Check(VectorCopy.CopyOnce, shortest: 0);
        CopyProperty.Check(
            (source, destination, length) => VectorCopy.Copy(new ReadOnlySpan<byte>(source, (int)length), new Span<byte>(destination, (int)length)),
            shortest: 0);
    }

    [Fact]
    public void Short_ones_may_overlap_and_a_destination_that_is_too_short_is_refused()
    {
        byte[] noise = CopyProperty.Noise(200);
        for (int length = 0; length <= 80; length++)
        {
            for (int by = -40; by <= 40; by++)
            {
                byte[] target = [.. noise];
                VectorCopy.Copy(target.AsSpan(60, length), target.AsSpan(60 + by, length));
                Assert.True(target.AsSpan(60 + by, length).SequenceEqual(noise.AsSpan(60, length)), $"{length} bytes by {by}");
            }

            int longer = length + 1;
            Assert.Throws<ArgumentException>(() => VectorCopy.Copy(noise.AsSpan(0, longer), noise.AsSpan(100, longer - 1)));
        }
    }

    [Fact]
    public unsafe void It_moves_down_what_overlaps()
    {
        Assert.SkipUnless(Vector256.IsHardwareAccelerated, "No such vectors here.");
        Gen<(int At, int By, int Length)> move = from a in Gen.Choose(0, 70) from b in Gen.Choose(1, 31) from n in Gen.OneOf(Gen.Choose(0, 600), Gen.Choose(601, 20_000)) select (a, b, n);
        byte[] noise = CopyProperty.Noise(20_200);
        Prop.ForAll(move.ToArbitrary(), m =>
        {
            byte[] target = [.. noise];
            fixed (byte* t = target)
                VectorCopy.MoveDown(t + m.At + m.By, t + m.At, m.Length);
            return target.AsSpan(m.At, m.Length).SequenceEqual(noise.AsSpan(m.At + m.By, m.Length))
                && target.AsSpan(0, m.At).SequenceEqual(noise.AsSpan(0, m.At)) && target.AsSpan(m.At + m.Length + m.By).SequenceEqual(noise.AsSpan(m.At + m.Length + m.By));
        }).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData(0, 0, 100_000, 0)]
    [InlineData(0, 1, 100_000, 31)]
    [InlineData(0, 16, 100_000, 16)]
    [InlineData(0, 31, 100_000, 1)]
    [InlineData(0, 32, 100_000, 0)]
    [InlineData(24, 16, 100_000, 0)]
    [InlineData(4090, 3, 100_000, 23)]
    [InlineData(0, 16, 1_000, 0)]
    public unsafe void Only_what_would_be_slow_is_shifted(int source, int destination, long length, int shift) =>
        Assert.Equal(VectorCopy.IsUsed ? shift : 0, VectorCopy.ShiftOf((nuint)((7 * Page) + source), (byte*)((9 * Page) + destination), length));

    [Theory]
    [InlineData(0, 0, 32_767, false)]
    [InlineData(0, 0, 32_768, true)]
    [InlineData(16, 16, 100_000, true)]
    [InlineData(0, 1, 100_000, false)]
    [InlineData(0, 63, 100_000, false)]
    [InlineData(0, 64, 100_000, true)]
    [InlineData(16, 0, 100_000, true)]
    [InlineData(4090, 3, 100_000, false)]
    public void The_library_copies_what_is_long_where_it_is_not_slow(int source, int destination, long length, bool isBest) =>
        Assert.Equal(isBest, VectorCopy.IsBestByLibrary((nuint)((7 * Page) + source), (nuint)((9 * Page) + destination), length));

    /// <summary>Out of another's memory, by the kernel: to places where its copy would be slow, and others.</summary>
    [Fact]
    public async Task A_message_that_is_pulled_to_any_place_is_whole()
    {
        Requires.NoYama();
        await using MessageQueue sender = _root.Open(options: new QueueOptions { AttachThreshold = 1 });
        await using MessageQueue receiver = _root.Open();
        Memory<byte> source = AtPage(1_200_000);
        Memory<byte> target = AtPage(1_300_000);
        new Random(3).NextBytes(source.Span);
        int count = 0;
        foreach (int length in new[] { 20_000, 262_144, 262_144 + 16, 600_001, 1_200_000 })
        {
            foreach (int place in new[] { 0, 1, 16, 24, 31, 32, Page + 8 })
            {
                Memory<byte> all = target[..(length + Page + 100)];
                all.Span.Fill(CopyProperty.Beside);
                Task send = sender.SendAsync(source[..length], cancellationToken: Ct).AsTask();
                using (ReceivedMessage message = receiver.Receive(s_soon, Ct))
                {
                    message.CopyTo(all.Span.Slice(place, length), Ct);
                    message.Complete();
                }

                await send.WaitAsync(s_soon, Ct);
                count++;
                Assert.True(all.Span.Slice(place, length).SequenceEqual(source.Span[..length]), $"{length} bytes at {place}");
                Assert.True(CopyProperty.IsUntouched(all.Span[..place]) && CopyProperty.IsUntouched(all.Span[(place + length)..]), $"beside {length} bytes at {place}");
            }
        }

        Assert.Equal(count, receiver.Statistics.Pulled);
    }

    private static unsafe Memory<byte> AtPage(int length)
    {
        byte[] array = GC.AllocateArray<byte>(length + Page, pinned: true);
        fixed (byte* p = array)
            return array.AsMemory((int)(-(nint)p & (Page - 1)), length);
    }
}
