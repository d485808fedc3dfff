namespace OneCopy;

/// <summary>A vectored call failed, perhaps behind bytes that it, or those before it, had moved.</summary>
public sealed class VectoredIOException : OneCopyException
{
    internal VectoredIOException(string call, int errno, string subject, string? advice, long bytes, long? offset)
        : base(call, errno, subject, advice)
    {
        BytesTransferred = bytes;
        Offset = offset;
    }

    /// <summary>Bytes of the request that were moved, from the first buffer on; they stay moved.</summary>
    public long BytesTransferred { get; }

    /// <summary>The offset in the file where the failed call began; null at the file's position, and on what has none (pipe, socket, terminal).</summary>
    public long? Offset { get; }
}

/// <summary>The end of the file, or of the stream, came before all buffers were full.</summary>
public sealed class ShortReadException : EndOfStreamException
{
    internal ShortReadException(string subject, long bytes)
        : base($"{subject} ended after {bytes} bytes, before the buffers were full.") => BytesTransferred = bytes;

    /// <summary>Bytes that came, from the first buffer on; the rest of the buffers is as it was.</summary>
    public long BytesTransferred { get; }
}
