using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Where attaching begins when nobody says it: measured once, kept, and believed only from a file that is sound.</summary>
public sealed class AttachThresholdTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string FilePath => Path.Combine(_folder.Path, "caches", "onecopy", "lane-costs");

    [Fact]
    public void What_was_measured_is_kept_for_the_next_process()
    {
        int measured = 0;
        using ManualResetEventSlim mayMeasure = new();
        AttachThreshold first = Of("this machine", () =>
        {
            mayMeasure.Wait(TimeSpan.FromSeconds(20));
            return Costs(16 << 10, ref measured);
        });
        Assert.Equal((AttachThreshold.Default, ThresholdSource.Default), (first.Bytes, first.Source)); // Nobody waits for it.
        mayMeasure.Set();
        Eventually.True(() => first.Bytes == 16 << 10, "the measurement is there");
        Assert.Equal(ThresholdSource.Measured, first.Source);
        Eventually.True(() => File.Exists(FilePath), "it is kept");

        AttachThreshold second = Of("this machine", () => Costs(64 << 10, ref measured));
        Assert.Equal((16 << 10, ThresholdSource.Cache), (second.Bytes, second.Source));
        Assert.Equal(first.Costs, second.Costs);
        Assert.Equal(1, measured);
        Assert.Equal("lane-costs", Path.GetFileName(Assert.Single(Directory.GetFiles(Path.GetDirectoryName(FilePath)!))));

        Assert.Null(new ThresholdCache(FilePath, "another machine").TryRead());
        Assert.True(second.Calibrate());
        Assert.Equal((64 << 10, ThresholdSource.Measured), (second.Bytes, second.Source));
        Assert.NotNull(new ThresholdCache(FilePath, "this machine").TryRead());
    }

    [Fact]
    public void A_file_that_is_not_sound_is_as_if_it_were_not_there()
    {
        int measured = 0;
        ThresholdCache cache = new(FilePath, "m");
        Assert.True(cache.TryWrite(Costs(16 << 10, ref measured)!));
        string sound = File.ReadAllText(FilePath);
        foreach (string damaged in new[]
        {
            "", "\0", sound[..^1], sound + "\n", sound[..(sound.Length / 2)], sound.Replace("4096", "4097", StringComparison.Ordinal), sound.Replace("4096 ", "4096 -", StringComparison.Ordinal),
            sound.Replace("\nm\n", "\nM\n", StringComparison.Ordinal), sound.Replace(" 1\n", " 2\n", StringComparison.Ordinal), sound.Replace("4096 ", "4096 99999999999999999999", StringComparison.Ordinal), new string('9', 100_000),
        })
        {
            File.WriteAllText(FilePath, damaged);
            Assert.Null(cache.TryRead());
        }

        File.WriteAllText(FilePath, sound);
        Assert.NotNull(cache.TryRead());
        File.SetUnixFileMode(FilePath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherWrite);
        Assert.Null(cache.TryRead());

        // By a link, a directory and a named pipe in its place: not read, not waited for, and replaced by the next measurement but for the directory.
        File.Move(FilePath, FilePath + ".sound");
        File.SetUnixFileMode(FilePath + ".sound", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.CreateSymbolicLink(FilePath, FilePath + ".sound");
        Assert.Null(cache.TryRead());
        File.Delete(FilePath);
        IO.CopyFolder.Run("mkfifo", FilePath);
        Assert.Null(cache.TryRead());
        Assert.True(cache.TryWrite(Costs(16 << 10, ref measured)!));
        Assert.NotNull(cache.TryRead());
        File.Delete(FilePath);
        Directory.CreateDirectory(FilePath);
        Assert.Null(cache.TryRead());
        Assert.False(cache.TryWrite(Costs(16 << 10, ref measured)!));
    }

    [Fact]
    public void Without_a_place_to_keep_it_each_process_measures()
    {
        int measured = 0;

        // A path that nobody can make: a file is where a directory would be. Root may write to read-only directories, so their mode would prove nothing.
        string file = Path.Combine(_folder.Path, "file");
        File.WriteAllText(file, "");
        foreach (string? path in new[] { null, Path.Combine(file, "onecopy", "lane-costs"), "/proc/onecopy/lane-costs" })
        {
            AttachThreshold threshold = new(new ThresholdCache(path, "m"), () => Costs(8 << 10, ref measured));
            Assert.Equal(AttachThreshold.Default, threshold.Bytes);
            Eventually.True(() => threshold.Bytes == 8 << 10, "the measurement is there");
        }

        Assert.Equal(3, measured);
    }

    [Fact]
    public void Where_it_cannot_be_measured_the_default_holds()
    {
        AttachThreshold threshold = Of("m", () => null);
        Assert.False(threshold.Calibrate());
        Assert.Equal((AttachThreshold.Default, ThresholdSource.Default), (threshold.Bytes, threshold.Source));
        Assert.False(File.Exists(FilePath));
    }

    [Fact]
    public void The_crossover_is_where_pulling_stays_cheaper_and_no_measurement_moves_it_further_than_it_may()
    {
        int measured = 0;
        Assert.Equal(AttachThreshold.Least, LaneCosts.Crossover(Costs(0, ref measured)));
        Assert.Equal(AttachThreshold.Most, LaneCosts.Crossover(Costs(1 << 30, ref measured)));
        Assert.Equal(64 << 10, LaneCosts.Crossover(Costs(64 << 10, ref measured)));

        // One outlier below does not count; one above does.
        LaneCost[] costs = Costs(64 << 10, ref measured)!;
        costs[0] = costs[0] with { OnePull = 1 };
        Assert.Equal(64 << 10, LaneCosts.Crossover(costs));
        costs[5] = costs[5] with { OnePull = int.MaxValue };
        Assert.Equal(AttachThreshold.Most, LaneCosts.Crossover(costs));
    }

    [Fact]
    public void This_machine_can_be_measured_in_moments()
    {
        LaneCost[] costs = LaneCosts.Measure()!;
        Assert.Equal(LaneCosts.Lengths, costs.Select(c => c.Bytes));
        Assert.All(costs, c => Assert.True(c.TwoCopies > 0 && c.OnePull > 0, $"{c}"));
        Assert.InRange(LaneCosts.Crossover(costs), AttachThreshold.Least, AttachThreshold.Most);
    }

    [Fact]
    public async Task A_number_that_is_asked_for_holds()
    {
        foreach ((long? asked, int length, bool attached) in new (long?, int, bool)[] { (5000, 5000, true), (5000, 4999, false), (200_000, 150_000, false), (null, AttachThreshold.Most, true), (null, AttachThreshold.Least - 1, false) })
        {
            using MessageQueue queue = MessageQueue.Open("q", new QueueOptions { Root = _folder.Path, AttachThreshold = asked });
            Task sent = queue.SendAsync(new byte[length], cancellationToken: TestContext.Current.CancellationToken).AsTask();
            using ReceivedMessage message = queue.Receive(TimeSpan.FromSeconds(10));
            Assert.Equal(attached ? Lane.Attached : Lane.Arena, message.Lane);
            message.Complete();
            await sent;
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => MessageQueue.Open("q", new QueueOptions { Root = _folder.Path, AttachThreshold = -1 }));
    }

    private AttachThreshold Of(string machine, Func<LaneCost[]?> measure) => new(new ThresholdCache(FilePath, machine), measure);

    /// <summary>Pulling is cheaper from this length on.</summary>
    private static LaneCost[] Costs(int from, ref int measured)
    {
        Interlocked.Increment(ref measured);
        return [.. LaneCosts.Lengths.Select(l => new LaneCost(l, 100, l < from ? 200 : 50))];
    }
}
