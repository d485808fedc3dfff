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
    double BlockingPipeSeconds, double BlockingPipeGigabytesPerSecond, double TimesTheBlockingPipe,
    double ProcessorSeconds, double PipeProcessorSeconds, double BlockingPipeProcessorSeconds,
    LanesReport Lanes, long Moved, string? RefusedBecause, int Producers, int Consumers, int ProcessId,
    IReadOnlyList<double> RoundSeconds, IReadOnlyList<double> PipeRoundSeconds, IReadOnlyList<double> BlockingPipeRoundSeconds);

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
            tally.Queue.Seconds, Rate(tally, tally.Queue),
            tally.Pipe.Seconds, Rate(tally, tally.Pipe), Ratio(tally, tally.Pipe),
            tally.BlockingPipe.Seconds, Rate(tally, tally.BlockingPipe), Ratio(tally, tally.BlockingPipe),
            tally.Queue.ProcessorSeconds, tally.Pipe.ProcessorSeconds, tally.BlockingPipe.ProcessorSeconds,
            new LanesReport(Of(tally.Lanes.Inline), Of(tally.Lanes.Arena), Of(tally.Lanes.Attached)),
            tally.Moved, tally.Refusal, producers, consumers, Environment.ProcessId, tally.Queue.All, tally.Pipe.All, tally.BlockingPipe.All);
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
        AddLane(lanes, "attached", tally.Lanes.Attached, "copied once: from the producer's memory into the consumer's");
        Screen.Write(lanes);
        if (tally.Moved > 0)
        {
            Console.WriteLine($"{Sizes.Count(tally.Moved, "payload")} could not be copied out of the producer's memory and went through shared memory instead.");
            Console.WriteLine(tally.Refusal);
        }

        Console.WriteLine();
        Table times = Screen.Table("By", ">Milliseconds", ">GB/s", ">Queue is", ">Processor ms");
        AddTime(times, "OneCopy queue", tally, tally.Queue);
        AddTime(times, "named pipe", tally, tally.Pipe);
        AddTime(times, "named pipe, blocking calls", tally, tally.BlockingPipe);
        Screen.Write(times);
        Console.WriteLine("Timed is the hand-over alone, of files that are in the producers' memory, into memory that each consumer uses again for every file;");
        Console.WriteLine($"median of {Sizes.Count(tally.Queue.All.Count, "round")}, in turn. Loading and hashing are not timed. Memory in huge pages for both.");
        Console.WriteLine();
        Console.WriteLine(tally.IsGood
            ? $"SHA-256 is the same on both ends for {Sizes.Count(tally.Messages, "file")}, in a pass of its own by queue and by pipe; nothing lost, nothing twice in any."
            : $"FAILED: {tally.Mismatches} arrived with other bytes, {tally.Lost} did not arrive, {tally.Repeated} arrived more than once.");
    }

    private static double Ratio(DemoTally tally, Rounds other) => tally.Queue.Seconds > 0 ? other.Seconds / tally.Queue.Seconds : 0;

    private static double Rate(DemoTally tally, Rounds rounds) => Sizes.GigabytesPerSecond(tally.Bytes, rounds.Seconds);

    private static void AddLane(Table table, string name, LaneTraffic lane, string how) =>
        table.AddRow(name, $"{lane.Messages:N0}", Sizes.Text(lane.Bytes), how);

    private static void AddTime(Table table, string name, DemoTally tally, Rounds rounds) => table.AddRow(
        name, $"{rounds.Seconds * 1000:0.0}", $"{Rate(tally, rounds):0.00}",
        rounds == tally.Queue ? "" : $"{Ratio(tally, rounds):0.0} times as fast", $"{rounds.ProcessorSeconds * 1000:0.0}");
}
