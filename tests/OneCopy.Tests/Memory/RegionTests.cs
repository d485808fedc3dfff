using OneCopy.Memory;
using Xunit;

namespace OneCopy.Tests.Memory;

public class RegionTests
{
    [Fact]
    public void TheMapOfAnotherProcessShowsItsPages()
    {
        using HeldMemory held = HeldMemory.Pages("wrn");
        using ProcessMemory memory = ProcessMemory.Open(held.Pid);
        IReadOnlyList<MemoryRegion> regions = memory.Regions();
        MemoryProtection[] protections = [MemoryProtection.Read | MemoryProtection.Write, MemoryProtection.Read, MemoryProtection.None];
        for (int page = 0; page < 3; page++)
        {
            MemoryRegion region = Assert.Single(regions, r => r.Contains(held.Address + ((nuint)page * HeldMemory.Page)));
            Assert.Equal(protections[page], region.Protection);
            Assert.False(region.IsShared);
            Assert.Null(region.Path);
        }
        Assert.DoesNotContain(regions, r => r.Contains(held.Address + (3 * HeldMemory.Page)));
        Assert.Contains(regions, r => r.Path is ['/', ..] && r.Protection.HasFlag(MemoryProtection.Execute) && r.Inode != 0);
        Assert.Equal(regions.OrderBy(r => r.Start), regions);
    }

    [Fact]
    public void EveryFieldOfALineIsUnderstood()
    {
        MemoryRegion region = MemoryRegion.Parse("7f0c2a1b3000-7f0c2a1b5000 r-xs 0000a000 fe:01 1234567                    /tmp/a b\\012c (deleted)");
        Assert.Equal(0x7f0c2a1b3000UL, region.Start);
        Assert.Equal((nuint)0x2000, region.Length);
        Assert.Equal(MemoryProtection.Read | MemoryProtection.Execute, region.Protection);
        Assert.True(region.IsShared);
        Assert.Equal((0xa000L, "fe:01", 1234567L), (region.Offset, region.Device, region.Inode));
        Assert.Equal(("/tmp/a b\nc", true), (region.Path, region.IsDeleted));
        Assert.Null(MemoryRegion.Parse("00400000-00401000 ---p 00000000 00:00 0 ").Path);
        Assert.Equal(0xffffffffff600000UL, MemoryRegion.Parse("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]").Start);
        Assert.Throws<FormatException>(() => MemoryRegion.Parse("something else"));
        Assert.Throws<FormatException>(() => MemoryRegion.Parse(""));
    }

    [Fact]
    public void PermissionIsAskedAcrossNeighbours()
    {
        RegionMap map = new(MemoryRegion.ParseAll("""
            1000-2000 rw-p 00000000 00:00 0
            2000-3000 r--p 00000000 00:00 0
            4000-5000 rw-p 00000000 00:00 0
            """));
        Assert.Equal(0x2000u, map.Permitted(0x1000, 0x9000, MemoryProtection.Read));
        Assert.Equal(0x1800u, map.Permitted(0x1800, 0x1800, MemoryProtection.Read));
        Assert.Equal(0x800u, map.Permitted(0x1800, 0x9000, MemoryProtection.Write));
        Assert.Equal(0u, map.Permitted(0x3000, 1, MemoryProtection.Read));
        Assert.Equal(0u, map.Permitted(0xfff, 1, MemoryProtection.Read));
        Assert.Equal(1u, map.Permitted(0x4fff, nuint.MaxValue, MemoryProtection.Write));
        Assert.Equal(0u, map.Permitted(nuint.MaxValue, 1, MemoryProtection.Read));
    }

    [Fact]
    public void StatusLinesAreUnderstood()
    {
        ProcessStatus status = ProcessStatus.Parse("Name:\ta b:c\nState:\tZ (zombie)\nPPid:\t7\nUid:\t1\t2\t3\t4\nCapPrm:\t000001ffffffffff\n")!;
        Assert.Equal(("a b:c", true, 7), (status.Name, status.IsZombie, status.ParentPid));
        Assert.Equal(new ProcessStatus.Ids(1, 2, 3), status.Users);
        Assert.Equal(0x1ffffffffffUL, status.PermittedCapabilities);
        Assert.Null(ProcessStatus.Parse(""));
    }
}
