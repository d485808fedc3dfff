namespace OneCopy;

/// <summary>Counts for whoever wants to see how far a copy is; with nobody there, it costs nothing. Reports come one at a time, from the threads that copy.</summary>
internal sealed class CopyMeter(IProgress<FileCopyProgress>? progress)
{
    private readonly Lock _gate = new();
    private long _bytes;
    private long _total;
    private long _files;

    public bool IsWatched => progress is not null;

    public void Expect(long bytes)
    {
        if (progress is null)
            return;
        lock (_gate)
            _total += bytes;
    }

    public void Add(in CopyPath path, long bytes)
    {
        if (progress is null || bytes == 0)
            return;
        string text = path.ToString();
        lock (_gate)
        {
            _bytes += bytes;
            progress.Report(new FileCopyProgress(text, _bytes, Math.Max(_total, _bytes), _files));
        }
    }

    public void Done(in CopyPath path)
    {
        if (progress is null)
            return;
        string text = path.ToString();
        lock (_gate)
            progress.Report(new FileCopyProgress(text, _bytes, Math.Max(_total, _bytes), ++_files));
    }
}
