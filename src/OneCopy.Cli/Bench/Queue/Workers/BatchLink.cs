namespace OneCopy.Cli.Bench.Queue.Workers;

/// <summary>Through a queue in batches: <c>SendMany</c>, and <c>TryReceiveMany</c> with <c>CompleteMany</c> behind it.</summary>
internal class BatchLink : QueueLink
{
    protected const int Batch = 64;

    private readonly ReadOnlyMemory<byte>[] _payloads;
    private readonly ReceivedMessage[] _messages = new ReceivedMessage[Batch];

    public BatchLink(LinkPlan plan)
        : base(plan)
    {
        _payloads = new ReadOnlyMemory<byte>[Batch];
        Array.Fill(_payloads, Payload);
    }

    public override void Send(int count)
    {
        for (int sent = 0; sent < count; sent += Batch)
            Outgoing.SendMany(_payloads.AsSpan(0, Math.Min(Batch, count - sent)));
    }

    public override void Receive(int count)
    {
        Span<byte> target = Target;
        for (int done = 0; done < count;)
        {
            int got = Incoming.TryReceiveMany(_messages.AsSpan(0, Math.Min(Batch, count - done)));
            if (got == 0)
            {
                // Waits for one; the others are behind it.
                base.Receive(1);
                done++;
                continue;
            }

            for (int i = 0; i < got; i++)
                _messages[i].CopyTo(target);
            Note(_messages[got - 1].Lane);
            Incoming.CompleteMany(_messages.AsSpan(0, got));
            done += got;
        }
    }
}
