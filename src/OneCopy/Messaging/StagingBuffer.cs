using OneCopy.Memory;

namespace OneCopy.Messaging;

/// <summary>
/// A handle's room for pieces on their way: its senders write there by ordinary copies, and it copies them from there to where they belong. A buffer of the process's pool, rented at the first use. For one copy at a time; who
/// finds it in use copies another way.
/// </summary>
internal sealed unsafe class StagingBuffer : IDisposable
{
    /// <summary>How many pieces are on their way at a time: one is being written, and one read.</summary>
    public const int Pieces = 2;

    /// <summary>Bytes. Both pieces stay in the second cache; a posting costs little beside one.</summary>
    public const int MaxPieceLength = 128 * 1024;

    private const int MinPieceLength = 32 * 1024;
    private const int Length = Pieces * MaxPieceLength;

    private PooledBuffer _rented;
    private PoolMapping? _mapping;
    private uint _rental;
    private int _isTaken;

    /// <summary>So that even the shortest has pieces to be copied at the same time. Whole pages.</summary>
    public static long PieceLength(long length) => Math.Clamp((length / 4) & ~4095L, MinPieceLength, MaxPieceLength);

    /// <summary>The buffer, to be returned. Null: it is in use, or there can be none here that others may map.</summary>
    public PoolMapping? TryTake()
    {
        if (Interlocked.Exchange(ref _isTaken, 1) != 0)
            return null;

        // What is shared no more (a sender was held up in a copy to it) is given back for another one.
        if (_mapping is null || _mapping.Name.IsNone)
            Rent();

        // Where there is none it stays taken, and is never asked for again: the next one would be no other.
        return _mapping;
    }

    public void Return() => Volatile.Write(ref _isTaken, 0);

    /// <summary>Nobody uses it, and nobody will.</summary>
    public void Dispose()
    {
        _mapping?.Unpin(_rental);
        _mapping = null;
        _rented.Dispose();
    }

    private void Rent()
    {
        Dispose();
        try
        {
            _rented = OneCopyMemoryPool.Shared.RentBuffer(Length);
            _mapping = SharedBuffers.TryPin(_rented.Pointer, Length, out _rental);
        }
        catch (Exception e) when (e is OneCopyException or OutOfMemoryException)
        {
            // No memory: there is another way.
        }

        if (_mapping is null)
            _rented.Dispose();
    }
}
