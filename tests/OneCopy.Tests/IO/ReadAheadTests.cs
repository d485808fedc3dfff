using OneCopy.Interop;
using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>The thread that reads ahead of a copy: whatever its writer takes, misses or leaves, a piece that it hands over is that piece.</summary>
public sealed unsafe class ReadAheadTests : IDisposable
{
    private const int Length = (40 * ReadAhead.PieceLength) + 12_345;
    private readonly CopyFolder _folder = new("/dev/shm");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Pieces_are_what_they_are_called()
    {
        byte[] content = _folder.Write("source", Length);
        using Microsoft.Win32.SafeHandles.SafeFileHandle file = File.OpenHandle(_folder["source"]);
        using ReadAhead ahead = new();
        Random random = new(1);
        int taken = 0;
        for (int job = 0; job < 50; job++)
        {
            int offset = random.Next(0, 3 * ReadAhead.PieceLength);
            int length = random.Next(1, Length - offset + 1);
            int last = random.Next(2) == 0 ? int.MaxValue : random.Next(0, 30); // Some jobs are ended before their end.
            ahead.Begin(file.Fd(), offset, length);
            for (int piece = 0; (long)piece * ReadAhead.PieceLength < length && piece < last; piece++)
            {
                // Some it passes over without a look, as if it had read them itself.
                if (random.Next(4) != 0 && ahead.TryTake(piece, out byte* bytes, out int count))
                {
                    int at = piece * ReadAhead.PieceLength;
                    Assert.Equal(Math.Min(ReadAhead.PieceLength, length - at), count);
                    Assert.True(new ReadOnlySpan<byte>(bytes, count).SequenceEqual(content.AsSpan(offset + at, count)), $"Piece {piece} of job {job} is another.");
                    taken++;
                }

                ahead.Release(piece);
            }

            ahead.End();
        }

        Assert.True(taken > 0, "Not a piece was ever ahead.");
    }

    [Fact]
    public void A_file_that_ends_before_gives_a_short_piece_and_then_empty_ones()
    {
        _folder.Write("source", ReadAhead.PieceLength + 100);
        using Microsoft.Win32.SafeHandles.SafeFileHandle file = File.OpenHandle(_folder["source"]);
        using ReadAhead ahead = new();
        ahead.Begin(file.Fd(), 0, 4 * ReadAhead.PieceLength);
        foreach (int expected in new[] { ReadAhead.PieceLength, 100, 0 })
            Eventually.True(() => ahead.TryTake(expected == 0 ? 2 : expected == 100 ? 1 : 0, out _, out int count) && count == expected, $"a piece of {expected} bytes");
        ahead.End();
    }

    [Fact]
    public void What_cannot_be_read_is_left_to_the_writer()
    {
        using Microsoft.Win32.SafeHandles.SafeFileHandle file = File.OpenHandle(_folder["target"], FileMode.Create, FileAccess.Write);
        using ReadAhead ahead = new();
        ahead.Begin(file.Fd(), 0, ReadAhead.PieceLength);
        for (int i = 0; i < 100; i++)
            Assert.False(ahead.TryTake(0, out _, out _)); // EBADF.
        ahead.End();
    }
}
