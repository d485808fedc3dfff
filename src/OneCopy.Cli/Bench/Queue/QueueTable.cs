using OneCopy.Cli.Bench.Measuring;
using OneCopy.Cli.Terminal;
using Spectre.Console;

namespace OneCopy.Cli.Bench.Queue;

/// <summary>The findings for people: a table for each test, and what follows.</summary>
internal static class QueueTable
{
    public static void Write(QueueFindings findings, Machine machine)
    {
        Console.WriteLine(
            $"{machine.Processor}, {machine.Processors} processors, Linux {machine.Kernel}, {machine.Runtime}. "
            + $"Medians of {findings.RoundsText}, in turn. It took {Amounts.Time(findings.Seconds)}.");
        foreach (QueueTest test in Enum.GetValues<QueueTest>())
        {
            QueueFigure[] figures = [.. findings.Figures.Where(f => f.Test == test && f.IsMeasured)];
            if (figures.Length == 0)
                continue;
            Console.WriteLine();
            Console.WriteLine(TitleOf(test));
            Screen.Write(test switch
            {
                QueueTest.Throughput => Throughput(figures),
                QueueTest.Scaling => Crowds(figures),
                _ => RoundTrips(figures),
            });
        }

        Console.WriteLine();
        WriteMissing(findings);
        Console.WriteLine(
            "CPU is the processor time of all processes, waiting included, for each message and each byte of payload. "
            + "Alloc is what OneCopy's processes take from the garbage collector for each message, in bytes.");
        Console.WriteLine();
        WriteConclusions(Verdicts.From(findings));
    }

    private static void WriteConclusions(IReadOnlyList<Verdict> verdicts)
    {
        Console.WriteLine("What is to be reached, and whether this run shows it");
        if (verdicts.Any(v => v.Held is not null))
            Screen.Write(Conclusions(verdicts));
        foreach (Verdict v in verdicts.Where(v => v.Held is null))
            Console.WriteLine($"Not measured: {v.What}, against {v.Against}, {v.BoundText}. {v.Missing}");
    }

    private static string TitleOf(QueueTest test) => test switch
    {
        QueueTest.Throughput => "Throughput: one process sends, another has each message in its own memory",
        QueueTest.RoundTrip => "Round trip: a message there and one of the same size back, one at a time",
        QueueTest.Scaling => $"Scaling: so many processes send → so many receive, through one queue; a slow one keeps each message for {Workers.Crowd.SlowMilliseconds} ms",
        _ => "Mixed: round trips of small messages, beside other processes that move large amounts of memory",
    };

    private static void WriteMissing(QueueFindings findings)
    {
        foreach (IGrouping<string, QueueFigure> reason in findings.Figures.Where(f => f.Refusal is not null).GroupBy(f => f.Refusal!, StringComparer.Ordinal))
        {
            string systems = string.Join(", ", reason.Select(f => f.System.Name).Distinct(StringComparer.Ordinal));
            bool everywhere = reason.All(f => !findings.Figures.Any(o => o.System == f.System && o.IsMeasured));
            string where = everywhere ? "" : " with " + string.Join(", ", reason.Select(f => Sizes.Binary(f.Bytes)).Distinct(StringComparer.Ordinal));
            Console.WriteLine($"{systems}{where}: {reason.Key}");
        }
    }

    private static Table Throughput(QueueFigure[] figures)
    {
        Table table = Screen.Table("Size", "System", "Lane", ">Messages/s", ">GB/s", ">Spread", ">CPU µs", ">CPU ns/byte", ">Alloc");
        Fill(table, figures, f => f.MessagesPerSecond, f =>
        [
            Amounts.Digits(f.MessagesPerSecond), f.Bytes == 0 ? "" : Amounts.Digits(f.BytesPerSecond / 1e9), $"{f.Spread:P0}", .. Costs(f),
        ]);
        return table;
    }

    private static Table RoundTrips(QueueFigure[] figures)
    {
        Table table = Screen.Table("Size", "System", "Lane", ">p50", ">p99", ">p99.9", ">Max", ">Spread", ">CPU µs", ">CPU ns/byte", ">Alloc");
        Fill(table, figures, f => -f.Times.P50, f =>
        [
            Time(f.Times.P50), Time(f.Times.P99), Time(f.Times.P999), Time(f.Times.Most), $"{f.Spread:P0}", .. Costs(f),
        ]);
        return table;

        static string Time(double nanoseconds) => Amounts.Time(nanoseconds / 1e9);
    }

    /// <summary>The first is what the others are compared with.</summary>
    private static Table Crowds(QueueFigure[] figures)
    {
        Table table = Screen.Table("Processes", ">Messages/s", $">of {figures[0].System.Name}", ">Spread", ">CPU µs", ">Alloc");
        foreach (QueueFigure f in figures)
        {
            string[] costs = Costs(f);
            string part = $"{f.MessagesPerSecond / figures[0].MessagesPerSecond:P0}";
            table.AddRow([.. ((string[])[f.System.Name, Amounts.Digits(f.MessagesPerSecond), part, $"{f.Spread:P0}", costs[0], costs[2]]).Select(Markup.Escape)]);
        }

        return table;
    }

    private static string[] Costs(QueueFigure f) =>
    [
        Amounts.Digits(f.ProcessorSecondsPerMessage * 1e6), f.ProcessorSecondsPerByte is { } each ? Amounts.Digits(each * 1e9) : "", f.AllocatedPerMessage is { } bytes ? Amounts.Digits(bytes) : "",
    ];

    private static void Fill(Table table, QueueFigure[] figures, Func<QueueFigure, double> good, Func<QueueFigure, string[]> cells)
    {
        table.Columns[1].NoWrap();
        IGrouping<long, QueueFigure>[] sizes = [.. figures.GroupBy(f => f.Bytes)];
        foreach (IGrouping<long, QueueFigure> size in sizes)
        {
            // What does not hand over a message, or copies none of it, has no part in the contest.
            double best = size.Where(f => Competes(f)).Select(good).DefaultIfEmpty(double.MaxValue).Max();
            foreach (QueueFigure f in size)
            {
                string style = Competes(f) && good(f) >= best ? "bold" : f.System.Family == Family.Limit ? "dim" : "default";
                table.AddRow([.. ((string[])[Sizes.Binary(f.Bytes), f.System.Name, f.Lane ?? "", .. cells(f)]).Select(c => $"[{style}]{Markup.Escape(c)}[/]")]);
            }

            if (size != sizes[^1])
                table.AddEmptyRow();
        }
    }

    private static bool Competes(QueueFigure f) => f.System.Family is Family.OneCopy or Family.Peer && f.System.Name is not Systems.InPlace;

    private static Table Conclusions(IReadOnlyList<Verdict> verdicts)
    {
        Table table = Screen.Table("What", "Against", ">Ratio", ">Rounds", "To be", "This run");
        foreach (Verdict v in verdicts.Where(v => v.Held is not null))
            table.AddRow(Markup.Escape(v.What), Markup.Escape(v.Against), $"{v.Ratio:0.00}", v.RangeText, v.BoundText, $"[{(v.Held is true ? "green" : "red")}]{v.Outcome}[/]");
        return table;
    }
}
