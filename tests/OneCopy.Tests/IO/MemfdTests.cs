using OneCopy.Interop;
using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>Memory with a descriptor, what can be sealed, and huge pages.</summary>
public sealed class MemfdTests
{
    [Fact]
    public async Task A_sealed_file_cannot_be_truncated_by_anybody()
    {
        using MappedFile file = MappedFile.CreateMemfd("sealed", 10_000);
        Assert.Equal(FileSeals.None, file.Seals);
        file.SetLength(12_000);
        file.Seal(FileSeals.Shrink | FileSeals.Grow);
        Assert.Equal(FileSeals.Shrink | FileSeals.Grow, file.Seals);
        Assert.Equal(Errno.EPERM, Assert.Throws<OneCopyException>(() => file.SetLength(100)).Errno);
        Assert.Equal(Errno.EPERM, Assert.Throws<OneCopyException>(() => file.SetLength(20_000)).Errno);
        using ChildProcess other = ChildProcess.StartProgram("truncate", "-s", "0", file.DescriptorPath);
        Assert.Equal(1, other.WaitForExit());
        await Task.Yield();
        Assert.Equal(12_000, file.Length);
    }

    [Fact]
    public void Writing_is_sealed_when_nobody_can_write()
    {
        using MappedFile file = MappedFile.CreateMemfd("sealed", 100);
        using (MappedView view = file.Map())
        {
            view.Write(0, 5);
            OneCopyException e = Assert.Throws<OneCopyException>(() => file.Seal(FileSeals.Write));
            Assert.Equal(Errno.EBUSY, e.Errno);
            Assert.Contains("FutureWrite", e.Message, StringComparison.Ordinal);
            file.Seal(FileSeals.FutureWrite);
            view.Write(0, 6); // That one may.
            Assert.Equal(Errno.EPERM, Assert.Throws<OneCopyException>(() => file.Map()).Errno);
        }

        file.Seal(FileSeals.Write | FileSeals.Seal);
        using MappedView reading = file.Map(0, 100, new MapOptions { Access = MapAccess.Read });
        Assert.Equal(6, reading.Read<int>(0));
        Assert.Equal(Errno.EPERM, Assert.Throws<OneCopyException>(() => file.Seal(FileSeals.Shrink)).Errno);
        Assert.Throws<ArgumentException>(() => file.Seal((FileSeals)1024));
    }

    [Fact]
    public void What_has_no_seals_says_so()
    {
        using TestFolder folder = new();
        using MappedFile file = MappedFile.Create(folder.File(), 100);
        Assert.Equal(Errno.EINVAL, Assert.Throws<OneCopyException>(() => file.Seals).Errno);
        using MappedFile memfd = MappedFile.CreateMemfd("unsealable", 100, new MemfdOptions { AllowSealing = false });
        Assert.Equal(Errno.EPERM, Assert.Throws<OneCopyException>(() => memfd.Seal(FileSeals.Shrink)).Errno);
    }

    [Fact]
    public void Huge_pages_are_had_or_their_absence_is_explained()
    {
        const long Size = 2 << 20;
        if (FreeHugePages() >= 3)
        {
            using MappedFile file = MappedFile.CreateMemfd("huge", 5, new MemfdOptions { HugePages = HugePages.Reserved2MiB });
            using MappedView view = file.Map();
            Assert.Equal((Size, Size, Size, false), (file.Length, view.Length, view.PageSize, view.IsGuarded));
            view.Write(Size - 8, 5L);
            Assert.Equal(5L, view.Read<long>(Size - 8));
            view.Protect(0, 1, MapAccess.Read);
            view.Flush(5, 5);
            Assert.Equal(1, view.CountResidentPages(0, Size));
            bool[] pages = new bool[1];
            view.GetResidency(5, 5, pages);
            Assert.Equal([true], pages);
            using MappedView part = file.Map(4096, 100);
            Assert.Equal(5L, view.Read<long>(Size - 8));
            using MappedView anonymous = MappedView.CreateAnonymous(5, new MapOptions { HugePages = HugePages.Reserved2MiB });
            anonymous.Write(0, 5);
            Assert.Equal(Size, anonymous.PageSize);
        }

        // More than any pool.
        OneCopyException e = Assert.Throws<OneCopyException>(() => MappedView.CreateAnonymous(1L << 42, new MapOptions { HugePages = HugePages.Reserved2MiB }));
        Assert.Equal(("mmap", Errno.ENOMEM), (e.Call, e.Errno));
        Assert.Contains("vm.nr_hugepages", e.Message, StringComparison.Ordinal);
        using MappedFile big = MappedFile.CreateMemfd("huge", 1L << 42, new MemfdOptions { HugePages = HugePages.Reserved2MiB });
        Assert.Contains("huge pages", Assert.Throws<OneCopyException>(() => big.Map()).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => MappedView.CreateAnonymous(1, new MapOptions { HugePages = HugePages.Reserved, NoReserve = true }));
        Assert.Throws<ArgumentException>(() => big.Map(0, 1, new MapOptions { HugePages = HugePages.Reserved }));
    }

    [Fact]
    public void Transparent_huge_pages_are_asked_for()
    {
        using MappedView view = MappedView.CreateAnonymous(8 << 20, new MapOptions { HugePages = HugePages.Transparent });
        Assert.Contains(" hg ", $" {SmapsOf(view.Address)["VmFlags"]} ", StringComparison.Ordinal);
        view.Advise(MapAdvice.NoHugePage);
        Assert.Contains(" nh ", $" {SmapsOf(view.Address)["VmFlags"]} ", StringComparison.Ordinal);
    }

    internal static Dictionary<string, string> SmapsOf(nuint address)
    {
        Dictionary<string, string> found = new(StringComparer.Ordinal);
        bool inside = false;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            string word = line[..line.IndexOf(' ', StringComparison.Ordinal)];
            if (!word.EndsWith(':'))
            {
                nuint[] ends = [.. word.Split('-').Select(w => nuint.Parse(w, System.Globalization.NumberStyles.HexNumber))];
                inside = ends[0] <= address && address < ends[1];
            }
            else if (inside)
            {
                found[word[..^1]] = line[word.Length..].Trim();
            }
        }

        return found;
    }

    private static int FreeHugePages() =>
        int.TryParse(File.Exists("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages") ? File.ReadAllText("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages") : "0", out int n) ? n : 0;
}
