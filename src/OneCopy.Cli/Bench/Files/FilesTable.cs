using OneCopy.Cli.Bench.Measuring;
using OneCopy.Cli.Terminal;
using Spectre.Console;

namespace OneCopy.Cli.Bench.Files;

/// <summary>The findings for people: a table for each kind of work and each state of the cache.</summary>
internal static class FilesTable
{
    private const double Disturbed = 0.05;

    public static void Write(FilesFindings findings, Machine machine)
    {
        Console.WriteLine($"{findings.Options.Directory}: {machine}. Medians of {Sizes.Count(findings.Options.Rounds, "round")}, in turn.");
        foreach (IGrouping<(Kind Kind, bool Cold), Figure> group in findings.Figures.GroupBy(f => (f.Kind, f.Cold)))
        {
            Console.WriteLine();
            Console.WriteLine(TitleOf(group.Key.Kind, group.Key.Cold, findings.Options));
            Screen.Write(TableOf(group.Key.Kind, [.. group]));
        }

        Console.WriteLine();
        foreach (Measured refused in findings.Figures.SelectMany(f => f.Ways).Where(w => w.Refusal is not null).DistinctBy(w => (w.Way, w.Refusal)))
            Console.WriteLine($"{refused.Way} was not measured: {refused.Refusal}");
        if (findings.NoCold is not null)
            Console.WriteLine($"Nothing was measured cold: {findings.NoCold}.");
        Console.WriteLine($"Processor time, system calls, page faults and bytes from storage are those of the measuring thread (of the whole process for parallel, which has two), for each {(findings.Options.Work == Work.Copy ? "file" : "file or read")}.");
        Console.WriteLine($"System calls: {findings.SystemCallSource}.");
        if (findings.QueuedShare > Disturbed)
            Console.WriteLine($"Other programs had the processors in {findings.QueuedShare:P0} of the time in which this could have run: throughputs are too low, and their spread wide. Processor times and counts hold.");
        Console.WriteLine();
        Console.WriteLine("What won, and why");
        foreach (string sentence in Conclusions.From(findings))
            Console.WriteLine("  " + sentence);
    }

    public static string TitleOf(Kind kind, bool cold, FilesOptions options) => (kind switch
    {
        Kind.Copy => "Copies",
        Kind.RandomRead => $"Random reads in a file of {Sizes.Binary(options.ReadFile)}",
        _ => $"Sequential reads of a file of {Sizes.Binary(options.ReadFile)}",
    }) + (cold ? ", cold (the source on storage alone)" : ", warm (the source in the page cache)");

    private static Table TableOf(Kind kind, Figure[] figures)
    {
        Table table = Screen.Table("Size", "Way", ">GB/s", kind == Kind.Copy ? ">Files/s" : ">Reads/s", ">Spread", ">CPU µs", ">Kernel", ">Calls", ">Faults", ">Storage");
        table.Columns[1].NoWrap();
        foreach (Figure figure in figures)
        {
            double fastest = figure.Ways.Where(w => w.Competes).Select(w => w.Seconds).DefaultIfEmpty().Min();
            foreach (Measured w in figure.Ways.Where(w => w.Refusal is null))
            {
                string[] cells =
                [
                    Sizes.Binary(figure.Size), w.Way, Amounts.Digits(w.BytesPerSecond / 1e9), Amounts.Digits(w.OperationsPerSecond), $"{w.Spread:P0}",
                    Each(w.ProcessorSeconds * 1e6), w.KernelShare is { } share ? $"{share:P0}" : "", Each(w.SystemCalls), Each(w.MinorFaults + w.MajorFaults),
                    w.BytesFromStorage == 0 ? "0" : Sizes.Text((long)((double)w.BytesFromStorage / w.Operations)),
                ];
                table.AddRow([.. cells.Select(c => w.Competes && w.Seconds <= fastest ? $"[bold]{Markup.Escape(c)}[/]" : Markup.Escape(c))]);

                string Each(double all) => Amounts.Digits(all / w.Operations);
            }

            if (figure != figures[^1])
                table.AddEmptyRow();
        }

        return table;
    }
}
