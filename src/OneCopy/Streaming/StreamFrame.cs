using System.Buffers.Binary;

namespace OneCopy.Streaming;

/// <summary>What a message of a stream is.</summary>
internal enum FrameKind : byte
{
    /// <summary>The first one. Its reader holds it on a lease as long as it reads: that is how the writer sees that it does.</summary>
    Open = 1,
    Data = 2,

    /// <summary>The writer has completed: its position is the length of the stream.</summary>
    End = 3,

    /// <summary>The writer has failed, with the reason as UTF-8 behind the header.</summary>
    Failed = 4,
}

/// <summary>
/// The first 32 bytes of a stream's messages, little-endian: <c>{ magic:4, kind:1, zero:3, position:8, stream:16 }</c>. The position is that of the first byte that follows.
/// </summary>
internal readonly record struct StreamFrame(FrameKind Kind, long Position, Guid Stream)
{
    public const int Length = 32;
    private const uint Magic = 0x5453434F; // "OCST"

    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], (byte)Kind);
        BinaryPrimitives.WriteInt64LittleEndian(destination[8..], Position);
        Stream.TryWriteBytes(destination[16..]);
    }

    /// <summary>False: it is no message of any stream.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out StreamFrame frame)
    {
        frame = default;
        if (source.Length < Length || BinaryPrimitives.ReadUInt32LittleEndian(source) != Magic)
            return false;
        uint kind = BinaryPrimitives.ReadUInt32LittleEndian(source[4..]);
        long position = BinaryPrimitives.ReadInt64LittleEndian(source[8..]);
        if (kind is < (uint)FrameKind.Open or > (uint)FrameKind.Failed || position < 0)
            return false;
        frame = new StreamFrame((FrameKind)kind, position, new Guid(source.Slice(16, 16)));
        return true;
    }
}
