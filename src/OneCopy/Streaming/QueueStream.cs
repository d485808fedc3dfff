using OneCopy.Streaming;

namespace OneCopy;

/// <summary>
/// A stream of bytes through a queue, from one writer to one reader, of any processes. The bytes are written into messages in place and read in place: one copy in, one out. The queue
/// must have no other messages, and one stream at a time. See docs/buffers.md.
/// </summary>
public static class QueueStream
{
    /// <summary>
    /// The writing end. Bytes are sent when a message is full, on Flush, and on Dispose, which also tells the reader that this was all. Write waits while as much is under way as may be, and
    /// fails with <see cref="IOException"/> once the reader has closed its end or died. Dispose waits for room in the ring of references only. Not thread-safe.
    /// </summary>
    /// <param name="queue">Stays open; it may be closed when the stream is disposed, whether or not the reader has read all.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of its range, or the handle has less than 4 blocks (<see cref="QueueOptions.Blocks"/>).</exception>
    /// <exception cref="OneCopyException">As for <see cref="MessageQueue.Send(ReadOnlySpan{byte}, SendOptions?, CancellationToken)"/>.</exception>
    public static Stream CreateWriter(MessageQueue queue, QueueStreamOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(queue);
        return new QueueWriteStream(new StreamSender(queue, options ?? new QueueStreamOptions()));
    }

    /// <summary>
    /// The reading end; it may be made before the writing one. Read returns what there is, waits while there is nothing, and returns 0 only when the writer has completed; if the writer died or
    /// closed its handle before that, or failed, what it had sent is read, and then <see cref="IOException"/> is thrown. A read of no bytes waits until there are some. A message that is not the
    /// stream's is put into the dead-letter queue and said by one <see cref="OneCopyException"/>, after which reading may go on. Not thread-safe.
    /// </summary>
    /// <param name="queue">Stays open; nobody else may receive from it.</param>
    public static Stream CreateReader(MessageQueue queue)
    {
        ArgumentNullException.ThrowIfNull(queue);
        return new QueueReadStream(new StreamReceiver(queue));
    }
}
