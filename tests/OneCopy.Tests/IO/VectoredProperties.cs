using FsCheck;
using FsCheck.Fluent;
using OneCopy.Interop;
using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>The same requests to <see cref="VectoredIO"/> and to <see cref="RandomAccess"/>: the same counts, buffers and files.</summary>
public sealed class VectoredProperties : IDisposable
{
    private static readonly Config s_config = Config.QuickThrowOnFailure.WithMaxTest(400).WithQuietOnSuccess(true);
    private readonly TestFile _ours = new();
    private readonly TestFile _theirs = new();

    /// <summary>Lengths of buffers, empty ones too; some with more buffers than a call takes. Pages are met by the long ones.</summary>
    private static Arbitrary<int[]> Lengths { get; } = Gen.Frequency(
        (8, Gen.Choose(0, 40).ArrayOf()),
        (3, Gen.Choose(0, 9_000).ArrayOf()),
        (1, Gen.Choose(0, 3).ArrayOf(2_500))).ToArbitrary();

    private static Arbitrary<int> Places { get; } = Gen.Choose(0, 20_000).ToArbitrary();

    public void Dispose()
    {
        _ours.Dispose();
        _theirs.Dispose();
    }

    [Fact]
    public void Reads_are_those_of_RandomAccess() => Check.One(s_config, Prop.ForAll(Lengths, Places, Places, (lengths, size, offset) =>
    {
        RandomAccess.SetLength(_ours.Handle, 0);
        RandomAccess.Write(_ours.Handle, TestFile.Pattern(size, lengths.Length), 0);
        Memory<byte>[] theirs = Buffers(lengths);
        Memory<byte>[] ours = Buffers(lengths);
        long read = RandomAccess.Read(_ours.Handle, theirs, offset);

        // A call of theirs takes 1024 buffers, empty ones among them; of ours as many that have a byte.
        long expected = lengths.Length <= Uio.IOV_MAX ? read : Math.Min(Math.Max(0, size - offset), Bytes(lengths.Where(l => l > 0).Take(Uio.IOV_MAX)));
        Assert.Equal(expected, VectoredIO.ReadAt(_ours.Handle, ours, offset));
        Assert.Equal(Flat(theirs)[..(int)read], Flat(ours)[..(int)read]);

        Memory<byte>[] exact = Buffers(lengths);
        long there = Math.Min(Math.Max(0, size - offset), Bytes(lengths));
        if (there == Bytes(lengths))
            VectoredIO.ReadExactlyAt(_ours.Handle, exact, offset);
        else
            Assert.Equal(there, Assert.Throws<ShortReadException>(() => VectoredIO.ReadExactlyAt(_ours.Handle, exact, offset)).BytesTransferred);
        Span<byte> flat = Flat(exact);
        if (there > 0)
            Assert.Equal(TestFile.Pattern(size, lengths.Length).AsSpan(offset, (int)there), flat[..(int)there]);
        Assert.Equal(-1, flat[(int)there..].IndexOfAnyExcept((byte)0xEE));
    }));

    [Fact]
    public void Writes_are_those_of_RandomAccess() => Check.One(s_config, Prop.ForAll(Lengths, Places, Places, (lengths, size, offset) =>
    {
        byte[] bytes = TestFile.Pattern((int)Bytes(lengths), size);
        ReadOnlyMemory<byte>[] buffers = new ReadOnlyMemory<byte>[lengths.Length];
        for (int i = 0, at = 0; i < lengths.Length; at += lengths[i++])
            buffers[i] = bytes.AsMemory(at, lengths[i]);
        byte[] before = TestFile.Pattern(size, 3);
        foreach (TestFile file in (TestFile[])[_ours, _theirs])
        {
            RandomAccess.SetLength(file.Handle, 0);
            RandomAccess.Write(file.Handle, before, 0);
        }

        // Theirs never ends when a call of it has empty buffers alone, so it gets none of them where there are that many.
        RandomAccess.Write(_theirs.Handle, lengths.Length < Uio.IOV_MAX ? buffers : [.. buffers.Where(b => !b.IsEmpty)], offset);
        VectoredIO.WriteAllAt(_ours.Handle, buffers, offset);
        byte[] expected = _theirs.Content;
        Assert.Equal(expected, _ours.Content);
        if (buffers.Length == 0)
            return;

        RandomAccess.SetLength(_ours.Handle, 0);
        RandomAccess.Write(_ours.Handle, before, 0);
        VectoredIO.WriteAllAt(_ours.Handle, VectoredListTests.Sequence(buffers), offset);
        Assert.Equal(expected, _ours.Content);
    }));

    private static Memory<byte>[] Buffers(int[] lengths) => [.. lengths.Select(length =>
    {
        byte[] bytes = new byte[length];
        Array.Fill(bytes, (byte)0xEE);
        return bytes.AsMemory();
    })];

    private static long Bytes(IEnumerable<int> lengths) => lengths.Sum(l => (long)l);

    private static byte[] Flat(Memory<byte>[] buffers)
    {
        byte[] all = new byte[buffers.Sum(b => b.Length)];
        int at = 0;
        foreach (Memory<byte> buffer in buffers)
        {
            buffer.CopyTo(all.AsMemory(at));
            at += buffer.Length;
        }
        return all;
    }
}
