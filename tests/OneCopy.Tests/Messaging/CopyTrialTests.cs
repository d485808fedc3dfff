using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Which way pieces go, by how long they took: streamed or not: as if on machines whose caches are used by others, or are not.</summary>
public sealed class CopyTrialTests
{
    private const long Piece = 512 * 1024;
    private const long LeastPiece = 128 * 1024;
    private readonly CopyTrial _trial = new(LeastPiece, faster: 5, of: 4);
    private int _pieces;

    [Theory]
    [InlineData(60_000, 40_000, true)]
    [InlineData(50_000, 39_000, true)]
    [InlineData(50_000, 41_000, false)] // Faster, but not by so much that it makes good what the reader has to fetch.
    [InlineData(50_000, 50_000, false)]
    [InlineData(12_000, 50_000, false)] // The cache is quiet.
    public void The_faster_way_is_taken_nearly_always(int ordinary, int streamed, bool streams)
    {
        Copy(2 * CopyTrial.Run, ordinary, streamed);
        Assert.Equal(streams, _trial.TakesOther);
        int asMostly = Copy(400 * CopyTrial.Run, ordinary, streamed);
        Assert.InRange(streams ? asMostly : (400 * CopyTrial.Run) - asMostly, 390 * CopyTrial.Run, 399 * CopyTrial.Run);
    }

    [Fact]
    public void What_others_do_with_the_cache_is_noticed_when_it_changes()
    {
        Copy(100 * CopyTrial.Run, 60_000, 40_000);
        Assert.InRange(Copy(40 * CopyTrial.Run, 60_000, 40_000), 38 * CopyTrial.Run, 40 * CopyTrial.Run);
        Copy(70 * CopyTrial.Run, 12_000, 40_000);
        Assert.InRange(Copy(10 * CopyTrial.Run, 12_000, 40_000), 0, 3 * CopyTrial.Run);
        Copy(30 * CopyTrial.Run, 60_000, 40_000);
        Assert.InRange(Copy(10 * CopyTrial.Run, 60_000, 40_000), 7 * CopyTrial.Run, 10 * CopyTrial.Run);
    }

    [Fact]
    public void A_piece_in_three_that_is_interrupted_teaches_nothing()
    {
        for (int i = 0; i < 2 * CopyTrial.Run; i++)
            _trial.Learn(_trial.TakesOther, Piece, (_trial.TakesOther ? 40_000 : 60_000) + (i % 3 == 0 ? 4_000_000 : 0));
        Assert.True(_trial.TakesOther);
    }

    /// <summary>Nor do ends of messages, however many, nor what another thread began before the last change.</summary>
    [Fact]
    public void Short_pieces_and_late_ones_do_not_count()
    {
        for (int i = 0; i < 10 * CopyTrial.Run; i++)
        {
            _trial.Learn(false, LeastPiece - 1, 1);
            _trial.Learn(true, Piece, 1);
        }

        Assert.False(_trial.TakesOther);
        Copy(CopyTrial.Run, 60_000, 40_000);
        Assert.True(_trial.TakesOther);
    }

    /// <summary>How many of them were streamed.</summary>
    private int Copy(int pieces, long ordinary, long streamed)
    {
        int count = 0;
        for (int i = 0; i < pieces; i++)
        {
            bool streams = _trial.TakesOther;
            count += streams ? 1 : 0;

            // Of different lengths, which take so much longer or shorter.
            long length = Piece / ((_pieces++ % 4) + 1);
            if (_trial.IsTimed)
                _trial.Learn(streams, length, (streams ? streamed : ordinary) * length / Piece);
            else
                _trial.Count();
        }

        return count;
    }
}
