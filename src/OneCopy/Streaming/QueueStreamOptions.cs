namespace OneCopy;

/// <summary>How a stream's or pipe's bytes are cut into messages, and how many of them may be under way. The reader takes its writer's; it has none of its own.</summary>
public sealed record QueueStreamOptions
{
    /// <summary>
    /// The largest message, in bytes, from 1,024 to 1 GiB. Smaller ones are sent when less is flushed. Default 128 KiB. What does not fit in the arena is cut smaller, but a single
    /// <c>GetMemory</c> of a pipe that asks for more gets it in one message.
    /// </summary>
    public int ChunkSize { get; init; } = 128 * 1024;

    /// <summary>
    /// How many bytes of memory the messages may take that the reader has not completed yet; then the writer waits. At least <see cref="ChunkSize"/>. Default 1 MiB. One message may always
    /// be under way. What a pipe's writer has not flushed comes on top.
    /// </summary>
    public long MaxBytesInFlight { get; init; } = 1 << 20;

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ChunkSize, 1024);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ChunkSize, 1 << 30);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxBytesInFlight, ChunkSize);
    }
}
