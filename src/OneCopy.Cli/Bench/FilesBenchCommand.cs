using System.CommandLine;
using OneCopy.Cli.Bench.Files;
using OneCopy.Cli.Bench.Measuring;
using OneCopy.Cli.Bench.Plot;
using OneCopy.Cli.Processes;
using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Bench;

/// <summary><c>onecopy bench files</c>.</summary>
internal static class FilesBenchCommand
{
    private const string DirectoryPrefix = ".onecopy-bench-";
    private const int LeastRounds = 1;
    private const long MostBytes = 64L << 30;

    public static Command Create()
    {
        Option<string?> directory = new("--dir") { Description = "Where the files are made and removed. [default: the current directory]", HelpName = "DIR" };
        Option<long[]> sizes = BenchArguments.Sizes("The sizes of the files, such as 64KiB,1MiB,1GiB. Reads are of a file of the largest.", 1, MostBytes, "a file");
        Option<int?> rounds = QueueArguments.Number("--rounds", "N", $"How often each is measured, in turn; medians count. [default: {FilesOptions.UsualRounds}]", LeastRounds);
        Option<bool> quick = new("--quick") { Description = "Smaller files and fewer reads: less than a minute." };
        Option<string?> only = new("--only") { Description = "Copies alone, or reads alone.", HelpName = "copy|read" };
        only.AcceptOnlyFromAmong("copy", "read");
        Option<string?> cache = new("--cache") { Description = "With the source in the page cache alone, or on storage alone.", HelpName = "warm|cold" };
        cache.AcceptOnlyFromAmong("warm", "cold");
        Option<string?> plot = new("--plot") { Description = "Draw the figures: throughput over size, a line for each way.", HelpName = "FILE.svg" };
        Option<bool> json = QueueArguments.Json();
        Command command = new TeachingCommand("files", "Compare the ways to copy and to read files: when which one wins, and why.", """
            Copies by read and write (in turn, and by two threads), vectored, mapped, copy_file_range (and clone, where the file system can), from 4 KiB to 1 GiB; random and sequential reads
            by pread, mapped span, safe mapped copy and others. With the source in the page cache (warm), and on storage alone (cold), where it is looked
            whether it really is. Each with the processor time, page faults and system calls of the thread that does it: a table, JSON, a plot, and what follows from them.
            Every way has its turn in every round. It needs room for about twice the largest size in DIR; its files are removed at the end.

            Examples:
              onecopy bench files
              onecopy bench files --quick --plot files.svg
              onecopy bench files --dir /data --size 4KiB,1MiB,256MiB --rounds 9 --only copy
              onecopy bench files --quick --json | jq -r .conclusions[]
            """)
        { directory, sizes, rounds, quick, only, cache, plot, json };
        command.SetAction(parsed => Outcome.Of(ct =>
        {
            bool isQuick = parsed.GetValue(quick);
            FilesOptions options = new(
                Path.GetFullPath(parsed.GetValue(directory) ?? "."),
                parsed.GetValue(sizes) is { Length: > 0 } chosen ? [.. chosen.Distinct().Order()] : isQuick ? FilesOptions.QuickSizes : FilesOptions.UsualSizes,
                parsed.GetValue(rounds) ?? FilesOptions.UsualRounds,
                isQuick,
                parsed.GetValue(only) switch { "copy" => Work.Copy, "read" => Work.Read, _ => Work.All },
                parsed.GetValue(cache) switch { "warm" => [false], "cold" => [true], _ => FilesOptions.WarmAndCold });
            return RunAsync(options, parsed.GetValue(plot), parsed.GetValue(json), ct);
        }));
        return command;
    }

    private static async Task<int> RunAsync(FilesOptions options, string? plot, bool json, CancellationToken ct)
    {
        if (!Directory.Exists(options.Directory))
            throw new DirectoryNotFoundException($"{options.Directory} is no directory.");
        FilesFindings findings = await Screen.WithProgressAsync("Starting", FilesBench.Steps(options), quiet: json, progress => Task.Factory.StartNew(
            () =>
            {
                using ScratchDirectory scratch = new(DirectoryPrefix, options.Directory);
                return new FilesBench(options, scratch.Path, progress, ct).Run();
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));
        Machine machine = Machine.Of(options.Directory);
        if (plot is not null)
            SvgChart.Write(FilesChart.Of(findings, machine), plot);
        if (json)
            Console.WriteLine(FilesReport.Json(findings, machine));
        else
            FilesTable.Write(findings, machine);
        if (plot is not null && !json)
            Console.WriteLine($"The plot is in {plot}.");
        return 0;
    }
}
