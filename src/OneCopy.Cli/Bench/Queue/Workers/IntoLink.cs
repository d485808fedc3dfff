namespace OneCopy.Cli.Bench.Queue.Workers;

/// <summary>As <see cref="QueueLink"/>, but received into memory and completed in one call: one by one, or in batches as <see cref="BatchLink"/> sends them.</summary>
internal sealed class IntoLink : QueueLink
{
    private const int Batch = 64;

    private readonly bool _isBatch;
    private readonly ReadOnlyMemory<byte>[] _payloads;
    private readonly byte[] _many;
    private readonly int[] _lengths = new int[Batch];

    // In the largest batch; and whether one came alone.
    private int _mostAtOnce;
    private bool _cameAlone;

    public IntoLink(LinkPlan plan)
        : base(plan)
    {
        _isBatch = plan.Way is Ways.IntoBatch;
        _payloads = new ReadOnlyMemory<byte>[Batch];
        Array.Fill(_payloads, Payload);
        _many = new byte[_isBatch ? Bytes * Batch : 0];
    }

    public override void Send(int count)
    {
        if (!_isBatch)
        {
            base.Send(count);
            return;
        }

        for (int sent = 0; sent < count; sent += Batch)
            Outgoing.SendMany(_payloads.AsSpan(0, Math.Min(Batch, count - sent)));
    }

    public override void Receive(int count)
    {
        Span<byte> target = Target;
        for (int done = 0; done < count;)
        {
            int got = _isBatch ? Incoming.TryReceiveMany(_many, _lengths.AsSpan(0, Math.Min(Batch, count - done))) : 0;
            _mostAtOnce = Math.Max(_mostAtOnce, got);
            if (got == 0)
            {
                // One by one, or waits for one; the others are behind it.
                Incoming.Receive(target);
                _cameAlone = true;
                got = 1;
            }

            done += got;
        }
    }

    public override void Check()
    {
        if (_cameAlone)
            base.Check();
        if (_many.AsSpan(0, _mostAtOnce * Bytes).ContainsAnyExcept(Content))
            throw new IOException("What was received in batches is not what was sent.");
        Note(Incoming.Statistics.Completed.Inline.Messages > 0 ? OneCopy.Lane.Inline : OneCopy.Lane.Arena);
    }
}
