using FsCheck;
using FsCheck.Fluent;
using OneCopy.Interop;
using OneCopy.Memory;
using Xunit;

namespace OneCopy.Tests.Memory;

/// <summary>The cursor against a naive model: the list of all addresses, one for each byte.</summary>
public class SegmentCursorTests
{
    private static readonly Config s_config = Config.QuickThrowOnFailure.WithMaxTest(2_000).WithQuietOnSuccess(true);

    /// <summary>Lengths of segments, empty ones too; they lie at addresses that do not touch.</summary>
    private static Arbitrary<int[]> Lengths { get; } = Gen.Choose(0, 9).ArrayOf().ToArbitrary();

    private static Arbitrary<int[]> Steps { get; } = Gen.Choose(1, 12).NonEmptyListOf().Select(l => l.ToArray()).ToArbitrary();

    [Fact]
    public void WindowsAndStepsOfAnySizeVisitEveryByteOnceAndInOrder() => Check.One(s_config, Prop.ForAll(Lengths, Steps, (lengths, steps) =>
    {
        iovec[] segments = Segments(lengths);
        List<nuint> model = Bytes(segments);
        SegmentCursor cursor = new(segments);
        int at = 0;
        for (int i = 0; !cursor.AtEnd; i++)
        {
            // Ask for a window of some places and bytes, and let the "call" fall short of it.
            iovec[] window = new iovec[steps[i % steps.Length]];
            nuint limit = (nuint)steps[(i * 7 + 3) % steps.Length];
            int count = cursor.Fill(window, limit, out nuint bytes);
            List<nuint> offered = Bytes(window.AsSpan(0, count));
            Assert.Equal((int)bytes, offered.Count);
            Assert.True(bytes > 0 && bytes <= limit, $"A window of {bytes} bytes where up to {limit} were asked for.");
            Assert.Equal(model.Skip(at).Take(offered.Count), offered);
            Assert.DoesNotContain(window.Take(count), s => s.iov_len == 0);
            Assert.True(bytes == limit || count == window.Length || at + offered.Count == model.Count, "The window has room, and bytes are left.");
            Assert.Equal(model[at], cursor.Address);

            int moved = 1 + (steps[(i * 5 + 1) % steps.Length] % offered.Count);
            moved = Math.Min(moved, offered.Count);
            cursor.Advance((nuint)moved);
            at += moved;
        }
        Assert.Equal(model.Count, at);
        Assert.Equal((nuint)0, cursor.Contiguous);
    }));

    [Fact]
    public void TheSumIsThatOfTheLengths() => Check.One(s_config, Prop.ForAll(Lengths, lengths =>
        Assert.Equal(lengths.Sum(), SegmentCursor.Total(Segments(lengths)))));

    [Fact]
    public void OneLongStepIsManyShortOnes() => Check.One(s_config, Prop.ForAll(Lengths, Gen.Choose(0, 100).ToArbitrary(), (lengths, wanted) =>
    {
        iovec[] segments = Segments(lengths);
        int step = Math.Min(wanted, lengths.Sum());
        SegmentCursor one = new(segments);
        one.Advance((nuint)step);
        SegmentCursor many = new(segments);
        for (int i = 0; i < step; i++)
            many.Advance(1);
        Assert.Equal(one.AtEnd, many.AtEnd);
        Assert.Equal(one.SegmentsLeft, many.SegmentsLeft);
        Assert.Equal(one.Contiguous, many.Contiguous);
        if (!one.AtEnd)
            Assert.Equal(one.Address, many.Address);
    }));

    /// <summary>
    /// Both sides of a transfer, cut at random short counts, as the loop over the calls does it: the pairs are those of the two
    /// flat lists.
    /// </summary>
    [Fact]
    public void TwoSidesStayInStep() => Check.One(s_config, Prop.ForAll(Lengths, Lengths, Steps, (remotes, locals, steps) =>
    {
        iovec[] remote = Segments(remotes);
        iovec[] local = Segments(locals);
        List<(nuint, nuint)> expected = [.. Bytes(remote).Zip(Bytes(local))];
        List<(nuint, nuint)> actual = [];
        SegmentCursor r = new(remote);
        SegmentCursor l = new(local);
        for (int i = 0; !r.AtEnd && !l.AtEnd; i++)
        {
            iovec[] window = new iovec[2];
            int count = l.Fill(window, 11, out nuint bytes);
            List<nuint> to = Bytes(window.AsSpan(0, count));
            count = r.Fill(window, bytes, out _);
            List<nuint> from = Bytes(window.AsSpan(0, count));
            int moved = Math.Min(Math.Min(from.Count, to.Count), steps[i % steps.Length]);
            actual.AddRange(from.Zip(to).Take(moved));
            r.Advance((nuint)moved);
            l.Advance((nuint)moved);
        }
        Assert.Equal(expected, actual);
    }));

    [Fact]
    public void HugeLengthsDoNotOverflow()
    {
        iovec[] segments = [new(0x1000, nuint.MaxValue - 0x2000), new(0x2000, nuint.MaxValue / 2)];
        Assert.Equal(long.MaxValue, SegmentCursor.Total(segments));
        SegmentCursor cursor = new(segments);
        iovec[] window = new iovec[2];
        Assert.Equal(1, cursor.Fill(window, (nuint)Uio.MaxBytesPerCall, out nuint bytes));
        Assert.Equal((nuint)Uio.MaxBytesPerCall, bytes);
        cursor.Advance(nuint.MaxValue - 0x2000);
        Assert.Equal((nuint)0x2000, cursor.Address);
    }

    [Fact]
    public void ThereIsNothingBehindTheEnd()
    {
        iovec[] segments = [new(0x1000, 3)];
        Assert.Throws<ArgumentOutOfRangeException>(() =>
        {
            SegmentCursor cursor = new(segments);
            cursor.Advance(4);
        });
        Assert.True(new SegmentCursor([]).AtEnd);
        Assert.Equal(0, new SegmentCursor([]).Fill(new iovec[1], 1, out _));
    }

    private static iovec[] Segments(int[] lengths) => [.. lengths.Select((length, i) => new iovec((nuint)(1_000 * (i + 1)), (nuint)length))];

    private static List<nuint> Bytes(ReadOnlySpan<iovec> segments)
    {
        List<nuint> bytes = [];
        foreach (iovec segment in segments)
        {
            for (nuint i = 0; i < segment.iov_len; i++)
                bytes.Add(segment.iov_base + i);
        }
        return bytes;
    }
}
