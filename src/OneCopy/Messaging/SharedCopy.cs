namespace OneCopy.Messaging;

/// <summary>What one posting is copied from and to.</summary>
internal readonly unsafe struct PieceSource(Payload payload, int slot, ulong tag, int pieces, long pieceLength, long offset, byte* destination, long length)
{
    public readonly Payload Payload = payload;

    public int Slot => slot;

    public ulong Tag => tag;

    public int Pieces => pieces;

    public long PieceLength => pieceLength;

    /// <summary>Where in the payload it begins.</summary>
    public long Offset => offset;

    public byte* Destination => destination;

    public long Length => length;
}

/// <summary>
/// Threads of the pool that copy beside the receiver's own (<see cref="QueueOptions.CopyThreads"/>), one object for each slot of the postings, used again. The receiver's thread
/// waits for those that have begun, and not for those to which the pool gave no thread in time: they find that it has ended, or the next copy, and help with that.
/// </summary>
internal sealed class SharedCopy(MessageQueue queue) : IThreadPoolWorkItem
{
    // As many as the threads that are copying; Ended: none may begin.
    private const int Ended = int.MinValue;

    private PieceSource _source;
    private int _members = Ended;
    private int _underWay;
    private int _errno;

    /// <summary>Asks for so many threads.</summary>
    public void Begin(in PieceSource source, int threads)
    {
        _source = source;
        _errno = 0;

        // Full fence: who may begin sees what there is to copy.
        Interlocked.Exchange(ref _members, 0);
        for (int asked = Volatile.Read(ref _underWay); asked < threads; asked++)
        {
            Interlocked.Increment(ref _underWay);
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    /// <summary>None begins any more, and all have come to their end, which is one piece away. 0 or the errno of one.</summary>
    public int End()
    {
        SpinWait spin = default;
        while (Interlocked.CompareExchange(ref _members, Ended, 0) is not (0 or Ended))
            spin.SpinOnce();
        return _errno;
    }

    void IThreadPoolWorkItem.Execute()
    {
        Interlocked.Decrement(ref _underWay);
        if (!TryJoin())
            return;
        int errno = queue.PullPieces(_source, CancellationToken.None);
        if (errno != 0)
            Interlocked.CompareExchange(ref _errno, errno, 0);
        Interlocked.Decrement(ref _members);
    }

    private bool TryJoin()
    {
        while (true)
        {
            int seen = Volatile.Read(ref _members);
            if (seen < 0)
                return false;
            if (Interlocked.CompareExchange(ref _members, seen + 1, seen) == seen)
                return true;
        }
    }
}
