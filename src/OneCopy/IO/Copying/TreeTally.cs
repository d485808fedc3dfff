using System.Runtime.InteropServices;

namespace OneCopy;

/// <summary>Memory that a thread lists directories with.</summary>
internal sealed unsafe class TreeRoom : IDisposable
{
    public const int EntriesLength = 64 << 10;

    public byte* Entries { get; private set; } = (byte*)NativeMemory.Alloc(EntriesLength);

    public void Dispose()
    {
        NativeMemory.Free(Entries);
        Entries = null;
    }
}

/// <summary>What a thread did; the sums of all are the result's.</summary>
internal sealed class TreeTally
{
    private readonly Lock _gate = new();
    private readonly (long Files, long Bytes)[] _engines = new (long, long)[(int)CopyEngine.ReadWrite + 1];

    public long Files { get; private set; }

    public long Directories { get; set; }

    public long SymbolicLinks { get; set; }

    public long HardLinks { get; set; }

    public long NamedPipes { get; set; }

    public long Skipped { get; set; }

    public long Bytes { get; private set; }

    public long Holes { get; private set; }

    public List<string> Changed { get; } = [];

    public List<TreeCopyFailure> Failures { get; } = [];

    public List<TreeMetadataLoss> Losses { get; } = [];

    public IReadOnlyList<EngineShare> Engines =>
        [.. _engines.Select((share, engine) => new EngineShare((CopyEngine)engine, share.Files, share.Bytes)).Where(share => share.Files > 0)];

    public void Fail(string path, OneCopyException error) => Failures.Add(new TreeCopyFailure(path, error));

    public void Lose(string path, List<MetadataLoss> losses)
    {
        foreach (MetadataLoss loss in losses)
            Losses.Add(new TreeMetadataLoss(path, loss));
    }

    public void Lose(in CopyPath path, List<MetadataLoss> losses)
    {
        if (losses.Count > 0)
            Lose(path.ToString(), losses);
    }

    /// <summary>A file.</summary>
    public void Add(in CopyOutcome outcome, CopyWorker worker, in CopyPath path)
    {
        if (outcome.Skipped)
        {
            Skipped++;
            return;
        }
        Files++;
        Bytes += outcome.Data;
        Holes += outcome.Length - outcome.Data;
        if (outcome.Change != SourceChange.None)
            Changed.Add(path.ToString());
        Lose(path, worker.Metadata.Losses);
        int counted = 0;
        foreach (CopyExtent extent in worker.Extents)
        {
            if (extent.Kind != CopyExtentKind.Data)
                continue;
            ref (long Files, long Bytes) share = ref _engines[(int)extent.Engine];
            share.Bytes += extent.Length;
            if ((counted & (1 << (int)extent.Engine)) == 0)
                share.Files++;
            counted |= 1 << (int)extent.Engine;
        }
    }

    /// <summary>Another thread's.</summary>
    public void Add(TreeTally other)
    {
        lock (_gate)
        {
            Files += other.Files;
            Directories += other.Directories;
            SymbolicLinks += other.SymbolicLinks;
            HardLinks += other.HardLinks;
            NamedPipes += other.NamedPipes;
            Skipped += other.Skipped;
            Bytes += other.Bytes;
            Holes += other.Holes;
            Changed.AddRange(other.Changed);
            Failures.AddRange(other.Failures);
            Losses.AddRange(other.Losses);
            for (int i = 0; i < _engines.Length; i++)
            {
                _engines[i].Files += other._engines[i].Files;
                _engines[i].Bytes += other._engines[i].Bytes;
            }
        }
    }
}
