using System.Runtime.CompilerServices;
using System.Text.Json;
using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Copy;

/// <summary>What a copy did, for programs and for people.</summary>
internal static class CopyReports
{
    /// <summary>Not inlined, so that what writes JSON is loaded for JSON alone: a small copy is over sooner than that.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void WriteJson(IReadOnlyList<FileCopyResult> files, IReadOnlyList<TreeCopyResult> trees, IReadOnlyList<ErrorJson> errors, double seconds) =>
        Console.WriteLine(JsonSerializer.Serialize(
            new CopyReport([.. files.Select(Of)], [.. trees.Select(Of)], errors, Bytes(files, trees), seconds), CopyJson.Default.CopyReport));

    /// <summary>What failed, and what did not and is worth knowing; on standard error.</summary>
    public static void WriteRemarks(List<FileCopyResult> files, List<TreeCopyResult> trees, List<ErrorJson> errors)
    {
        foreach (ErrorJson error in errors)
            Console.Error.WriteLine(Printable.Text(error.Error));
        foreach (FileCopyResult file in files)
        {
            if (CopyWords.Of(file.SourceChange) is { } change)
                Console.Error.WriteLine(Printable.Text($"{file.Source} changed while it was copied: {change}."));
            if (file.MetadataLost.Count > 0)
                WriteLosses([.. file.MetadataLost.Select(l => new TreeMetadataLoss(file.Source, l))]);
        }

        foreach (TreeCopyResult tree in trees)
        {
            foreach (string path in tree.Changed)
                Console.Error.WriteLine(Printable.Text($"{path} changed while it was copied."));
            if (tree.MetadataLost.Count > 0)
                WriteLosses(tree.MetadataLost);
        }
    }

    public static IReadOnlyList<ExtentJson> Of(IReadOnlyList<CopyExtent> extents) =>
        [.. extents.Select(e => new ExtentJson(e.Offset, e.Length, CopyWords.Of(e.Kind), e.Kind == CopyExtentKind.Hole ? null : CopyWords.Of(e.Engine), e.Reason))];

    public static string Summary(IReadOnlyList<FileCopyResult> files, IReadOnlyList<TreeCopyResult> trees, double seconds)
    {
        long count = files.Count(f => !f.Skipped) + trees.Sum(t => t.Files);
        long bytes = Bytes(files, trees), skipped = files.Count(f => f.Skipped) + trees.Sum(t => t.Skipped);
        long holes = files.Sum(f => f.HoleBytes) + trees.Sum(t => t.HoleBytes);
        string[] engines = [.. files.SelectMany(f => f.Engines).Concat(trees.SelectMany(t => t.Engines).Where(e => e.Bytes > 0).Select(e => e.Engine)).Distinct().Select(CopyWords.Of)];
        List<string> parts = [$"{Sizes.Count(count, "file")}, {Sizes.Text(bytes)}"];
        if (holes > 0)
            parts.Add($"{Sizes.Text(holes)} of holes");
        if (skipped > 0)
            parts.Add($"{Sizes.Count(skipped, "file")} there already");
        if (files.Any(f => f.Verified))
            parts.Add("compared");
        return $"{string.Join(", ", parts)}, in {seconds:0.00} s ({Sizes.Text((long)(bytes / Math.Max(seconds, 1e-6)))}/s){(engines.Length > 0 ? $", by {string.Join(" and ", engines)}" : "")}.";
    }

    /// <summary>A sentence for each kind, and not for each file of a tree.</summary>
    private static void WriteLosses(IReadOnlyList<TreeMetadataLoss> losses)
    {
        foreach (var kind in losses.GroupBy(l => (l.Loss.Kind, l.Loss.Reason)))
        {
            MetadataLoss first = kind.First().Loss;
            int others = kind.Count() - 1;
            string more = others > 0 ? $" and {Sizes.Count(others, "other")}" : "";
            Console.Error.WriteLine(Printable.Text($"Not kept: {CopyWords.Of(first.Kind)}{(first.Name.Length > 0 ? $" {first.Name}" : "")} of {kind.First().Path}{more}: {first.Reason}"));
        }
    }

    private static long Bytes(IReadOnlyList<FileCopyResult> files, IReadOnlyList<TreeCopyResult> trees) => files.Sum(f => f.BytesCopied) + trees.Sum(t => t.BytesCopied);

    private static FileJson Of(FileCopyResult r) => new(
        r.Source, r.Destination, r.Skipped, r.Length, r.BytesCopied, r.HoleBytes, [.. r.Engines.Select(CopyWords.Of)], Of(r.Extents),
        CopyWords.Of(r.SourceChange), r.Verified, [.. r.MetadataLost.Select(l => Of(r.Source, l))], r.Elapsed.TotalSeconds);

    private static TreeJson Of(TreeCopyResult r) => new(
        r.Source, r.Destination, r.Files, r.Directories, r.SymbolicLinks, r.HardLinks, r.NamedPipes, r.Skipped, r.BytesCopied, r.HoleBytes,
        [.. r.Engines.Select(e => new EngineJson(CopyWords.Of(e.Engine), e.Files, e.Bytes))], r.Changed, [.. r.MetadataLost.Select(l => Of(l.Path, l.Loss))], r.Elapsed.TotalSeconds);

    private static LossJson Of(string path, MetadataLoss loss) => new(path, CopyWords.Of(loss.Kind), loss.Name, loss.Reason);
}
