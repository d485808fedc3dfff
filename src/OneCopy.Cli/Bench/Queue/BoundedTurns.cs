using OneCopy.Cli.Bench.Measuring;

namespace OneCopy.Cli.Bench.Queue;

/// <summary>Processes that have turns. If one fails, or a turn does not end, all of them are killed, that way is out, and the next one gets new ones.</summary>
internal abstract class BoundedTurns : IDisposable
{
    /// <summary>Of one turn. It is made for a second.</summary>
    public static readonly TimeSpan Bound = TimeSpan.FromSeconds(100);

    /// <summary>Kills them; the next turn starts new ones.</summary>
    public abstract void Dispose();

    /// <summary>A turn's queue, at its end. If the turn failed it is still open, and why that failed is what is to be said; the root goes at the end in any case.</summary>
    protected static void Delete(string queue, string root)
    {
        try
        {
            MessageQueue.Delete(queue, root);
        }
        catch (OneCopyException)
        {
        }
    }

    /// <summary>Waits for a turn, on this thread.</summary>
    /// <param name="what">What is waited for, for the sentence that says that it did not come.</param>
    /// <param name="turn">The turn.</param>
    /// <param name="ct">Ends it.</param>
    /// <exception cref="NotHereException">It failed.</exception>
    protected Exchange Turn(string what, Func<CancellationToken, Task<Exchange>> turn, CancellationToken ct)
    {
        using CancellationTokenSource bounded = CancellationTokenSource.CreateLinkedTokenSource(ct);
        bounded.CancelAfter(Bound);
        try
        {
            return turn(bounded.Token).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            Dispose();
            throw new NotHereException($"{what} did not end within {Bound.TotalSeconds:0} seconds.");
        }
        catch (IOException e)
        {
            Dispose();
            ct.ThrowIfCancellationRequested();
            throw new NotHereException(e.Message);
        }
    }
}
