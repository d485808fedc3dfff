using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Whether pieces are streamed, by how long they took: as if on machines whose caches are used by others, or are not.</summary>
public sealed class StreamingTrialTests
{
    private const long Piece = 512 * 1024;
    private readonly StreamingTrial _trial = new();
    private int _pieces;

    [Theory]
    [InlineData(60_000, 40_000, true)]
    [InlineData(50_000, 39_000, true)]
    [InlineData(50_000, 41_000, false)] // Faster, but not by so much that it makes good what the reader has to fetch.
    [InlineData(50_000, 50_000, false)]
    [InlineData(12_000, 50_000, false)] // The cache is quiet.
    public void The_faster_way_is_taken_nearly_always(int ordinary, int streamed, bool streams)
    {
        Copy(2 * StreamingTrial.Run, ordinary, streamed);
        Assert.Equal(streams, _trial.Streams);
        int asMostly = Copy(400 * StreamingTrial.Run, ordinary, streamed);
        Assert.InRange(streams ? asMostly : (400 * StreamingTrial.Run) - asMostly, 390 * StreamingTrial.Run, 399 * StreamingTrial.Run);
    }

    [Fact]
    public void What_others_do_with_the_cache_is_noticed_when_it_changes()
    {
        Copy(100 * StreamingTrial.Run, 60_000, 40_000);
        Assert.InRange(Copy(40 * StreamingTrial.Run, 60_000, 40_000), 38 * StreamingTrial.Run, 40 * StreamingTrial.Run);
        Copy(70 * StreamingTrial.Run, 12_000, 40_000);
        Assert.InRange(Copy(10 * StreamingTrial.Run, 12_000, 40_000), 0, 3 * StreamingTrial.Run);
        Copy(30 * StreamingTrial.Run, 60_000, 40_000);
        Assert.InRange(Copy(10 * StreamingTrial.Run, 60_000, 40_000), 7 * StreamingTrial.Run, 10 * StreamingTrial.Run);
    }

    [Fact]
    public void A_piece_in_three_that_is_interrupted_teaches_nothing()
    {
        for (int i = 0; i < 2 * StreamingTrial.Run; i++)
            _trial.Learn(_trial.Streams, Piece, (_trial.Streams ? 40_000 : 60_000) + (i % 3 == 0 ? 4_000_000 : 0));
        Assert.True(_trial.Streams);
    }

    /// <summary>Nor do ends of messages, however many, nor what another thread began before the last change.</summary>
    [Fact]
    public void Short_pieces_and_late_ones_do_not_count()
    {
        for (int i = 0; i < 10 * StreamingTrial.Run; i++)
        {
            _trial.Learn(false, StreamingTrial.LeastPiece - 1, 1);
            _trial.Learn(true, Piece, 1);
        }

        Assert.False(_trial.Streams);
        Copy(StreamingTrial.Run, 60_000, 40_000);
        Assert.True(_trial.Streams);
    }

    /// <summary>How many of them were streamed.</summary>
    private int Copy(int pieces, long ordinary, long streamed)
    {
        int count = 0;
        for (int i = 0; i < pieces; i++)
        {
            bool streams = _trial.Streams;
            count += streams ? 1 : 0;

            // Of different lengths, which take so much longer or shorter.
            long length = Piece / ((_pieces++ % 4) + 1);
            _trial.Learn(streams, length, (streams ? streamed : ordinary) * length / Piece);
        }

        return count;
    }
}
