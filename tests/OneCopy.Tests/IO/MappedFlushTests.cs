using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>What the kernel is asked to write out, seen from outside.</summary>
public sealed partial class MappedFlushTests : IDisposable
{
    private static readonly long s_page = Environment.SystemPageSize;
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>The framework's own MemoryMappedFile leaves out the last page here.</summary>
    [Theory]
    [InlineData(4000, 4096, 0, 4096, 0, 2)]
    [InlineData(4000, 4096, 96, 4000, 1, 1)]
    [InlineData(0, 8192, 4095, 2, 0, 2)]
    [InlineData(4100, 12000, 4000, 5, 0, 1)]
    [InlineData(4100, 12000, 11999, 1, 2, 1)]
    public async Task A_flush_covers_every_page_of_its_bytes(long offset, long length, long from, long count, long firstPage, long pages)
    {
        (nuint address, List<(nuint Address, long Length, string Flags)> calls) = await Trace(offset, length, from, count);
        nuint start = address - (nuint)(offset % s_page) + (nuint)(firstPage * s_page);
        Assert.Equal([(start, pages * s_page, "MS_SYNC"), (start, pages * s_page, "MS_ASYNC")], calls);
    }

    [Fact]
    public async Task Disposing_writes_nothing() => Assert.Empty((await Trace(4000, 4096, 0, -1)).Calls);

    private async Task<(nuint Address, List<(nuint Address, long Length, string Flags)> Calls)> Trace(params long[] numbers)
    {
        Requires.Program("strace", "-o", "/dev/null");
        string output = _folder.File("trace");
        using ChildProcess child = ChildProcess.StartProgram("strace", ["-f", "-qq", "-e", "trace=msync,fsync,fdatasync,sync_file_range,munmap", "-o", output,
            DotnetHost.Path, ChildProcess.TestProcessPath, "map-flush", _folder.Pattern(20_000), .. numbers.Select(n => n.ToString(CultureInfo.InvariantCulture))]);
        nuint address = nuint.Parse(await child.ReadLineAsync(), CultureInfo.InvariantCulture);
        child.Finish();
        string[] lines = File.ReadAllLines(output);
        nuint start = address & ~(nuint)(s_page - 1);
        Assert.Contains(lines, l => l.Contains($"munmap(0x{start:x},", StringComparison.Ordinal)); // The trace is one of ours.
        Assert.DoesNotContain(lines, l => l.Contains("fsync", StringComparison.Ordinal) || l.Contains("fdatasync", StringComparison.Ordinal));
        return (address, [.. lines.Select(l => Msync().Match(l)).Where(m => m.Success).Select(m =>
            (nuint.Parse(m.Groups["address"].Value, NumberStyles.HexNumber), long.Parse(m.Groups["length"].Value, CultureInfo.InvariantCulture), m.Groups["flags"].Value))]);
    }

    [GeneratedRegex(@"msync\(0x(?<address>[0-9a-f]+), (?<length>\d+), (?<flags>\w+)\)\s+= 0", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Msync();
}
