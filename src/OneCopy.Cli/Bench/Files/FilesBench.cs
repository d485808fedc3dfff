using OneCopy.Cli.Bench.Measuring;
using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Bench.Files;

/// <summary>One contest's outcome, and where it belongs in tables and plots.</summary>
/// <param name="Kind">What was done.</param>
/// <param name="Cold">Whether the source was on storage alone.</param>
/// <param name="Size">Bytes of each file copied, or of each read.</param>
/// <param name="Ways">The ways.</param>
internal sealed record Figure(Kind Kind, bool Cold, long Size, IReadOnlyList<Measured> Ways);

internal enum Kind
{
    Copy,
    RandomRead,
    SequentialRead,
}

/// <summary>Everything that a run of <c>bench files</c> found out.</summary>
internal sealed record FilesFindings(FilesOptions Options, IReadOnlyList<Figure> Figures, string SystemCallSource, bool CountsAllSystemCalls, string? NoCold)
{
    /// <summary>In what part of the measured time the measuring thread could have run, and had no processor.</summary>
    public double QueuedShare
    {
        get
        {
            Sample[] samples = [.. Figures.SelectMany(f => f.Ways).SelectMany(w => w.Samples)];
            double seconds = samples.Sum(s => s.Seconds);
            return seconds > 0 ? samples.Sum(s => s.QueuedSeconds) / seconds : 0;
        }
    }
}

/// <summary>Makes the files, runs the contests, removes the files.</summary>
internal sealed class FilesBench(FilesOptions options, string directory, Action<double, string?> progress, CancellationToken ct)
{
    private readonly List<Figure> _figures = [];
    private string? _noCold;

    /// <summary>The units that progress is told in.</summary>
    public static double Steps(FilesOptions options)
    {
        double copies = options.Work.HasFlag(Work.Copy) ? options.Sizes.Count * options.Caches.Count : 0;
        double reads = options.Work.HasFlag(Work.Read) ? (options.RandomLengths.Count + options.SequentialLengths.Count) * options.Caches.Count : 0;
        return copies + reads;
    }

    /// <summary>On the calling thread, which must do nothing else meanwhile: its counters are what is measured.</summary>
    public FilesFindings Run()
    {
        using Meter meter = new();
        _noCold = options.Caches.Contains(true) ? ColdProbe() : null;
        if (options.Work.HasFlag(Work.Copy))
        {
            foreach (long size in options.Sizes)
                Copies(meter, size);
        }

        if (options.Work.HasFlag(Work.Read))
            Reads(meter);
        return new FilesFindings(options, _figures, meter.SystemCallSource, meter.CountsAllSystemCalls, _noCold);
    }

    private string? ColdProbe()
    {
        using WorkFiles probe = WorkFiles.Make(directory, 1 << 20, 1, ct);
        return probe.Evict() is { } reason ? $"{reason}: this file system keeps its files in memory" : null;
    }

    private void Copies(Meter meter, long size)
    {
        int count = (int)Math.Clamp(options.BytesOfRound / Math.Max(size, 1), 1, options.MostFiles);
        progress(0, $"Making {Sizes.Count(count, "file")} of {Sizes.Binary(size)}");
        using WorkFiles files = WorkFiles.Make(directory, size, count, ct);
        foreach (bool cold in options.Caches)
        {
            if (cold && _noCold is not null)
            {
                progress(1, null);
                continue;
            }

            files.Warm();
            Contest contest = new($"Copy {Sizes.Binary(size)} {Cache(cold)}", count, size * count, CopyWays.Of(files, cold, ct));
            Hold(meter, contest, Kind.Copy, cold, size);
        }
    }

    private void Reads(Meter meter)
    {
        progress(0, $"Making a file of {Sizes.Binary(options.ReadFile)} to read");
        using WorkFiles file = WorkFiles.Make(directory, options.ReadFile, 1, ct);
        foreach (bool cold in options.Caches)
        {
            if (cold && _noCold is not null)
            {
                progress(options.RandomLengths.Count + options.SequentialLengths.Count, null);
                continue;
            }

            foreach (int length in options.RandomLengths)
                Read(meter, Kind.RandomRead, RandomOffsets(file.Size, length, options.RandomReads(length, cold)), file, length, cold);
            foreach (int length in options.SequentialLengths)
                Read(meter, Kind.SequentialRead, [.. Enumerable.Range(0, (int)(file.Size / length)).Select(i => (long)i * length)], file, length, cold);
        }
    }

    private void Read(Meter meter, Kind kind, long[] offsets, WorkFiles file, int length, bool cold)
    {
        if (!cold)
            file.Warm();
        string what = kind == Kind.RandomRead ? "Random reads of" : "Sequential reads of";
        Contest contest = new(
            $"{what} {Sizes.Binary(length)} {Cache(cold)}", offsets.Length, (long)offsets.Length * length, ReadWays.Of(new ReadPlan(file, offsets, length, cold), kind));
        Hold(meter, contest, kind, cold, length);
    }

    private void Hold(Meter meter, Contest contest, Kind kind, bool cold, long size)
    {
        double turn = 1.0 / InTurn.Turns(contest, options.Rounds);
        progress(0, contest.Title);
        _figures.Add(new Figure(kind, cold, size, InTurn.Run(contest, meter, options.Rounds, title => progress(turn, title), ct)));
    }

    private static string Cache(bool cold) => cold ? "cold" : "warm";

    /// <summary>Multiples of the length, so that a piece of 64 bytes is one line of the processor's cache; drawn with a fixed seed.</summary>
    private static long[] RandomOffsets(long fileLength, int length, int count)
    {
        Random random = new(20_250_101);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextInt64(fileLength / length) * length)];
    }
}
