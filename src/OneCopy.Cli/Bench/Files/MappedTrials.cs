using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.Cli.Bench.Files;

internal sealed unsafe class MappedTrial(ReadPlan plan) : ReadTrial("mapped", plan)
{
    protected override ulong ReadAll()
    {
        using SafeFileHandle file = File.OpenHandle(Plan.Path);
        using MemoryMapping map = MemoryMapping.OfFile(file, 0, Plan.FileLength, Prot.Read, Plan.Path);
        return Sum(map, Plan);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ulong Sum(MemoryMapping map, ReadPlan plan)
    {
        byte* p = map.Address;
        int l = plan.Length;
        ulong checksum = 0;
        foreach (long offset in plan.Offsets)
            checksum = Checksum.Add(checksum, new ReadOnlySpan<byte>(p + offset, l));
        return checksum;
    }
}

internal sealed unsafe class PopulatedTrial(ReadPlan plan) : ReadTrial("mapped, populated", plan)
{
    private MemoryMapping? _map;

    public override bool Competes => false;

    public override void Prepare()
    {
        using SafeFileHandle file = File.OpenHandle(Plan.Path);
        _map = MemoryMapping.OfFile(file, 0, Plan.FileLength, Prot.Read, Plan.Path);
        Mman.madvise((nint)_map.Address, (nuint)Plan.FileLength, (Madv)22).OrThrow("madvise");
    }

    protected override ulong ReadAll() => MappedTrial.Sum(_map!, Plan);

    public override void TidyUp()
    {
        _map?.Dispose();
        base.TidyUp();
    }
}
