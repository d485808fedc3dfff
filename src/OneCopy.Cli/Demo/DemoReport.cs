using System.Text.Json;
using System.Text.Json.Serialization;
using OneCopy.Cli.Terminal;
using Spectre.Console;

namespace OneCopy.Cli.Demo;

internal sealed record LaneReport(long Messages, long Bytes);

internal sealed record LanesReport(LaneReport Inline, LaneReport Arena, LaneReport Attached);

/// <summary>The demo's result. Seconds and rates are the medians of the rounds; the lanes are those of one round.</summary>
internal sealed record DemoJsonReport(
    int Messages, long Bytes, int Mismatches, int Lost, int Repeated,
    double Seconds, double GigabytesPerSecond, double PipeSeconds, double PipeGigabytesPerSecond, double TimesThePipe,
    double ProcessorSeconds, double PipeProcessorSeconds,
    LanesReport Lanes, long Moved, string? RefusedBecause, int Producers, int Consumers, int ProcessId,
    IReadOnlyList<double> RoundSeconds, IReadOnlyList<double> PipeRoundSeconds);

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DemoJsonReport))]
internal sealed partial class DemoJson : JsonSerializerContext;

/// <summary>What the demo prints.</summary>
internal static class DemoReport
{
    public static void WriteJson(DemoTally tally, int producers, int consumers)
    {
        static LaneReport Of(LaneTraffic lane) => new(lane.Messages, lane.Bytes);
        DemoJsonReport report = new(
            tally.Messages, tally.Bytes, tally.Mismatches, tally.Lost, tally.Repeated,
            tally.QueueSeconds, Sizes.GigabytesPerSecond(tally.Bytes, tally.QueueSeconds),
            tally.PipeSeconds, Sizes.GigabytesPerSecond(tally.Bytes, tally.PipeSeconds), Ratio(tally),
            tally.QueueProcessorSeconds, tally.PipeProcessorSeconds,
            new LanesReport(Of(tally.Lanes.Inline), Of(tally.Lanes.Arena), Of(tally.Lanes.Attached)),
            tally.Moved, tally.Refusal, producers, consumers, Environment.ProcessId, tally.QueueRounds, tally.PipeRounds);
        Console.WriteLine(JsonSerializer.Serialize(report, DemoJson.Default.DemoJsonReport));
    }

    public static void WriteText(DemoTally tally, DemoPlan plan, int producers, int consumers)
    {
        Console.WriteLine($"{Sizes.Count(tally.Messages, "file")}, {Sizes.Text(tally.Bytes)}, from {plan.From}");
        Console.WriteLine($"handed over by {Sizes.Count(producers, "producer")} to {Sizes.Count(consumers, "consumer")}, each a process of its own.");
        Console.WriteLine();

        Table lanes = Screen.Table("Lane", ">Files", ">Bytes", "How");
        AddLane(lanes, "inline", tally.Lanes.Inline, "copied into the message's record");
        AddLane(lanes, "arena", tally.Lanes.Arena, "copied into shared memory, and out of it");
        AddLane(lanes, "attached", tally.Lanes.Attached, "copied once: by the consumer, out of the producer's memory");
        Screen.Write(lanes);
        if (tally.Moved > 0)
        {
            Console.WriteLine($"{Sizes.Count(tally.Moved, "payload")} could not be copied out of the producer's memory and went through shared memory instead.");
            Console.WriteLine(tally.Refusal);
        }

        Console.WriteLine();
        Table times = Screen.Table("By", ">Milliseconds", ">GB/s", ">Processor ms");
        AddTime(times, "OneCopy queue", tally.Bytes, tally.QueueSeconds, tally.QueueProcessorSeconds);
        AddTime(times, "named pipe", tally.Bytes, tally.PipeSeconds, tally.PipeProcessorSeconds);
        Screen.Write(times);
        Console.WriteLine($"The queue was {Ratio(tally):0.0} times as fast as the pipe, at {tally.QueueProcessorSeconds / Math.Max(tally.PipeProcessorSeconds, 1e-9):0%} of its processor time (that of all processes together).");
        Console.WriteLine("Timed is the hand-over alone, from the files in the producers' memory to the files in the consumers' memory; not timed are");
        Console.WriteLine($"loading, hashing and a first round to warm up. Median of {Sizes.Count(tally.QueueRounds.Count, "round")}, queue and pipe in turn.");
        Console.WriteLine();
        Console.WriteLine(tally.IsGood
            ? $"SHA-256 is the same on both ends for {Sizes.Count(tally.Messages, "file")} in each of {tally.Passes} passes: nothing lost, nothing twice."
            : $"FAILED: over {tally.Passes} passes, {tally.Mismatches} arrived with other bytes, {tally.Lost} did not arrive, {tally.Repeated} arrived more than once.");
    }

    private static double Ratio(DemoTally tally) => tally.QueueSeconds > 0 ? tally.PipeSeconds / tally.QueueSeconds : 0;

    private static void AddLane(Table table, string name, LaneTraffic lane, string how) =>
        table.AddRow(name, $"{lane.Messages:N0}", Sizes.Text(lane.Bytes), how);

    private static void AddTime(Table table, string name, long bytes, double seconds, double processor) =>
        table.AddRow(name, $"{seconds * 1000:0.0}", $"{Sizes.GigabytesPerSecond(bytes, seconds):0.00}", $"{processor * 1000:0.0}");
}
