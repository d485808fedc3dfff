using FsCheck;
using FsCheck.Fluent;

namespace OneCopy.Tests.Messaging;

/// <summary>What holds for every way to copy: all bytes, wherever source and destination lie, and not one beside them.</summary>
internal static unsafe class CopyProperty
{
    public const byte Beside = 0xEE;
    private const int Longest = 70_000;
    private const int FurthestPlace = 130;

    public delegate void Copy(byte* source, byte* destination, long length);

    /// <summary>Of copies so long at least.</summary>
    public static void Check(Copy copy, int shortest)
    {
        Gen<int> length = Gen.OneOf(Gen.Choose(shortest, shortest + 400), Gen.Choose(shortest + 401, Longest));
        Gen<(int From, int To, int Length)> places = from s in Gen.Choose(0, FurthestPlace) from d in Gen.Choose(0, FurthestPlace) from n in length select (s, d, n);
        byte[] source = Noise(Longest + FurthestPlace);
        Prop.ForAll(places.ToArbitrary(), c =>
        {
            byte[] target = new byte[source.Length];
            target.AsSpan().Fill(Beside);
            fixed (byte* from = source)
            fixed (byte* to = target)
                copy(from + c.From, to + c.To, c.Length);
            return target.AsSpan(c.To, c.Length).SequenceEqual(source.AsSpan(c.From, c.Length)) && IsUntouched(target.AsSpan(0, c.To)) && IsUntouched(target.AsSpan(c.To + c.Length));
        }).QuickCheckThrowOnFailure();
    }

    public static byte[] Noise(int length)
    {
        byte[] noise = new byte[length];
        new Random(3).NextBytes(noise);
        return noise;
    }

    public static bool IsUntouched(ReadOnlySpan<byte> bytes) => bytes.IndexOfAnyExcept(Beside) < 0;
}
