using System.IO.Pipelines;
using OneCopy.Streaming;

namespace OneCopy;

/// <summary>
/// A pipe (System.IO.Pipelines) through a queue, from one writer to one reader, of any processes: parsers and serializers that are written for pipes work on the queue's own memory. The queue
/// must have no other messages, and one pipe or stream at a time; a pipe at one end may be a stream (<see cref="QueueStream"/>) at the other. See docs/buffers.md.
/// </summary>
public static class QueuePipe
{
    /// <summary>
    /// The writing end. GetMemory is memory of the message being built; it waits, with its thread, only where the arena has no room. FlushAsync sends and waits while as much is under way
    /// as may be; IsCompleted says that the reader has completed, and <see cref="IOException"/> that it failed, died or closed its handle. Complete sends what was not flushed and tells the reader that this was all, or,
    /// with an exception, that and why the writer failed. Not thread-safe but for CancelPendingFlush.
    /// </summary>
    /// <param name="queue">Stays open; it may be closed when the writer has completed, whether or not the reader has read all.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of its range, or the handle has less than 4 blocks (<see cref="QueueOptions.Blocks"/>).</exception>
    /// <exception cref="OneCopyException">As for <see cref="MessageQueue.Send(ReadOnlySpan{byte}, SendOptions?, CancellationToken)"/>.</exception>
    public static PipeWriter CreateWriter(MessageQueue queue, QueueStreamOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(queue);
        return new QueuePipeWriter(new StreamSender(queue, options ?? new QueueStreamOptions()));
    }

    /// <summary>
    /// The reading end; it may be made before the writing one. The bytes of a read are the queue's own memory, up to the next AdvanceTo or Complete, after which every use of them is
    /// <see cref="ObjectDisposedException"/>. What was examined and not consumed is copied out of the queue, once, when there is nothing more to read at once, so that the writer can go on. The writer's death before it
    /// has completed, or its failure, is <see cref="IOException"/> when all that it had sent was read. Not thread-safe but for CancelPendingRead.
    /// </summary>
    /// <param name="queue">Stays open; nobody else may receive from it.</param>
    public static PipeReader CreateReader(MessageQueue queue)
    {
        ArgumentNullException.ThrowIfNull(queue);
        return new QueuePipeReader(new StreamReceiver(queue));
    }
}
