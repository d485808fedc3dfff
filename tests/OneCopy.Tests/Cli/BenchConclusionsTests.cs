using OneCopy.Cli.Bench.Files;
using OneCopy.Cli.Bench.Measuring;
using Xunit;

namespace OneCopy.Tests.Cli;

/// <summary>What the bench says of figures, with figures that are made up.</summary>
public class BenchConclusionsTests
{
    private const int Operations = 100;

    [Fact]
    public void TheFasterOneWinsByAsMuchAsItIsAndTheCountsAreTheReason()
    {
        string sentence = Assert.Single(Of(
            new Figure(Kind.RandomRead, Cold: false, 64, [Way("pread", seconds: 1.2, calls: Operations), Way("mapped span", seconds: 0.1, calls: 3)])));
        Assert.StartsWith("Random reads, warm, 64 bytes: mapped span, 12 times as fast as pread. ", sentence, StringComparison.Ordinal);
        Assert.Contains("The slowest, pread, lost 11.0 ms on each: it made 1.00 system calls, not 0.030", sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void WithTheFiguresTheOtherWayRoundTheOtherOneWins()
    {
        string sentence = Assert.Single(Of(
            new Figure(Kind.RandomRead, Cold: true, 64, [Way("pread", seconds: 0.1, stored: 4096), Way("mapped span", seconds: 0.9, stored: 262_144, faults: Operations)])));
        Assert.StartsWith("Random reads, cold, 64 bytes: pread, 9.0 times as fast as the next, mapped span. ", sentence, StringComparison.Ordinal);
        Assert.Contains("it had 262 kB fetched from storage, not 4.10 kB, took 1.00 page faults, not 0; most of the difference is waiting", sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void SizesWithTheSameWinnerAreOneSentenceAndWhatIsTooCloseIsNotToldApart()
    {
        IReadOnlyList<string> sentences = Of(
            new Figure(Kind.Copy, Cold: false, 4096, [Way("read-write", seconds: 1), Way("mapped", seconds: 2)]),
            new Figure(Kind.Copy, Cold: false, 8192, [Way("read-write", seconds: 1), Way("mapped", seconds: 0.98)]),
            new Figure(Kind.Copy, Cold: false, 16384, [Way("read-write", seconds: 3), Way("mapped", seconds: 1)]));
        Assert.Equal(2, sentences.Count);
        Assert.StartsWith("Copies, warm, 4 KiB to 8 KiB: read-write, at 8 KiB not told apart from mapped (within 5 %)", sentences[0], StringComparison.Ordinal);
        Assert.StartsWith("Copies, warm, 16 KiB: mapped, 3.0 times as fast as read-write", sentences[1], StringComparison.Ordinal);
    }

    [Fact]
    public void WhoDidPartOfTheWorkBeforeTheClockRanCannotWin()
    {
        string sentence = Assert.Single(Of(new Figure(
            Kind.RandomRead, Cold: false, 64, [Way("pread", seconds: 2), Way("mapped span", seconds: 1), Way("mapped before", seconds: 0.1, competes: false)])));
        Assert.Contains(": mapped span, 2.0 times as fast as pread", sentence, StringComparison.Ordinal);
    }

    private static IReadOnlyList<string> Of(params Figure[] figures) =>
        Conclusions.From(new FilesFindings(new FilesOptions("/", [4096], 1, Quick: false, Work.All, FilesOptions.WarmAndCold), figures, "", CountsAllSystemCalls: true, NoCold: null));

    private static Measured Way(string name, double seconds, long calls = 0, long faults = 0, long stored = 0, bool competes = true) =>
        new(name, Operations, Operations * 64, [new Sample(seconds, ProcessorSeconds: 0.01, 0, 0, faults, 0, calls, stored * Operations, QueuedSeconds: 0)], competes);
}
