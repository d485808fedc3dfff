using System.Text.Json;
using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Copy;

/// <summary><c>--dry-run</c>: what would be tried for each file, and why. Nothing is written.</summary>
internal static class CopyPlan
{
    // A fragmented file may have very many; programs get them all.
    private const int MostExtents = 16;

    public static int Show(CopyTarget[] targets, FileCopyOptions options, bool json)
    {
        List<FileCopyPlan> plans = [];
        List<string> leftOut = [];
        List<ErrorJson> errors = [];
        foreach (CopyTarget target in targets.SelectMany(t => FilesOf(t, options, leftOut, errors)))
        {
            try
            {
                plans.Add(PlanOf(target, options));
            }
            catch (OneCopyException e)
            {
                errors.Add(new ErrorJson(target.Source, e.ErrnoName, e.Message));
            }
        }

        if (json)
            Console.WriteLine(JsonSerializer.Serialize(new PlanReport([.. plans.Select(Of)], leftOut, errors), CopyJson.Default.PlanReport));
        foreach (FileCopyPlan plan in json ? [] : plans)
            Write(plan);
        foreach (string path in json ? [] : leftOut)
            Console.WriteLine(Printable.Text(path));
        foreach (ErrorJson error in errors)
            Console.Error.WriteLine(Printable.Text(error.Error));
        return errors.Count == 0 ? 0 : Outcome.Failed;
    }

    /// <summary>In a directory that is yet to be made there is nothing; which file system it will be on, the nearest one above it that is there tells.</summary>
    private static FileCopyPlan PlanOf(CopyTarget target, FileCopyOptions options)
    {
        string? above = Path.GetDirectoryName(Path.GetFullPath(target.Destination));
        if (!target.IsInTree || above is null || Directory.Exists(above))
            return FileCopier.Plan(target.Source, target.Destination, options);
        while (above is not null && !Directory.Exists(above))
            above = Path.GetDirectoryName(above);
        string free = Path.Combine(above ?? "/", $".onecopy-plan-{Guid.NewGuid():N}");
        return FileCopier.Plan(target.Source, free, options) with { Destination = target.Destination };
    }

    /// <summary>The regular files; of the others it is said what they are, as they have no bytes to plan for.</summary>
    private static IEnumerable<CopyTarget> FilesOf(CopyTarget target, FileCopyOptions options, List<string> leftOut, List<ErrorJson> errors)
    {
        bool follow = options.Links == SymbolicLinks.Follow;
        if (!target.IsDirectory)
        {
            if (!follow && new FileInfo(target.Source).LinkTarget is { } to)
                leftOut.Add($"{target.Source} → {target.Destination}: a symbolic link to {to}, copied as one");
            else
                yield return target;
            yield break;
        }

        string[] entries;
        try
        {
            entries = Directory.GetFileSystemEntries(target.Source);
            Array.Sort(entries, StringComparer.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errors.Add(new ErrorJson(target.Source, null, e.Message));
            yield break;
        }

        foreach (CopyTarget file in entries.SelectMany(e => FilesOf(CopyTarget.Of(e, target.Destination, into: true, follow) with { IsInTree = true }, options, leftOut, errors)))
            yield return file;
    }

    private static void Write(FileCopyPlan plan)
    {
        string there = plan.DestinationExists ? plan.Skips ? " It is there already, and left alone." : " It is there already, and replaced." : "";
        Console.WriteLine(Printable.Text($"{plan.Source} → {plan.Destination}: {Sizes.Text(plan.Length)}, {Sizes.Text(plan.AllocatedBytes)} stored, {plan.SourceFileSystem} to {plan.DestinationFileSystem}.{there}"));
        Console.WriteLine($"    {CopyWords.Of(plan.Engine)}: {plan.Reason}");
        foreach (CopyExtent e in plan.Extents.Take(MostExtents))
            Console.WriteLine($"    {e.Offset,16:N0} + {e.Length,15:N0}  {CopyWords.Of(e.Kind)}{(e.Kind == CopyExtentKind.Data ? $"  {CopyWords.Of(e.Engine)}" : "")}{(e.Reason is null ? "" : $"  {e.Reason}")}");
        if (plan.Extents.Count > MostExtents)
            Console.WriteLine($"    … and {Sizes.Count(plan.Extents.Count - MostExtents, "more piece", "more pieces")}; --json has them all.");
    }

    private static PlanJson Of(FileCopyPlan p) => new(
        p.Source, p.Destination, p.Length, p.AllocatedBytes, p.SourceFileSystem, p.DestinationFileSystem, p.DestinationExists, p.Skips,
        CopyWords.Of(p.Engine), p.Reason, CopyReports.Of(p.Extents));
}
