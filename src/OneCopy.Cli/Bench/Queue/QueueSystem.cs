namespace OneCopy.Cli.Bench.Queue;

/// <summary>What a system is compared as.</summary>
internal enum Family
{
    /// <summary>A way of OneCopy's.</summary>
    OneCopy,

    /// <summary>What others take instead: it copies from one process's memory into the other's, by whatever way.</summary>
    Peer,

    /// <summary>Of somebody else's, with nothing copied: messages are built and read in shared memory.</summary>
    PeerInPlace,

    /// <summary>What the machine can do at most: a bare copy, a bare wake-up.</summary>
    Limit,
}

/// <summary>Something that hands messages from one process to another.</summary>
internal abstract class QueueSystem(string name, Family family)
{
    /// <summary>In tables, legends and conclusions.</summary>
    public string Name { get; } = name;

    public Family Family { get; } = family;

    /// <summary>Whether it has a meaning for this system.</summary>
    public abstract bool Takes(QueueTest test, long bytes);

    /// <summary>How long its messages are where the others' are so long: as long, unless it is there to be compared with them.</summary>
    public virtual long BytesBeside(long bytes) => bytes;

    /// <summary>Hands over messages that do not count, and then those that do.</summary>
    /// <exception cref="Measuring.NotHereException">It cannot run here.</exception>
    public abstract Exchange Run(QueueTest test, long bytes, long count, long warmUp, CancellationToken ct);
}

/// <summary>One of the ways of <see cref="Workers.Ways"/>, between two processes of the tool.</summary>
/// <param name="name">As it is shown.</param>
/// <param name="family">What it is compared as.</param>
/// <param name="way">How.</param>
/// <param name="workers">The two processes.</param>
/// <param name="takes">What has a meaning for it.</param>
/// <param name="always">The length of its messages, whatever the others' is.</param>
internal sealed class WorkerSystem(string name, Family family, string way, WorkerPair workers, Func<QueueTest, long, bool> takes, long? always = null) : QueueSystem(name, family)
{
    public override bool Takes(QueueTest test, long bytes) => takes(test, bytes);

    public override long BytesBeside(long bytes) => always ?? bytes;

    public override Exchange Run(QueueTest test, long bytes, long count, long warmUp, CancellationToken ct) => workers.Run(Name, way, test, bytes, count, warmUp, ct);
}
