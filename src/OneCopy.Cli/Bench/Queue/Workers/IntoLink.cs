namespace OneCopy.Cli.Bench.Queue.Workers;

/// <summary>As <see cref="QueueLink"/>, but received into memory and completed in one call.</summary>
internal sealed class IntoLink(LinkPlan plan) : QueueLink(plan)
{
    public override void Receive(int count)
    {
        Span<byte> target = Target;
        for (int i = 0; i < count; i++)
            Incoming.Receive(target);
    }

    public override void Check()
    {
        base.Check();
        NoteLane();
    }
}
