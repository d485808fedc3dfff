using FsCheck;
using FsCheck.Fluent;
using OneCopy.Memory;
using Xunit;

namespace OneCopy.Tests.Memory;

/// <summary>The sizes of a pool's buffers: enough, not much more, and each in one class.</summary>
public sealed class SizeClassProperties
{
    private static readonly Gen<long> s_lengths =
        from log in Gen.Choose(0, 45)
        from low in Gen.Choose(-2, 1_000_000)
        select Math.Max(0, (1L << log) + (low < 0 ? low : (long)(low / 1_000_000.0 * (1L << log))));

    [Fact]
    public void A_class_holds_what_was_asked_for_and_at_most_a_quarter_or_a_page_more() =>
        Prop.ForAll(s_lengths.ToArbitrary(), length =>
        {
            SizeClass size = SizeClass.Of(length);
            long unit = size.Capacity >= SizeClass.HugePage ? SizeClass.HugePage : Environment.SystemPageSize;
            Assert.InRange(size.Index, 0, SizeClass.Count - 1);
            Assert.Equal(0, size.Capacity % unit);
            Assert.InRange(size.Capacity, length, length + (length / 4) + unit);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Two_lengths_of_one_class_get_the_same_capacity_and_a_capacity_is_its_own_class() =>
        Prop.ForAll(s_lengths.ToArbitrary(), s_lengths.ToArbitrary(), (a, b) =>
        {
            SizeClass one = SizeClass.Of(a);
            SizeClass other = SizeClass.Of(b);
            Assert.Equal(one.Index == other.Index, one.Capacity == other.Capacity);
            Assert.Equal(one, SizeClass.Of(one.Capacity));
        }).QuickCheckThrowOnFailure();

    /// <summary>Lengths that a quarter of a doubling, or a page, rounds up to a size where whole huge pages begin.</summary>
    [Theory]
    [InlineData(2, 0)]
    [InlineData(2, 1)]
    [InlineData(2, 100_000)]
    [InlineData(1, 1)]
    [InlineData(1, 100_000)]
    public void A_capacity_at_the_first_huge_page_is_its_own_class(long part, long less)
    {
        SizeClass one = SizeClass.Of((SizeClass.HugePage / part) - less);
        Assert.Equal(one, SizeClass.Of(one.Capacity));
        Assert.Equal(SizeClass.HugePage, one.Capacity);
    }

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(long.MaxValue)]
    public void The_largest_lengths_have_a_class(long length) => Assert.True(SizeClass.Of(length).Capacity >= length);
}
