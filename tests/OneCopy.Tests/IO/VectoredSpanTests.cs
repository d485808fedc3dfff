using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>readv(2), writev(2), preadv(2), pwritev(2) with spans: in order, each buffer filled before the next.</summary>
public sealed class VectoredSpanTests
{
    [Fact]
    public void Buffers_are_written_and_filled_in_order()
    {
        using TestFile file = new();
        Assert.Equal(6, VectoredIO.WriteAt(file.Handle, ["ab"u8, [], "c"u8, "def"u8], 0));
        Assert.Equal("abcdef"u8, file.Content);
        Span<byte> first = stackalloc byte[4];
        byte[] second = new byte[9];
        Assert.Equal(6, VectoredIO.ReadAt(file.Handle, [first, [], second], 0));
        Assert.Equal("abcd"u8, first);
        Assert.Equal("ef\0"u8, second.AsSpan(0, 3));
    }

    [Fact]
    public void An_offset_leaves_the_position_and_a_read_moves_it()
    {
        using TestFile file = new(TestFile.Pattern(100));
        byte[] a = new byte[10];
        byte[] b = new byte[10];
        VectoredIO.ReadExactlyAt(file.Handle, [a, b], 50);
        Assert.Equal(TestFile.Pattern(20, 50), (byte[])[.. a, .. b]);
        Assert.Equal(20, VectoredIO.Read(file.Handle, [a, b]));
        Assert.Equal(TestFile.Pattern(20), (byte[])[.. a, .. b]);
        VectoredIO.ReadExactly(file.Handle, [b, a]);
        Assert.Equal(TestFile.Pattern(20, 20), (byte[])[.. b, .. a]);
        VectoredIO.WriteAll(file.Handle, ["xy"u8, "z"u8]);
        VectoredIO.WriteAllAt(file.Handle, ["1"u8, "2"u8], 0);
        Assert.Equal(1, VectoredIO.Write(file.Handle, "!"u8));
        byte[] expected = TestFile.Pattern(100);
        "xyz!"u8.CopyTo(expected.AsSpan(40));
        "12"u8.CopyTo(expected);
        Assert.Equal(expected, file.Content);
    }

    [Fact]
    public void At_the_end_the_count_falls_short_and_behind_it_there_is_nothing()
    {
        using TestFile file = new(TestFile.Pattern(10));
        byte[] a = new byte[8];
        byte[] b = new byte[8];
        Assert.Equal(10, VectoredIO.ReadAt(file.Handle, [a, b], 0));
        Assert.Equal([8, 9, 0], b[..3]);
        Assert.Equal(0, VectoredIO.ReadAt(file.Handle, [a, b], 10));
        Assert.Equal(0, VectoredIO.ReadAt(file.Handle, [a, b], long.MaxValue - 100));
        ShortReadException e = Assert.Throws<ShortReadException>(() => VectoredIO.ReadExactlyAt(file.Handle, [a, b], 1));
        Assert.Equal(9, e.BytesTransferred);
        Assert.IsAssignableFrom<EndOfStreamException>(e);
        Assert.Contains(file.Path, e.Message, StringComparison.Ordinal);
        Assert.Equal([9, 9, 0], b[..3]); // What did not come is as it was.
    }

    [Fact]
    public void Nothing_but_empty_buffers_is_no_call()
    {
        using TestFile file = new(TestFile.Pattern(10));
        Assert.Equal(0, VectoredIO.ReadAt(file.Handle, [], 0));
        Assert.Equal(0, VectoredIO.Read(file.Handle, [[], []]));
        VectoredIO.ReadExactlyAt(file.Handle, [[], []], 1_000);
        VectoredIO.WriteAll(file.Handle, [[], [], []]);
        Assert.Equal(10, file.Content.Length);
    }

    [Fact]
    public void Sixteen_spans_are_the_most()
    {
        byte[] bytes = TestFile.Pattern(16);
        using TestFile file = new();
        WriteBuffers buffers = new();
        for (int i = 0; i < WriteBuffers.Capacity; i++)
            buffers.Add(bytes.AsSpan(i, 1));
        Assert.Equal((16, 16L), (buffers.Count, buffers.Length));
        VectoredIO.WriteAllAt(file.Handle, buffers, 0);
        Assert.Equal(bytes, file.Content);
        byte[] back = new byte[16];
        ReadBuffers read = new();
        for (int i = 0; i < ReadBuffers.Capacity; i++)
            read.Add(back.AsSpan(15 - i, 1));
        VectoredIO.ReadExactlyAt(file.Handle, read, 0);
        Assert.Equal(bytes.Reverse(), back);
        Assert.Throws<InvalidOperationException>(() =>
        {
            WriteBuffers full = new();
            for (int i = 0; i < 17; i++)
                full.Add("x"u8);
        });
    }

    [Fact]
    public void A_call_with_spans_allocates_nothing()
    {
        using TestFile file = new(TestFile.Pattern(64));
        byte[] a = new byte[16];
        byte[] b = new byte[48];
        long sum = 0;
        long rounds = 0;
        Round();
        Assert.Equal(0, Allocations.Of(10_000, Round));
        Assert.Equal(rounds * 64 * 4, sum);

        void Round()
        {
            rounds++;
            Span<byte> c = stackalloc byte[16];
            sum += VectoredIO.ReadAt(file.Handle, [a, b], 0);
            sum += VectoredIO.ReadAt(file.Handle, [a, c, b], 0, VectoredFlags.HighPriority);
            sum += VectoredIO.WriteAt(file.Handle, [a, b], 0);
            VectoredIO.ReadExactlyAt(file.Handle, [a, b], 0);
            VectoredIO.WriteAllAt(file.Handle, [c, b], 0);
            sum += VectoredIO.TryReadAt(file.Handle, [a, b], 0, out long count) ? count : 0;
        }
    }
}
