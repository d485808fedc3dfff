using System.Diagnostics;
using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Copy;

/// <summary>Copies one source after the other, and says at the end what became of them.</summary>
internal sealed class CopyRun(FileCopyOptions options, CopyProgress? progress, CancellationToken ct)
{
    private readonly List<FileCopyResult> _files = [];
    private readonly List<TreeCopyResult> _trees = [];
    private readonly List<ErrorJson> _errors = [];

    public static int Run(CopySettings settings) => Outcome.Of(ct => Task.FromResult(Run(settings, ct)));

    private static int Run(CopySettings settings, CancellationToken ct)
    {
        FileCopyOptions options = settings.Options;
        bool json = settings.Json;
        string destination = settings.Paths[^1];
        bool into = Directory.Exists(destination);
        if (!into && settings.Paths.Count > 2)
            throw new DirectoryNotFoundException($"{Printable.Text(destination)} is no directory, and {settings.Paths.Count - 1} sources need one: make it first.");
        CopyTarget[] targets = new CopyTarget[settings.Paths.Count - 1];
        for (int i = 0; i < targets.Length; i++)
            targets[i] = CopyTarget.Of(settings.Paths[i], destination, into, options.Links == SymbolicLinks.Follow);
        try
        {
            if (settings.DryRun)
                return CopyPlan.Show(targets, options, json);
            using CopyProgress? progress = json || Console.IsErrorRedirected ? null : new CopyProgress();
            return new CopyRun(options, progress, ct).Copy(targets, json);
        }
        catch (ArgumentException e)
        {
            // Options that each are right and together are not.
            Console.Error.WriteLine(e.Message.Split(" (Parameter")[0]);
            return Outcome.Usage;
        }
    }

    private int Copy(CopyTarget[] targets, bool json)
    {
        long start = Stopwatch.GetTimestamp();
        foreach (CopyTarget target in targets)
            Copy(target);
        progress?.Dispose();
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (json)
            CopyReports.WriteJson(_files, _trees, _errors, seconds);
        CopyReports.WriteRemarks(_files, _trees, _errors);
        if (!json && !Console.IsOutputRedirected)
            Console.WriteLine(CopyReports.Summary(_files, _trees, seconds));
        return _errors.Count == 0 ? 0 : Outcome.Failed;
    }

    private void Copy(CopyTarget target)
    {
        try
        {
            if (target.IsDirectory)
            {
                TreeCopyResult tree = FileCopier.CopyTree(target.Source, target.Destination, options, progress, ct);
                _trees.Add(tree);
                _errors.AddRange(tree.Failures.Select(f => new ErrorJson(f.Path, f.Error.ErrnoName, f.Error.Message)));
            }
            else
            {
                _files.Add(FileCopier.Copy(target.Source, target.Destination, options, progress, ct));
            }

            progress?.Next();
        }
        catch (OneCopyException e)
        {
            _errors.Add(new ErrorJson(target.Source, e.ErrnoName, e.Message));
        }
    }
}
