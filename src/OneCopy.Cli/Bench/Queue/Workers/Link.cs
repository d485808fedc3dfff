using System.Diagnostics;

namespace OneCopy.Cli.Bench.Queue.Workers;

/// <summary>One process's end of a way to hand messages over: it sends, receives, or does both in turn.</summary>
internal abstract class Link : IDisposable
{
    /// <summary>What each byte of each message is; of what was not received, another.</summary>
    protected const byte Content = 0x3c;

    /// <summary>How the last message came, if the way has lanes.</summary>
    public virtual string? Lane => null;

    /// <summary>Waits for the other end, if it has to be waited for before the first message.</summary>
    public virtual void Meet()
    {
        // Most need not.
    }

    /// <summary>Hands over so many messages, one after the other.</summary>
    public abstract void Send(int count);

    /// <summary>Takes so many messages, each into the same memory of this process.</summary>
    public abstract void Receive(int count);

    /// <summary>Round trips, each with its time, in ticks of the clock.</summary>
    public virtual void Ask(long[] times, int from, int count)
    {
        for (int i = from; i < from + count; i++)
        {
            long start = Stopwatch.GetTimestamp();
            Send(1);
            Receive(1);
            times[i] = Stopwatch.GetTimestamp() - start;
        }
    }

    /// <summary>The other side of <see cref="Ask"/>.</summary>
    public virtual void Answer(int count)
    {
        for (int i = 0; i < count; i++)
        {
            Receive(1);
            Send(1);
        }
    }

    /// <summary>Looks whether what was sent last has arrived as it was.</summary>
    public virtual void Check()
    {
        // Some look at each message.
    }

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);
    protected static void Check(ReadOnlySpan<byte> received)
    {
        if (received.ContainsAnyExcept(Content))
            throw new IOException($"Byte {received.IndexOfAnyExcept(Content):N0} of {received.Length:N0} is not what was sent.");
    }
}
