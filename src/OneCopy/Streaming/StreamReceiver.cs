using System.Text;
using OneCopy.Messaging;

namespace OneCopy.Streaming;

/// <summary>
/// The reader's end of a stream: takes its messages in order and holds the one that opened it, by which the writer sees that there is a reader. For one thread at a time.
/// </summary>
internal sealed partial class StreamReceiver(MessageQueue queue)
{
    private const string StrayAdvice = "A stream has its queue to itself: one writer, one reader, and no other messages.";

    private Peer? _writer;
    private Guid _stream;
    private ReceivedMessage _open;
    private long _position;
    private StreamChunk? _taken;
    private Exception? _once;
    private Exception? _failure;
    private bool _isClosed;

    /// <summary>All bytes were read, and the writer has completed.</summary>
    public bool IsAtEnd { get; private set; }

    /// <summary>
    /// Attempt: the next bytes, or what else there is to say (<see cref="Take"/>). False: nothing yet.
    /// </summary>
    public bool TryTake()
    {
        while (_taken is null && !IsAtEnd && _failure is null && _once is null)
        {
            // Before the look into the ring: what it has sent is in there before it is seen to have left.
            bool left = _writer is { } writer && queue.HasLeft(writer);
            if (queue.TryClaim(out ReceivedMessage message))
                Admit(message);
            else if (!left)
                return false;
            else
                Fail(new IOException($"The stream in queue {queue.Name} broke off after {_position:N0} bytes: its writer{OfProcess()} ended, or closed its handle, without completing it."));
        }

        return true;
    }

    /// <summary>What the attempt found. Null: the end of the stream. Throws if it broke off, or a stray message came.</summary>
    public StreamChunk? Take()
    {
        if (Interlocked.Exchange(ref _once, null) is { } once)
            throw once;
        if (_failure is { } failure)
            throw failure;
        StreamChunk? taken = _taken;
        _taken = null;
        return taken;
    }

    /// <summary>
    /// Nobody reads any more: the writer learns that, and what it has sent is thrown away. After a failure it learns that the reader failed.
    /// </summary>
    public void Close(Exception? failure)
    {
        if (_isClosed)
            return;
        _isClosed = true;
        _taken?.Complete();
        _taken = null;
        if (IsAtEnd || _writer is null)
            return;
        try
        {
            bool left = queue.Try(this, static (q, r) => q.HasLeft(r._writer!));
            if (failure is null || left)
                Complete(_open);
            else
                _open.GiveUp();
            Drain();
        }
        catch (ObjectDisposedException)
        {
            // The handle is closed, and has given all back.
        }
        catch (InvalidOperationException)
        {
            // The same, seen by the message.
        }
    }

    /// <summary>Completes a message that nobody but this reader has; a closed handle has given it back.</summary>
    public static void Complete(ReceivedMessage message)
    {
        try
        {
            message.Complete();
        }
        catch (ObjectDisposedException)
        {
            message.Dispose();
        }
    }

    private void Admit(ReceivedMessage message)
    {
        if (!message.TryGetSpan(out ReadOnlySpan<byte> payload) || !TryReadFrame(payload, out StreamFrame frame))
        {
            SetAside(message, "is no part of a stream");
        }
        else if (frame.Kind == FrameKind.Open && _writer is null)
        {
            _writer = message.Lease.Owner;
            _stream = frame.Stream;
            _open = message;
        }
        else if (frame.Kind == FrameKind.Open || frame.Stream != _stream)
        {
            SetAside(message, _writer is null ? "is of a stream whose beginning is not there" : "is of another stream");
        }
        else if (frame.Position != _position)
        {
            SetAside(message, $"begins at byte {frame.Position:N0} of the stream, where byte {_position:N0} was awaited", isGap: true);
        }
        else
        {
            Admit(message, frame.Kind, payload);
        }
    }

    private void Admit(ReceivedMessage message, FrameKind kind, ReadOnlySpan<byte> payload)
    {
        switch (kind)
        {
            case FrameKind.Data when payload.Length == StreamFrame.Length:
                Complete(message); // No writer of ours sends nothing.
                break;
            case FrameKind.Data:
                _taken = new StreamChunk(message, payload);
                _position += _taken.Length;
                break;
            case FrameKind.End:
                Complete(message);
                Complete(_open);
                IsAtEnd = true;
                break;
            default:
                string reason = Encoding.UTF8.GetString(payload[StreamFrame.Length..]);
                Complete(message);
                Fail(new IOException($"The writer of the stream in queue {queue.Name} failed after {_position:N0} bytes: {reason}"));
                break;
        }
    }

    // A copy first: what is checked must be what is used.
    private static bool TryReadFrame(ReadOnlySpan<byte> payload, out StreamFrame frame)
    {
        Span<byte> header = stackalloc byte[StreamFrame.Length];
        payload[..Math.Min(payload.Length, header.Length)].CopyTo(header);
        return StreamFrame.TryRead(header[..Math.Min(payload.Length, header.Length)], out frame);
    }

    /// <summary>A message that does not belong here: kept as a dead letter, and said once. After a gap there is nothing more to read.</summary>
    private void SetAside(ReceivedMessage message, string what, bool isGap = false)
    {
        string id = message.Id;
        int sender = message.SenderPid;
        message.SetAside($"{what}, for which the queue was being read");
        OneCopyException said = new(
            $"The message {id} from process {sender} in queue {queue.Name} {what}. It is in the dead-letter queue {queue.DeadLetterQueueName} (or, if that has no room, in the queue again). {StrayAdvice}");
        if (isGap)
            Fail(said);
        else
            _once = said;
    }

    private void Fail(Exception failure)
    {
        _failure = failure;
        Complete(_open);
    }

    /// <summary>What the writer has sent before it saw that nobody reads. What is not the stream's stays.</summary>
    private void Drain()
    {
        while (queue.TryReceive(out ReceivedMessage message))
        {
            if (!message.TryGetSpan(out ReadOnlySpan<byte> payload) || !TryReadFrame(payload, out StreamFrame frame) || frame.Stream != _stream || frame.Kind == FrameKind.Open)
            {
                message.GiveBack();
                return;
            }

            Complete(message);
            if (frame.Kind is FrameKind.End or FrameKind.Failed)
                return;
        }
    }

    private string OfProcess() => _writer!.File.IsThisProcess ? " in this process" : $", process {_writer.File.Pid},";
}
