using System.Text;
using OneCopy.Messaging;

namespace OneCopy.Streaming;

/// <summary>Whether there is a reader at the other end.</summary>
internal enum ReaderState
{
    NotYet,
    Reading,

    /// <summary>It has completed: nobody wants more bytes.</summary>
    Completed,

    /// <summary>It failed, or its process ended, or its handle was closed.</summary>
    Gone,
}

/// <summary>
/// The writer's end of a stream: cuts the bytes into messages that are built in place, counts those that are not completed, and looks after the reader by the state of the
/// message that opened the stream. For one thread at a time.
/// </summary>
internal sealed partial class StreamSender
{
    private const int LongestReason = 256;
    private const int SmallestChunk = 4096;

    // For the message that opens it, the one that ends it, one under way and one being built.
    private const int LeastBlocks = 4;

    // A stream is not to lose its middle.
    private static readonly SendOptions s_options = new() { TimeToLive = Timeout.InfiniteTimeSpan };

    private readonly MessageQueue _queue;
    private readonly QueueStreamOptions _options;
    private readonly Guid _stream = Guid.NewGuid();
    private readonly int _largestChunk;
    private readonly SentChunk _open;
    private readonly SendBuffer _end;
    private SendBuffer? _chunk;
    private byte[] _scratch = [];
    private long _sent;
    private int _nextChunk;

    public StreamSender(MessageQueue queue, QueueStreamOptions options)
    {
        options.Validate();
        if (queue.OwnBlocks < LeastBlocks)
            throw new ArgumentException($"A stream needs {LeastBlocks} blocks of its handle (QueueOptions.Blocks), and this one has {queue.OwnBlocks}.", nameof(queue));
        _queue = queue;
        _options = options;
        _largestChunk = (int)Math.Max(Math.Max(queue.InlineCapacity, 2 * StreamFrame.Length), Math.Min(options.ChunkSize, queue.ArenaLimit / 4));
        _nextChunk = Math.Min(SmallestChunk, _largestChunk);

        // Taken now, so that completing needs no room.
        _end = queue.Rent(StreamFrame.Length + LongestReason);
        try
        {
            using SendBuffer open = queue.Rent(StreamFrame.Length);
            new StreamFrame(FrameKind.Open, 0, _stream).Write(open.Span);
            _open = SentChunk.Of(open);
            queue.Send(open, s_options);
        }
        catch
        {
            _end.Dispose();
            throw;
        }
    }

    public bool IsCompleted { get; private set; }

    /// <summary>Bytes written and not sent yet.</summary>
    public int Unsent => _chunk is { } chunk ? chunk.WrittenCount - StreamFrame.Length : 0;

    /// <summary>What is left of the message being built.</summary>
    public int Room => _chunk is { } chunk ? chunk.Length - chunk.WrittenCount : 0;

    /// <summary>Memory to write on, of the message being built, which <see cref="TryBegin"/> has made. Where nobody reads any more: memory that is thrown away.</summary>
    public Memory<byte> GetMemory(int length)
    {
        if (_chunk is { } chunk)
            return chunk.GetMemory(length);
        if (_scratch.Length < length)
            _scratch = new byte[Math.Max(length, SmallestChunk)];
        return _scratch;
    }

    public void Advance(int count)
    {
        if (_chunk is { } chunk)
            chunk.Advance(count);
        else
            ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)_scratch.Length, nameof(count));
    }

    /// <summary>Attempt: a message being built with so much room, or nobody who reads. The one before must have been sent.</summary>
    public bool TryBegin(int length, bool withinLimit)
    {
        if (ReaderIsOver())
        {
            Discard();
            return true;
        }

        if (Room >= length)
            return true;
        Discard(); // Empty, and too small.
        int whole = (int)Math.Min(int.MaxValue, StreamFrame.Length + (long)Math.Max(length, _nextChunk - StreamFrame.Length));
        if (withinLimit && !MayRent(whole))
            return false;
        if (_queue.TryRent(whole) is not { } begun)
            return false;
        _chunk = begun;
        new StreamFrame(FrameKind.Data, _sent, _stream).Write(begun.GetSpan(StreamFrame.Length));
        begun.Advance(StreamFrame.Length);
        return true;
    }

    /// <summary>Attempt: sends the message being built, if anything was written. False: the ring has no room.</summary>
    public bool TrySend()
    {
        if (Unsent == 0)
            return true;
        if (ReaderIsOver())
        {
            Discard();
            return true;
        }

        SendBuffer chunk = _chunk!.Value;
        int bytes = Unsent;
        SentChunk sent = SentChunk.Of(chunk);
        if (!_queue.TrySend(chunk, s_options))
            return false;
        _chunk = null;
        _sent += bytes;
        _nextChunk = NextLength(bytes);
        AddInFlight(sent);
        return true;
    }

    /// <summary>Attempt: sends the end, with the reason if the writer failed. What was not sent before is not in the stream.</summary>
    public bool TryEnd(Exception? failure)
    {
        if (IsCompleted)
            return true;
        if (!ReaderIsOver())
        {
            FrameKind kind = failure is null ? FrameKind.End : FrameKind.Failed;
            int length = StreamFrame.Length;
            new StreamFrame(kind, _sent, _stream).Write(_end.Span);
            if (failure is not null)
            {
                Encoding.UTF8.GetEncoder().Convert(failure.Message, _end.Span[length..], flush: true, out _, out int reason, out _);
                length += reason;
            }

            if (_end.WrittenCount == 0)
                _end.Advance(length);
            if (!_queue.TrySend(_end, s_options))
                return false;
        }
        else if (!TakeBackRest() && _readerIndex != 0 && !_queue.HasLeft(_readerIndex))
        {
            return false; // Its death rings, when what it had is given back.
        }

        IsCompleted = true;
        Discard();
        _end.Dispose();
        return true;
    }

    /// <summary>The handle is closed: nothing can be sent any more.</summary>
    public void GiveUp()
    {
        IsCompleted = true;
        Discard();
        _end.Dispose();
    }

    // Short ones for a writer that flushes little, and longer ones as they are filled.
    private int NextLength(int bytes) => bytes >= _nextChunk / 2
        ? (int)Math.Min(2L * _nextChunk, _largestChunk)
        : Math.Max(_nextChunk / 2, Math.Min(SmallestChunk, _largestChunk));

    private void Discard()
    {
        _chunk?.Dispose();
        _chunk = null;
    }
}
