using OneCopy.Cli.Bench.Measuring;

namespace OneCopy.Cli.Bench.Files;

/// <summary>
/// What is read: pieces of one length at these offsets, in this order. The same for every way; each piece is looked at with all its bytes,
/// and the checksum of a round must be the same for all.
/// </summary>
internal sealed class ReadPlan(WorkFiles file, long[] offsets, int length, bool cold)
{
    private ulong? _checksum;

    public string Path { get; } = file.Paths[0];

    public long FileLength { get; } = file.Size;

    public long[] Offsets { get; } = offsets;

    public int Length { get; } = length;

    public bool IsCold { get; } = cold;

    public void Prepare()
    {
        if (IsCold && file.Evict() is { } reason)
            throw new NotHereException(reason);
    }

    public void Check(string way, ulong checksum)
    {
        _checksum ??= checksum;
        if (_checksum != checksum)
            throw new IOException($"{way} read other bytes than the ways before it, or in another order: checksum {checksum:x16}, not {_checksum:x16}.");
    }
}

/// <summary>One way to read.</summary>
/// <param name="way">Its name.</param>
/// <param name="plan">What to read.</param>
internal abstract class ReadTrial(string way, ReadPlan plan) : Trial(way)
{
    // Null: it has not read everything, and what hindered it is told already.
    private ulong? _checksum;

    protected ReadPlan Plan { get; } = plan;

    public override void Prepare() => Plan.Prepare();

    public sealed override void Run()
    {
        _checksum = null;
        _checksum = ReadAll();
    }

    public override void TidyUp()
    {
        if (_checksum is ulong checksum)
            Plan.Check(Way, checksum);
    }

    /// <summary>Reads everything, and returns the checksum.</summary>
    protected abstract ulong ReadAll();
}
