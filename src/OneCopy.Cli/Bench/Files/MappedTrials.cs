using System.Runtime.CompilerServices;

namespace OneCopy.Cli.Bench.Files;

/// <summary>A map of the file, made and unmapped again within what is measured, with all page faults.</summary>
internal abstract class MappedReadTrial(string way, ReadPlan plan, MapAdvice advice) : ReadTrial(way, plan)
{
    protected sealed override ulong ReadAll()
    {
        using MappedFile file = MappedFile.Open(Plan.Path);
        using MappedView view = file.Map();
        if (advice != MapAdvice.Normal)
            view.Advise(advice);
        return ReadView(view, Plan);
    }

    protected abstract ulong ReadView(MappedView view, ReadPlan plan);
}

/// <summary>The bytes are looked at where they are.</summary>
internal sealed class MappedSpanTrial(ReadPlan plan, string way = "mapped span", MapAdvice advice = MapAdvice.Normal) : MappedReadTrial(way, plan, advice)
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ulong Sum(MappedView view, ReadPlan plan)
    {
        int length = plan.Length;
        ulong checksum = 0;
        foreach (long offset in plan.Offsets)
            checksum = Checksum.Add(checksum, view.GetReadOnlySpan(offset, length));
        return checksum;
    }

    protected override ulong ReadView(MappedView view, ReadPlan plan) => Sum(view, plan);
}

/// <summary>
/// The same with the map made, and each of its pages read once, before the clock runs: what reading alone costs a program that has had the file mapped for a
/// while. It does not compete.
/// </summary>
internal sealed class MappedBeforeTrial(ReadPlan plan) : ReadTrial("mapped before", plan)
{
    // What is read must go somewhere, or it would not be read.
    private static ulong s_touched;
    private MappedFile? _file;
    private MappedView? _view;

    public override bool Competes => false;

    public override void Prepare()
    {
        _file = MappedFile.Open(Plan.Path);
        _view = _file.Map();
        _view.Populate(0, _view.Length);

        // MAP_POPULATE and madvise(2) do not reach the tables of a hypervisor that keeps its own for user addresses: there the first read of each page is a fault.
        ulong sum = 0;
        for (long page = 0; page < _view.Length; page += _view.PageSize)
            sum += _view.Read<byte>(page);
        s_touched = sum;
    }

    public override void TidyUp()
    {
        _view?.Dispose();
        _file?.Dispose();
        base.TidyUp();
    }

    protected override ulong ReadAll() => MappedSpanTrial.Sum(_view!, Plan);
}

/// <summary>Copied out of the map by the processor, with a look whether the map was whole.</summary>
internal sealed class MappedCopyTrial(ReadPlan plan) : MappedReadTrial("mapped CopyTo", plan, MapAdvice.Normal)
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override ulong ReadView(MappedView view, ReadPlan plan)
    {
        byte[] buffer = new byte[plan.Length];
        ulong checksum = 0;
        foreach (long offset in plan.Offsets)
        {
            view.CopyTo(offset, buffer);
            checksum = Checksum.Add(checksum, buffer);
        }

        return checksum;
    }
}

/// <summary>Copied out of the map by the kernel, which a page that is gone cannot hurt.</summary>
internal sealed class SafeCopyTrial(ReadPlan plan) : MappedReadTrial("mapped ReadSafely", plan, MapAdvice.Normal)
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override ulong ReadView(MappedView view, ReadPlan plan)
    {
        byte[] buffer = new byte[plan.Length];
        ulong checksum = 0;
        foreach (long offset in plan.Offsets)
        {
            view.ReadSafely(offset, buffer);
            checksum = Checksum.Add(checksum, buffer);
        }

        return checksum;
    }
}
