using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Text;

namespace OneCopy.Messaging;

/// <summary>
/// Copies of payloads by the processor's vectors, where the C library's memcpy, to which .NET gives all but short ones, is not to be relied on: its <c>rep movsb</c> takes twenty times as long on AMD's processors if the
/// destination lies 1 to 31 bytes further into its page than the source into its own (measured on Zen 3: docs/performance.md). An array of .NET begins 16 bytes behind a boundary, and what comes out of the queue at one.
/// </summary>
internal static unsafe class VectorCopy
{
    /// <summary>As long ones .NET copies itself.</summary>
    public const int Short = 2048;

    /// <summary>Bytes of one system call that are moved down afterwards: they are to be in the processor's own cache then.</summary>
    public const int LongestShifted = 256 * 1024;

    private const int ShiftedFrom = 16 * 1024;
    private const int LibraryFrom = 32 * 1024;
    private const int Line = 64;
    private const int Page = 4096;
    private const int Step = 128;
    private const int Width = 32;
    private const int LeastVeryShort = 16;
    private const int MostVeryShort = 4 * LeastVeryShort;

    /// <summary>Elsewhere the C library knows better.</summary>
    public static bool IsUsed { get; } = X86Base.IsSupported && Vector256.IsHardwareAccelerated && IsAmd();

    /// <param name="source">Anywhere.</param>
    /// <param name="destination">Not overlapping it.</param>
    /// <param name="length">Not negative.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(byte* source, byte* destination, long length)
    {
        if (IsVeryShort(length))
            CopyVeryShort(ref *source, ref *destination, (nuint)length);
        else
            CopyOther(source, destination, length);
    }

    /// <inheritdoc cref="Copy(byte*, byte*, long)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        if (IsVeryShort(source.Length) && destination.Length >= source.Length)
            CopyVeryShort(ref MemoryMarshal.GetReference(source), ref MemoryMarshal.GetReference(destination), (nuint)source.Length);
        else
            CopyOther(source, destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsVeryShort(long length) => (ulong)(length - LeastVeryShort) <= MostVeryShort - LeastVeryShort;

    // In place of a call, for what most messages are. All is loaded before anything is stored, from both ends, so that it may overlap.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyVeryShort(ref byte source, ref byte destination, nuint length)
    {
        nuint last = length - LeastVeryShort;
        Vector128<byte> first = Vector128.LoadUnsafe(ref source);
        Vector128<byte> fourth = Vector128.LoadUnsafe(ref source, last);
        if (length > 2 * LeastVeryShort)
        {
            Vector128<byte> second = Vector128.LoadUnsafe(ref source, LeastVeryShort);
            Vector128<byte> third = Vector128.LoadUnsafe(ref source, last - LeastVeryShort);
            second.StoreUnsafe(ref destination, LeastVeryShort);
            third.StoreUnsafe(ref destination, last - LeastVeryShort);
        }

        first.StoreUnsafe(ref destination);
        fourth.StoreUnsafe(ref destination, last);
    }

    private static void CopyOther(byte* source, byte* destination, long length)
    {
        if (length <= Short || !IsUsed)
            Buffer.MemoryCopy(source, destination, length, length);
        else
            CopyLong(source, destination, length);
    }

    private static void CopyOther(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        if (source.Length <= Short || !IsUsed)
            source.CopyTo(destination);
        else
            CopyLong(source, destination);
    }

    private static void CopyLong(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(source.Length, destination.Length);
        fixed (byte* from = source)
        fixed (byte* to = destination)
            CopyLong(from, to, source.Length);
    }

    /// <summary>
    /// The same of what is copied once, out of memory that its sender may have had in its cache for long into memory that is the receiver's alone. Where the library's instruction is not slow it fills whole lines there,
    /// which need not be fetched first. What goes through the arena has been written just now, on both of its ways, and is copied slower by it. (Zen 5: docs/performance.md.)
    /// </summary>
    /// <inheritdoc cref="Copy(byte*, byte*, long)"/>
    public static void CopyOnce(byte* source, byte* destination, long length)
    {
        if (IsBestByLibrary((nuint)source, (nuint)destination, length))
            Buffer.MemoryCopy(source, destination, length, length);
        else
            Copy(source, destination, length);
    }

    /// <summary>Of what is copied once: long ones, to places where its instruction is not slow.</summary>
    internal static bool IsBestByLibrary(nuint source, nuint destination, long length) =>
        length >= LibraryFrom && !IsSlowByLibrary(source, destination);

    /// <summary>By where they lie in their pages, with some bytes to spare.</summary>
    internal static bool IsSlowByLibrary(nuint source, nuint destination) => (destination - source) % Page is > 0 and < Line;

    /// <summary>The same, of a step at least, wherever vectors are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void CopyLong(byte* source, byte* destination, long length)
    {
        // The ends by themselves, overlapping what is between them, which begins where a vector is aligned.
        byte* end = source + length;
        byte* endOfDestination = destination + length;
        Vector256.Load(source).Store(destination);
        long head = Width - ((nint)destination & (Width - 1));
        CopySteps(source + head, destination + head, length - head);
        for (int back = Step; back > 0; back -= Width)
            Vector256.Load(end - back).Store(endOfDestination - back);
    }

    /// <summary>
    /// The kernel's copies between processes have the same instruction, and five times the time for such places. So they are made some bytes further into the destination, and moved down from there while they are in the
    /// cache: so many bytes further, or 0.
    /// </summary>
    /// <param name="source">Of another process.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="length">Of what is to come there, and of the room that there is.</param>
    public static int ShiftOf(nuint source, byte* destination, long length) =>
        IsUsed && length >= ShiftedFrom && ((nuint)destination - source) % Page is > 0 and < Width and var further ? Width - (int)further : 0;

    /// <summary>To a place less than its length before it.</summary>
    public static void MoveDown(byte* source, byte* destination, long length)
    {
        long done = CopySteps(source, destination, length);
        Buffer.MemoryCopy(source + done, destination + done, length - done, length - done);
    }

    /// <summary>As many whole steps as there are, from the front: bytes. Each is loaded before it is stored, so that one that lies before its source is stored only where loads have been.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long CopySteps(byte* source, byte* destination, long length)
    {
        long done = 0;
        for (; done <= length - Step; done += Step)
        {
            Vector256<byte> a = Vector256.Load(source + done);
            Vector256<byte> b = Vector256.Load(source + done + Width);
            Vector256<byte> c = Vector256.Load(source + done + (2 * Width));
            Vector256<byte> d = Vector256.Load(source + done + (3 * Width));
            a.Store(destination + done);
            b.Store(destination + done + Width);
            c.Store(destination + done + (2 * Width));
            d.Store(destination + done + (3 * Width));
        }

        return done;
    }

    private static bool IsAmd()
    {
        (_, int b, int c, int d) = X86Base.CpuId(0, 0);
        return Encoding.ASCII.GetString([.. BitConverter.GetBytes(b), .. BitConverter.GetBytes(d), .. BitConverter.GetBytes(c)]) is "AuthenticAMD";
    }
}
