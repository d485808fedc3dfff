using OneCopy.Cli.Bench.Measuring;
using OneCopy.Cli.Bench.Queue;
using Xunit;

namespace OneCopy.Tests.Cli;

/// <summary>What the queue's bench says of figures, with figures that are made up.</summary>
public class BenchVerdictTests
{
    private const long MiB = 1 << 20;

    [Fact]
    public void TheBestOfThemIsWhatIsComparedWith()
    {
        Verdict verdict = Of("onecopy: throughput at 1 MiB",
            Throughput(Systems.OneCopy, MiB, 30), Throughput("ucx cma", MiB, 10), Throughput("ucx posix", MiB, 12), Throughput("openmpi", MiB, 9), Throughput("shm-ring", MiB, 100, Family.Peer));
        Assert.Equal((2.5, 2.0, true, true), (verdict.Ratio, verdict.Bound, verdict.AtLeast, verdict.Held));
        Assert.Equal("the best of UCX, Open MPI, ZeroMQ and Boost (ucx posix)", verdict.Against);
    }

    [Theory]
    [InlineData(20.0, true)]
    [InlineData(19.9, false)]
    public void ABoundThatIsReachedIsHeld(double own, bool held) =>
        Assert.Equal(held, Of("onecopy: throughput at 1 MiB", Throughput(Systems.OneCopy, MiB, own), Throughput("zeromq", MiB, 10)).Held);

    [Fact]
    public void LimitsAndWhatCopiesNothingAreNoPeersThatCopy()
    {
        Verdict verdict = Of("onecopy: throughput at 64 KiB",
            Throughput(Systems.OneCopy, 64 << 10, 11), Throughput("pipe", 64 << 10, 10), Throughput("memcpy", 64 << 10, 50, Family.Limit), Throughput("iceoryx in place", 64 << 10, 90, Family.PeerInPlace));
        Assert.Equal(1.1, verdict.Ratio!.Value, 1e-9);
        Assert.EndsWith("(pipe)", verdict.Against, StringComparison.Ordinal);
    }

    [Fact]
    public void AmongRoundTripsTheShortestIsTheBest()
    {
        Verdict verdict = Of("onecopy spin: round trip at 64 bytes", Trip(Systems.Spin, 64, 600), Trip("ucx cma", 64, 900), Trip("ucx posix", 64, 500));
        Assert.Equal((1.2, false, false), (verdict.Ratio, verdict.AtLeast, verdict.Held));
    }

    [Fact]
    public void InPlaceIsComparedWithItselfAndTimeForBytesWithTheRing()
    {
        Assert.True(Of("onecopy in place: round trip at 64 MiB", Trip(Systems.InPlace, 64 * MiB, 600), Trip(Systems.InPlace, 64, 100), Trip(Systems.InPlaceAgain, 64, 500)).Held);

        // Each has a second of processor time for 100 messages a second: 10 ms each, and the ring 20.
        Verdict verdict = Of("onecopy: processor time for each byte at 1 MiB", Throughput(Systems.OneCopy, MiB, 100), Throughput(Systems.Ring, MiB, 50));
        Assert.Equal((0.5, true), (verdict.Ratio, verdict.Held));
    }

    [Fact]
    public void WhatIsMissingIsSaid()
    {
        Verdict own = Of("onecopy: throughput at 16 MiB", Throughput("ucx cma", 16 * MiB, 10)), other = Of("onecopy: throughput at 16 MiB", Throughput(Systems.OneCopy, 16 * MiB, 10));
        Assert.Equal((null, "not measured", "onecopy was not measured at 16 MiB."), (own.Held, own.Outcome, own.Missing));
        Assert.Equal("the best of UCX, Open MPI, ZeroMQ and Boost was not measured.", other.Missing);
    }

    [Fact]
    public void OneWayThatAllocatesIsNotNone()
    {
        const string What = "Bytes allocated for each message, both sides";
        Assert.True(Of(What, Throughput(Systems.OneCopy, 64, 1), Throughput(Systems.Async, 64, 1)).Held);
        Verdict verdict = Of(What, Throughput(Systems.OneCopy, 64, 1), Throughput(Systems.Async, MiB, 1, allocated: 5));
        Assert.Equal((5.0, false), (verdict.Ratio, verdict.Held));
        Assert.Contains("5, onecopy async, throughput, 1 MiB", verdict.Against, StringComparison.Ordinal);

        // What is allocated once, among a hundred messages.
        verdict = Of(What, Throughput(Systems.Async, MiB, 1, allocated: 40, messages: 100));
        Assert.Equal((0.0, true), (verdict.Ratio, verdict.Held));
        Assert.Contains("0.4, onecopy async", verdict.Against, StringComparison.Ordinal);
    }

    [Fact]
    public void ManyProcessesAreComparedWithTwoAndTheDisturbedWithTheBusy()
    {
        Assert.Equal(0.5, Of("8 → 8 processes", Figure("8 → 8", QueueTest.Scaling, 64, 50), Figure("1 → 1", QueueTest.Scaling, 64, 100)).Ratio);
        Verdict verdict = Of("p99 of round trips", Figure(MixedSystem.BesideCopies, QueueTest.Mixed, 64, 1, p50: 100), Figure(MixedSystem.BesideMessages, QueueTest.Mixed, 64, 1, p50: 160), Figure(MixedSystem.Alone, QueueTest.Mixed, 64, 1, p50: 10));
        Assert.Equal((1.6, false), (verdict.Ratio, verdict.Held));
    }

    [Fact]
    public void FiguresAreMediansOfTheRounds()
    {
        QueueFigure figure = new(new Made("x", Family.Peer), QueueTest.Throughput, 100, new Taken<Exchange>([At(100), At(300), At(200)], null));
        Assert.Equal((200, 20_000, 1.0), (figure.MessagesPerSecond, figure.BytesPerSecond, figure.Spread));
        Assert.False(new QueueFigure(new Made("x", Family.Peer), QueueTest.Throughput, 100, new Taken<Exchange>([], "It is absent.")).IsMeasured);
    }

    [Fact]
    public void PercentilesAreOfTheSortedTimes()
    {
        double tick = 1e9 / System.Diagnostics.Stopwatch.Frequency;
        Percentiles times = Percentiles.Of([.. Enumerable.Range(1, 1000).Select(i => (long)i).Reverse()]);
        Assert.Equal(new Percentiles(500 * tick, 990 * tick, 999 * tick, 1000 * tick), times);
        Assert.Equal(new Percentiles(7 * tick, 7 * tick, 7 * tick, 7 * tick), Percentiles.Of([7]));
        Assert.Equal(default, Percentiles.Of([]));
    }

    [Theory]
    [InlineData(64, 5e6)]
    [InlineData(64, 1e3)]
    [InlineData(1L << 30, 5)]
    public void ATurnTakesTheTimeThatItShouldOrHasTheFewestMessages(long bytes, double rate)
    {
        Made system = new("x", Family.Peer) { Rate = rate };
        Pace pace = new(system, QueueTest.Throughput, bytes, 0.5, 6);
        pace.Turn(default);
        Exchange turn = pace.Turn(default);
        Assert.True(turn.Messages == pace.Least || turn.Seconds is > 0.45 and < 0.55, $"{turn}");
        Assert.InRange(system.Runs, 2, 8);
    }

    [Theory]
    [InlineData("ucx", "ucx posix", true)]
    [InlineData("ucx posix", "ucx posix", true)]
    [InlineData("UCX", "ucx cma", true)]
    [InlineData("limits", "memcpy-huge", true)]
    [InlineData("ucx posix", "ucx cma", false)]
    [InlineData("pipe", "System.IO.Pipes", false)]
    public void APeerIsNamedByItsNameOrTheFirstWordOfIt(string name, string system, bool named) => Assert.Equal(named, Systems.Names(name, system));

    /// <summary>A minute is promised: a quick run that is late gives its second rounds up, any other run none.</summary>
    [Theory]
    [InlineData(true, 2, 0, 1, 2)]
    [InlineData(true, 2, 0.5, 20, 2)]
    [InlineData(true, 2, 0.5, 40, 1)]
    [InlineData(true, 3, 0.5, 40, 3)]
    [InlineData(false, 5, 0.5, 4000, 5)]
    public void AQuickRunThatIsLateHasFewerRounds(bool quick, int rounds, double done, double seconds, int expected) =>
        Assert.Equal(expected, new QueueBenchOptions([64], rounds, quick, QueueWork.All, null, "/").RoundsAfter(done, seconds));

    private static Verdict Of(string what, params QueueFigure[] figures) =>
        Verdicts.From(new QueueFindings(new QueueBenchOptions([64], 1, Quick: true, QueueWork.All, null, "/"), figures, new Dictionary<string, string>(StringComparer.Ordinal), 1)).First(v => v.What.StartsWith(what, StringComparison.Ordinal));

    private static QueueFigure Throughput(string system, long bytes, double rate, Family? family = null, long allocated = 0, long messages = 1) =>
        Figure(system, QueueTest.Throughput, bytes, rate, family, allocated: allocated, messages: messages);

    private static QueueFigure Trip(string system, long bytes, double p50) => Figure(system, QueueTest.RoundTrip, bytes, 1, p50: p50);

    private static QueueFigure Figure(string system, QueueTest test, long bytes, double rate, Family? family = null, double p50 = 0, long allocated = 0, long messages = 1)
    {
        Family kind = family ?? (system.StartsWith("onecopy", StringComparison.Ordinal) ? Family.OneCopy : Family.Peer);
        Exchange exchange = new(messages, messages / rate, messages / rate, new Percentiles(p50, p50, p50, p50), kind == Family.OneCopy ? allocated : null);
        return new QueueFigure(new Made(system, kind), test, bytes, new Taken<Exchange>([exchange], null));
    }

    private static Exchange At(double rate) => new((long)rate, 1, 1, default);

    private sealed class Made(string name, Family family) : QueueSystem(name, family)
    {
        public double Rate { get; init; } = 1;

        public int Runs { get; private set; }

        public override bool Takes(QueueTest test, long bytes) => true;

        public override Exchange Run(QueueTest test, long bytes, long count, long warmUp, CancellationToken ct)
        {
            Runs++;
            return new Exchange(count, count / Rate, 0, default);
        }
    }
}
