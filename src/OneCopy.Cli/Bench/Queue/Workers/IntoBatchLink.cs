namespace OneCopy.Cli.Bench.Queue.Workers;

/// <summary>As <see cref="BatchLink"/>, but received into memory and completed in one call: <c>TryReceiveMany</c>.</summary>
internal sealed class IntoBatchLink : BatchLink
{
    private readonly byte[] _many;
    private readonly int[] _lengths = new int[Batch];

    // In the largest batch; and whether one came alone.
    private int _mostAtOnce;
    private bool _cameAlone;

    public IntoBatchLink(LinkPlan plan)
        : base(plan) => _many = new byte[Bytes * Batch];

    public override void Receive(int count)
    {
        Span<byte> target = Target;
        for (int done = 0; done < count;)
        {
            int got = Incoming.TryReceiveMany(_many, _lengths.AsSpan(0, Math.Min(Batch, count - done)));
            _mostAtOnce = Math.Max(_mostAtOnce, got);
            if (got == 0)
            {
                // Waits for one; the others are behind it.
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
        Check(_many.AsSpan(0, _mostAtOnce * Bytes));
        NoteLane();
    }
}
