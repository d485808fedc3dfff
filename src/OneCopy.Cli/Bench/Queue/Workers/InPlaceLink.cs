namespace OneCopy.Cli.Bench.Queue.Workers;

/// <summary>
/// Built in the queue's memory and read there. Of each message the first and the last bytes are written by the sender and read by the receiver; the rest stays as it is, so
/// that what is measured is the hand-over and not the building.
/// </summary>
internal sealed class InPlaceLink(LinkPlan plan) : QueueLink(plan)
{
    private byte _number;
    private byte _seen;

    public override void Send(int count)
    {
        for (int i = 0; i < count; i++)
        {
            using SendBuffer buffer = Outgoing.Rent(Bytes);
            Span<byte> bytes = buffer.Span;
            if (bytes.Length > 0)
            {
                bytes[0] = ++_number;
                bytes[^1] = _number;
            }

            Outgoing.Send(buffer);
        }
    }

    public override void Receive(int count)
    {
        for (int i = 0; i < count; i++)
        {
            using ReceivedMessage message = Incoming.Receive();
            if (!message.TryGetSpan(out ReadOnlySpan<byte> payload))
                throw new IOException("A message that was built in the queue's memory is not there.");
            _seen++;
            if (payload.Length > 0 && (payload[0] != _seen || payload[^1] != _seen))
                throw new IOException($"Message {_seen} has the bytes of another one.");
            Note(message.Lane);
            message.Complete();
        }
    }

    public override void Check()
    {
        // Each message was looked at, and none was copied.
    }
}
