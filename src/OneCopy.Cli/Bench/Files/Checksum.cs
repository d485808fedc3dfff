using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace OneCopy.Cli.Bench.Files;

/// <summary>Looks at every byte that was read, as cheaply as that can be done, and knows the order of the pieces.</summary>
internal static class Checksum
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Add(ulong checksum, ReadOnlySpan<byte> piece)
    {
        ReadOnlySpan<Vector256<ulong>> vectors = MemoryMarshal.Cast<byte, Vector256<ulong>>(piece);
        Vector256<ulong> even = Vector256<ulong>.Zero;
        Vector256<ulong> odd = Vector256<ulong>.Zero;
        int i = 0;
        for (; i + 1 < vectors.Length; i += 2)
        {
            even += vectors[i];
            odd += vectors[i + 1];
        }

        if (i < vectors.Length)
            even += vectors[i];
        ulong rest = 0;
        foreach (byte b in piece[(vectors.Length * Vector256<byte>.Count)..])
            rest = (rest << 8) + b;
        return BitOperations.RotateLeft(checksum, 5) ^ (Vector256.Sum(even + odd) + rest);
    }
}
