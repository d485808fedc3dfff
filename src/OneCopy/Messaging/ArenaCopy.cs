using System.Runtime.CompilerServices;

namespace OneCopy.Messaging;

/// <summary>
/// Copies of payloads into memory that another processor has just read. There are two ways, and which is the faster one goes by which processors the two processes run on: vectors, or the C library's instruction, which fills
/// whole lines that need not be fetched first from where they were read. Between far ones that takes a tenth of the time; between near ones half of it, which its reader pays for (Zen 5: docs/performance.md). So it is tried.
/// </summary>
internal static unsafe class ArenaCopy
{
    // The instruction takes long to begin.
    private const int TriedFrom = 8 * 1024;

    // Three times as fast.
    private const int Faster = 3;
    private const int Of = 1;

    private static readonly CopyTrial s_short = new(TriedFrom, Faster, Of);
    private static readonly CopyTrial s_middle = new(TriedFrom, Faster, Of);
    private static readonly CopyTrial s_long = new(TriedFrom, Faster, Of);

    /// <param name="source">Anywhere.</param>
    /// <param name="destination">In the arena, or in another place that the receiver reads.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        if (source.Length < TriedFrom || !VectorCopy.IsUsed)
            VectorCopy.Copy(source, destination);
        else
            Try(source, destination);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Try(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(source.Length, destination.Length);
        fixed (byte* from = source)
        fixed (byte* to = destination)
            Try(from, to, source.Length);
    }

    private static void Try(byte* source, byte* destination, long length)
    {
        if (VectorCopy.IsSlowByLibrary((nuint)source, (nuint)destination))
        {
            VectorCopy.CopyLong(source, destination, length);
            return;
        }

        CopyTrial trial = length < 32 * 1024 ? s_short : length < 128 * 1024 ? s_middle : s_long;
        bool byLibrary = trial.TakesOther;
        long begun = trial.Begin();
        if (byLibrary)
            Buffer.MemoryCopy(source, destination, length, length);
        else
            VectorCopy.CopyLong(source, destination, length);
        trial.End(byLibrary, length, begun);
    }
}
