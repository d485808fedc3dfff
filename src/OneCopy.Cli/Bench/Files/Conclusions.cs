using OneCopy.Cli.Bench.Measuring;
using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Bench.Files;

/// <summary>What follows from the figures, in sentences. Everything in them is computed: nothing is known in advance.</summary>
internal static class Conclusions
{
    /// <summary>Ways whose medians differ by less are not told apart.</summary>
    private const double Same = 1.05;

    /// <summary>By how much a count must be larger to be named as a cause.</summary>
    private const double Notable = 1.5;

    public static IReadOnlyList<string> From(FilesFindings findings) =>
        [.. findings.Figures.GroupBy(f => (f.Kind, f.Cold)).SelectMany(g => Of(g.Key.Kind, g.Key.Cold, [.. g.OrderBy(f => f.Size)]))];

    private static IEnumerable<string> Of(Kind kind, bool cold, Figure[] figures)
    {
        string what = (kind switch { Kind.Copy => "Copies", Kind.RandomRead => "Random reads", _ => "Sequential reads" }) + (cold ? ", cold" : ", warm");
        Figure[] measured = [.. figures.Where(f => f.Ways.Count(w => w.Competes) > 1)];
        for (int from = 0, to; from < measured.Length; from = to)
        {
            string winner = Ranked(measured[from])[0].Way;
            for (to = from + 1; to < measured.Length && string.Equals(Ranked(measured[to])[0].Way, winner, StringComparison.Ordinal);)
                to++;
            yield return $"{what}, {SizesOf(measured[from..to])}: {Sentence(measured[from..to], winner)}";
        }
    }

    private static string Sentence(Figure[] figures, string winner)
    {
        string reference = figures[0].Ways[0].Way;
        List<string> parts = [winner];
        if (!string.Equals(winner, reference, StringComparison.Ordinal) && figures.All(f => Named(f, reference) is not null))
            parts.Add($"{Ratios(figures, winner, reference)} times as fast as {reference}");

        // Where a group of sizes is long, its last one stands for it.
        Measured[] ranked = Ranked(figures[^1]);
        string[] equals = [.. ranked[1..].Where(w => w.Seconds <= ranked[0].Seconds * Same).Select(w => w.Way)];
        string at = figures.Length > 1 ? $"at {Sizes.Binary(figures[^1].Size)} " : "";
        if (equals.Length > 0)
            parts.Add($"{at}not told apart from {string.Join(" and ", equals)} (within 5 %)");
        else if (!string.Equals(ranked[1].Way, reference, StringComparison.Ordinal) || string.Equals(winner, reference, StringComparison.Ordinal))
            parts.Add($"{at}{Amounts.Times(ranked[1].Seconds / ranked[0].Seconds)} times as fast as the next, {ranked[1].Way}");
        return $"{string.Join(", ", parts)}. {Why(ranked[0], ranked[^1])}";
    }

    /// <summary>What the slowest had to do that the fastest had not.</summary>
    private static string Why(Measured best, Measured last)
    {
        double lost = (last.Seconds - best.Seconds) / best.Operations;
        if (last.Seconds <= best.Seconds * Same)
            return "All ways are within 5 %.";
        List<string> causes = [];
        long bestFaults = best.MinorFaults + best.MajorFaults, lastFaults = last.MinorFaults + last.MajorFaults;
        if (last.BytesFromStorage > best.BytesFromStorage * Notable && last.BytesFromStorage > last.Operations * 512)
            causes.Add($"had {Sizes.Text(last.BytesFromStorage / last.Operations)} fetched from storage, not {Sizes.Text(best.BytesFromStorage / best.Operations)}");
        if (last.SystemCalls > best.SystemCalls * Notable && last.SystemCalls - best.SystemCalls >= last.Operations / 10)
            causes.Add($"made {Each(last, last.SystemCalls)} system calls, not {Each(best, best.SystemCalls)}");
        if (lastFaults > bestFaults * Notable && lastFaults - bestFaults >= last.Operations / 10)
            causes.Add($"took {Each(last, lastFaults)} page faults, not {Each(best, bestFaults)}");
        double processor = (last.ProcessorSeconds - best.ProcessorSeconds) / best.Operations;
        if (processor > lost / 2 || (causes.Count == 0 && last.ProcessorSeconds > best.ProcessorSeconds * Same))
            causes.Add($"needed {Amounts.Time(last.ProcessorSeconds / last.Operations)} of processor time{(last.KernelShare is { } kernel ? $" ({kernel:P0} of it in the kernel)" : "")}, not {Amounts.Time(best.ProcessorSeconds / best.Operations)}");
        double queued = (last.QueuedSeconds - best.QueuedSeconds) / best.Operations;
        string rest = processor > lost / 2 ? "" : queued > lost / 2 ? "; but most of the difference is waiting for a processor that other programs had" : "; most of the difference is waiting, not computing";
        string what = causes.Count == 0 ? "nothing that is counted explains it" : $"it {string.Join(", ", causes)}";
        return $"The slowest, {last.Way}, lost {Amounts.Time(lost)} on each: {what}{rest}.";
    }

    private static string Each(Measured w, double all) => Amounts.Digits(all / w.Operations);

    /// <summary>The fastest first; of those that are not told apart from it, the one that comes first in the tables.</summary>
    private static Measured[] Ranked(Figure figure)
    {
        Measured[] ranked = [.. figure.Ways.Where(w => w.Competes).OrderBy(w => w.Seconds)];
        Measured first = figure.Ways.First(w => w.Competes && w.Seconds <= ranked[0].Seconds * Same);
        return [first, .. ranked.Where(w => w != first)];
    }

    private static Measured? Named(Figure figure, string way) =>
        figure.Ways.FirstOrDefault(w => w.Refusal is null && string.Equals(w.Way, way, StringComparison.Ordinal));

    private static string Ratios(Figure[] figures, string winner, string reference)
    {
        string[] ratios = [.. figures.Select(f => Named(f, reference)!.Seconds / Named(f, winner)!.Seconds).Order().Select(Amounts.Times)];
        return string.Equals(ratios[0], ratios[^1], StringComparison.Ordinal) ? ratios[0] : $"{ratios[0]} to {ratios[^1]}";
    }

    private static string SizesOf(Figure[] figures) =>
        figures.Length == 1 ? Sizes.Binary(figures[0].Size) : $"{Sizes.Binary(figures[0].Size)} to {Sizes.Binary(figures[^1].Size)}";
}
