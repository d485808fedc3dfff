using System.Buffers;
using System.Runtime.InteropServices;
using OneCopy.Interop;
using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>Lists, sequences and native memory: any number of buffers, and of bytes.</summary>
public sealed class VectoredListTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(1023)]
    [InlineData(1024)]
    [InlineData(1025)]
    [InlineData(5000)]
    public void Any_number_of_buffers(int count)
    {
        byte[] bytes = TestFile.Pattern(count * 3);
        using TestFile file = new();
        List<ReadOnlyMemory<byte>> source = [.. Enumerable.Range(0, count).Select(i => (ReadOnlyMemory<byte>)bytes.AsMemory(i * 3, 3))];
        VectoredIO.WriteAllAt(file.Handle, source, 7);
        Assert.Equal(bytes, file.Content[7..]);

        byte[] back = new byte[count * 3];
        List<Memory<byte>> target = [.. Enumerable.Range(0, count).Select(i => back.AsMemory(i * 3, 3))];
        VectoredIO.ReadExactlyAt(file.Handle, target, 7);
        Assert.Equal(bytes, back);

        // One call takes 1024 of them.
        int inOneCall = Math.Min(count, 1024) * 3;
        Assert.Equal(inOneCall, VectoredIO.ReadAt(file.Handle, target, 7));
        Assert.Equal(inOneCall, VectoredIO.WriteAt(file.Handle, source, 7));
        Assert.Equal(inOneCall, VectoredIO.WriteAt(file.Handle, Sequence(source), 7));
    }

    /// <summary>pwritev(2) of 1024 empty segments returns 0, for ever: an endless loop in RandomAccess.Write of .NET 10.0.</summary>
    [Theory]
    [InlineData(1023)]
    [InlineData(1024)]
    [InlineData(1025)]
    [InlineData(10_000)]
    public void Empty_buffers_before_the_data_cost_nothing(int empty)
    {
        using TestFile file = new();
        List<ReadOnlyMemory<byte>> source = [.. Enumerable.Repeat(ReadOnlyMemory<byte>.Empty, empty), "a"u8.ToArray(), .. Enumerable.Repeat(ReadOnlyMemory<byte>.Empty, empty), "b"u8.ToArray()];
        VectoredIO.WriteAllAt(file.Handle, source, 0);
        Assert.Equal("ab"u8, file.Content);
        Assert.Equal(2, VectoredIO.WriteAt(file.Handle, source, 2)); // In one call: an empty buffer takes no place in it.
        Assert.Equal(2, VectoredIO.WriteAt(file.Handle, Sequence(source), 4));
        LocalSegment[] native = new LocalSegment[empty + 1];
        byte[] pinned = GC.AllocateUninitializedArray<byte>(6, pinned: true);
        native[^1] = new LocalSegment((nuint)Marshal.UnsafeAddrOfPinnedArrayElement(pinned, 0), 6);
        Assert.Equal(6, VectoredIO.ReadAt(file.Handle, native, 0));
        Assert.Equal("ababab"u8, pinned);

        byte[] back = new byte[2];
        VectoredIO.ReadExactlyAt(file.Handle, [.. Enumerable.Repeat(Memory<byte>.Empty, empty), back.AsMemory(0, 1), Memory<byte>.Empty, back.AsMemory(1)], 0);
        Assert.Equal("ab"u8, back);
    }

    [Fact]
    public void Nothing_but_empty_buffers_is_no_call_and_no_loop()
    {
        using TestFile file = new();
        List<ReadOnlyMemory<byte>> source = [.. Enumerable.Repeat(ReadOnlyMemory<byte>.Empty, 3000)];
        Assert.Equal(0, VectoredIO.WriteAt(file.Handle, source, 0));
        VectoredIO.WriteAllAt(file.Handle, source, 0);
        VectoredIO.WriteAll(file.Handle, Sequence(source));
        VectoredIO.WriteAll(file.Handle, ReadOnlySequence<byte>.Empty);
        Assert.Equal(0, VectoredIO.Read(file.Handle, (IReadOnlyList<Memory<byte>>)[]));
        VectoredIO.ReadExactly(file.Handle, new LocalSegment[2000]);
        Assert.Empty(file.Content);
    }

    /// <summary>MAX_RW_COUNT: a call reads at most 0x7ffff000 bytes. The file is a hole with marks; its bytes go to the same pages again and again.</summary>
    [Fact]
    public void More_than_two_gigabytes_in_one_request()
    {
        const long Limit = 0x7ffff000;
        using TestFile file = new(folder: "/dev/shm");
        RandomAccess.SetLength(file.Handle, Limit + 4096);
        byte[] marks = TestFile.Pattern(8192, 1);
        VectoredIO.WriteAllAt(file.Handle, marks, Limit - 4096);

        const int Piece = 1 << 25;
        byte[] scratch = GC.AllocateUninitializedArray<byte>(Piece, pinned: true);
        byte[] tail = GC.AllocateUninitializedArray<byte>(8192, pinned: true);
        nuint address = (nuint)Marshal.UnsafeAddrOfPinnedArrayElement(scratch, 0);
        List<LocalSegment> segments = [];
        List<Memory<byte>> list = [];
        for (long left = Limit - 4096; left > 0; left -= Piece)
        {
            int length = (int)Math.Min(left, Piece);
            segments.Add(new LocalSegment(address, (nuint)length));
            list.Add(scratch.AsMemory(0, length));
        }
        segments.Add(new LocalSegment((nuint)Marshal.UnsafeAddrOfPinnedArrayElement(tail, 0), 8192));
        list.Add(tail);

        Assert.Equal(Limit, VectoredIO.ReadAt(file.Handle, CollectionsMarshal.AsSpan(segments), 0));
        Assert.Equal(marks[..4096], tail[..4096]);
        Assert.NotEqual(marks, tail);
        VectoredIO.ReadExactlyAt(file.Handle, list, 0);
        Assert.Equal(marks, tail);

        // And to something that takes everything and keeps nothing.
        using SafeHandle nothing = SafeFd.Open("/dev/null", OpenFlags.O_WRONLY);
        Assert.Equal(Limit, VectoredIO.Write(nothing, CollectionsMarshal.AsSpan(segments)));
        VectoredIO.WriteAll(nothing, [new LocalSegment(address, unchecked((nuint)5_000_000_000))]);
        ShortReadException e = Assert.Throws<ShortReadException>(() => VectoredIO.ReadExactlyAt(file.Handle, [.. segments[^2..], segments[^1]], Limit - 4096));
        Assert.Equal(8192, e.BytesTransferred);
    }

    [Fact]
    public void Buffers_that_overlap_are_filled_in_order()
    {
        using TestFile file = new("abcdef"u8.ToArray());
        byte[] bytes = new byte[4];
        Assert.Equal(6, VectoredIO.ReadAt(file.Handle, [bytes.AsMemory(0, 4), bytes.AsMemory(1, 2)], 0));
        Assert.Equal("aefd"u8, bytes);
    }

    [Fact]
    public void A_list_costs_no_memory_for_each_call()
    {
        using TestFile file = new(TestFile.Pattern(5000));
        byte[] bytes = new byte[5000];
        Memory<byte>[] list = [.. Enumerable.Range(0, 5000).Select(i => bytes.AsMemory(i, 1))];
        ReadOnlySequence<byte> sequence = Sequence([.. list.Select(m => (ReadOnlyMemory<byte>)m)]);
        Round();
        Assert.Equal(0, Allocations.Of(20, Round));

        void Round()
        {
            VectoredIO.ReadExactlyAt(file.Handle, list, 0);
            VectoredIO.WriteAllAt(file.Handle, sequence, 0);
        }
    }

    internal static ReadOnlySequence<byte> Sequence(IReadOnlyList<ReadOnlyMemory<byte>> buffers)
    {
        Piece first = new(buffers[0], 0);
        Piece last = first;
        foreach (ReadOnlyMemory<byte> buffer in buffers.Skip(1))
            last = last.Append(buffer);
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, long index)
        {
            Memory = memory;
            RunningIndex = index;
        }

        public Piece Append(ReadOnlyMemory<byte> memory)
        {
            Piece next = new(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
