using System.Globalization;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>
/// Thousands of corruptions of the files of a live queue, in a process of its own: it may report what it finds, and nothing else.
/// <c>ONECOPY_FUZZ</c> says how many, <c>ONECOPY_FUZZ_SEED</c> with which seed.
/// </summary>
public sealed class FuzzTests : IDisposable
{
    private const int Usual = 2_000;
    private static readonly TimeSpan s_noProgress = TimeSpan.FromMinutes(1);
    private readonly TestRoot _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public async Task A_queue_whose_files_are_damaged_while_it_is_used_reports_it_or_goes_on()
    {
        int count = Setting("ONECOPY_FUZZ", Usual);
        int seed = Setting("ONECOPY_FUZZ_SEED", Random.Shared.Next(100_000));
        Directory.CreateDirectory(_root.Path);
        using ChildProcess fuzz = ChildProcess.Start(
            "queue-fuzz", _root.Path, seed.ToString(CultureInfo.InvariantCulture), count.ToString(CultureInfo.InvariantCulture));
        string line;
        do
        {
            line = await fuzz.ReadLineAsync(s_noProgress);
        }
        while (line.StartsWith("at ", StringComparison.Ordinal));
        TestContext.Current.TestOutputHelper!.WriteLine(line);
        Assert.StartsWith($"fuzzed {count} ", line, StringComparison.Ordinal);
        Assert.Contains("QueueCorruptException", line, StringComparison.Ordinal); // It did some harm.
        fuzz.Finish();
    }

    private static int Setting(string name, int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out int value) ? value : usual;
}
