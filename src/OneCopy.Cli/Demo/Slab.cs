using System.Runtime.InteropServices;
using OneCopy.Interop;

namespace OneCopy.Cli.Demo;

/// <summary>Memory outside the garbage collector's, for the contents of a wave of files.</summary>
internal sealed unsafe class Slab : IDisposable
{
    // What a consumer's memory holds before a round; a file that did not arrive is not mistaken for the last round's.
    private const byte Untouched = 0xA5;

    private const nuint HugePage = 2 << 20;

    private byte* _start;

    public Slab(long length)
    {
        Length = length;
        _start = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(length, 1), HugePage);

        // What a program does that cares for speed; the queue and the pipe both profit. A refusal costs nothing but speed.
        Mman.madvise((nint)_start, (nuint)Math.Max(length, 1), Madv.HugePage);
        Touch();
    }

    public long Length { get; }

    public byte* Start => _start;

    /// <summary>Writes to every byte, so that no page is made while the clock runs.</summary>
    public void Touch() => NativeMemory.Fill(_start, (nuint)Length, Untouched);

    public Span<byte> Span(long offset, int length) => new(_start + offset, length);

    public Memory<byte> Memory(long offset, int length) => new NativePiece(_start + offset, length).Memory;

    public void Dispose()
    {
        NativeMemory.AlignedFree(_start);
        _start = null;
    }
}
