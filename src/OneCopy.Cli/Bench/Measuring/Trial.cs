namespace OneCopy.Cli.Bench.Measuring;

/// <summary>One way to do a piece of work, which is done by several ways in turn.</summary>
internal abstract class Trial(string way)
{
    /// <summary>The way's name, in tables and legends.</summary>
    public string Way { get; } = way;

    /// <summary>False for one that has done a part of the work before the clock runs: it is shown, and cannot win.</summary>
    public virtual bool Competes => true;

    /// <summary>Whether other threads do a part of the work: then what the whole process uses is counted.</summary>
    public virtual bool HasThreads => false;

    /// <summary>Before each run, and not measured.</summary>
    public virtual void Prepare()
    {
        // Most need nothing.
    }

    /// <summary>What is measured.</summary>
    public abstract void Run();

    /// <summary>After each run, and not measured; also when the run failed.</summary>
    public virtual void TidyUp()
    {
        // Most leave nothing.
    }
}

/// <summary>The same work by several ways.</summary>
/// <param name="Title">For the progress bar.</param>
/// <param name="Operations">How many copies, reads or messages one run has.</param>
/// <param name="Bytes">How many bytes of payload.</param>
/// <param name="Trials">The ways.</param>
internal sealed record Contest(string Title, long Operations, long Bytes, IReadOnlyList<Trial> Trials);

/// <summary>A way that does not work here: its sentence is shown, and the others go on.</summary>
internal sealed class NotHereException(string reason) : Exception(reason);
