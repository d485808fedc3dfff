using System.Globalization;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using OneCopy.Memory;

namespace OneCopy.Messaging;

/// <summary>
/// Pieces of copies that the last cache has no room for: written past it (non-temporal stores), as memcpy(3) of the C library does with what it is given in one piece. An ordinary store reads the line first that it
/// is about to fill, a third of the memory's traffic, and puts out of the cache what others are at. Shorter copies are ordinary ones: their reader finds them in the cache.
/// </summary>
internal static unsafe class StreamingCopy
{
    // Where the kernel does not say: more than most processors have.
    private const long UnknownCache = 64 << 20;

    // Each round fills two lines, whole: what is filled by halves may go to memory in halves.
    private const int Round = 128;
    private const int Line = 64;

    /// <summary>
    /// Copies from so many bytes on are streamed: three quarters of the last cache, as the C library does it (x86's non_temporal_threshold, "Tunables" of the glibc manual), where source and destination are one and a half times as much; twice that where
    /// processors have several, of which the two processes fill one each (measured: docs/performance.md). <see cref="long.MaxValue"/> where the processor has no such stores.
    /// </summary>
    public static long From { get; } = Sse2.IsSupported && Vector256.IsHardwareAccelerated ? (LastCache() ?? UnknownCache) / 4 * 3 * (IsOneCache() ? 1 : 2) : long.MaxValue;

    /// <summary>Copies from so many bytes on may be streamed: it is tried which way is the faster one. Source and destination are three quarters of what is told of the cache, and others may use it.</summary>
    public static long TriedFrom { get; } = From == long.MaxValue ? long.MaxValue : From / 2;

    // What is written past the cache costs its reader something that no copy is charged with: so it is to be faster by a quarter.
    private static readonly CopyTrial s_trial = new(128 * 1024, faster: 5, of: 4);

    /// <param name="source">The piece.</param>
    /// <param name="destination">Where to; not overlapping.</param>
    /// <param name="length">Of this piece.</param>
    /// <param name="whole">Of all that is being copied, of which this is a piece.</param>
    /// <param name="isOnly">It is the only copy, out of the sender's buffer; false: out of the arena.</param>
    public static void Copy(byte* source, byte* destination, long length, long whole, bool isOnly)
    {
        if (whole >= From)
            Stream(source, destination, length);
        else if (whole >= TriedFrom)
            Try(source, destination, length, isOnly);
        else
            CopyOrdinarily(source, destination, length, isOnly);
    }

    private static void CopyOrdinarily(byte* source, byte* destination, long length, bool isOnly)
    {
        if (isOnly)
            VectorCopy.CopyOnce(source, destination, length);
        else
            VectorCopy.Copy(source, destination, length);
    }

    private static void Try(byte* source, byte* destination, long length, bool isOnly)
    {
        bool streams = s_trial.TakesOther;
        long begun = s_trial.Begin();
        if (streams)
            Stream(source, destination, length);
        else
            CopyOrdinarily(source, destination, length, isOnly);
        s_trial.End(streams, length, begun);
    }

    /// <summary>The same whatever the length, where the processor has such stores.</summary>
    internal static void Stream(byte* source, byte* destination, long length)
    {
        long head = Math.Min(length, -(nint)destination & (Line - 1));
        Buffer.MemoryCopy(source, destination, head, head);
        byte* from = source + head;
        byte* to = destination + head;
        byte* end = to + ((length - head) & -Round);
        for (; to < end; from += Round, to += Round)
        {
            Vector256<byte> a = Vector256.Load(from);
            Vector256<byte> b = Vector256.Load(from + 32);
            Vector256<byte> c = Vector256.Load(from + 64);
            Vector256<byte> d = Vector256.Load(from + 96);
            a.StoreAlignedNonTemporal(to);
            b.StoreAlignedNonTemporal(to + 32);
            c.StoreAlignedNonTemporal(to + 64);
            d.StoreAlignedNonTemporal(to + 96);
        }

        // Such stores are not ordered with any others, not even on x86: what says that the piece is there must come after them.
        if (Sse.IsSupported)
            Sse.StoreFence();
        long rest = destination + length - end;
        Buffer.MemoryCopy(from, to, rest, rest);
    }

    // "32768K": sysfs, cpu0's index3 (cacheinfo in the kernel's ABI documentation, sysfs-devices-system-cpu). The second one is no help where a third is merely not told of.
    private static long? LastCache()
    {
        string? text = ProcFile.ReadText(ThirdCache + "size")?.Trim();
        return text is not null && text.EndsWith('K') && long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out long kilobytes) && kilobytes is > 0 and < 1 << 30
            ? kilobytes << 10
            : null;
    }

    // All processors have the same one.
    private static bool IsOneCache() =>
        ProcFile.ReadText(ThirdCache + "shared_cpu_list") is { } sharers && string.Equals(sharers, ProcFile.ReadText("/sys/devices/system/cpu/online"), StringComparison.Ordinal);

    private const string ThirdCache = "/sys/devices/system/cpu/cpu0/cache/index3/";
}
