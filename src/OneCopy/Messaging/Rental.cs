namespace OneCopy.Messaging;

/// <summary>
/// What stands behind a <see cref="SendBuffer"/>: its place, how much of it is written, and whether it is its renter's still. Used again for later buffers of the handle, so that renting allocates
/// nothing: each use has a version, by which what was handed out for an earlier one is told apart and refused. As long as it is in use it keeps the handle's file mapped.
/// </summary>
internal sealed unsafe class Rental(MessageQueue queue, Peer self)
{
    // A writer that does not say how much it wants gets at least this, as with ArrayBufferWriter.
    private const int DefaultHint = 256;

    // { version:63, taken:1 }: taken by a send, or not in use.
    private long _use = 1;
    private SendPlace _place;
    private TimeSpan? _timeout;
    private SendMemory? _memory;
    private int _written;
    private bool _isWriter;

    public long Version => Volatile.Read(ref _use) >> 1;

    public SendPlace Place => _place;

    public int WrittenCount => _written;

    /// <summary>What of it is the payload.</summary>
    public int SentLength => _isWriter ? _written : _place.Length;

    /// <summary>All of the place that it has now.</summary>
    public Memory<byte> Memory => (_memory ??= new SendMemory(this, _place)).Memory;

    /// <summary>A new use of one that is in none.</summary>
    public SendBuffer Start(SendPlace place, TimeSpan? timeout)
    {
        self.TryAddReference();
        _place = place;
        _timeout = timeout;
        _memory = null;
        _written = 0;
        _isWriter = false;

        // Release: whoever is handed this version finds what was written above.
        Volatile.Write(ref _use, (Version + 1) << 1);
        return new SendBuffer(this);
    }

    public void Check(long version) => ObjectDisposedException.ThrowIf(Volatile.Read(ref _use) != version << 1, typeof(SendBuffer));

    public void Take(MessageQueue by, long version)
    {
        if (by != queue)
            throw new ArgumentException("The buffer was rented from another handle.", nameof(by));
        ObjectDisposedException.ThrowIf(!TryTake(version), typeof(SendBuffer));
    }

    /// <summary>Sent, it is the queue's; if the send failed, its caller's again.</summary>
    public void EndSend(bool sent)
    {
        if (sent)
            Return();
        else
            Volatile.Write(ref _use, Version << 1);
    }

    public void Dispose(long version)
    {
        if (!TryTake(version))
            return;
        queue.Discard(_place.Block, _place.State);
        Return();
    }

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _place.Length - _written);
        _isWriter = true;
        _written += count;
    }

    public void MakeRoom(int sizeHint)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        _isWriter = true;
        if (_place.Length - _written >= Math.Max(sizeHint, 1))
            return;
        SendPlace larger = queue.TakeLargerPlace(_place.Length, _written + (long)Math.Max(sizeHint, DefaultHint), _timeout);
        Buffer.MemoryCopy((void*)_place.Memory, (void*)larger.Memory, larger.Length, _written);
        SendPlace before = _place;
        _place = larger;
        _memory = null;
        queue.Discard(before.Block, before.State);
    }

    /// <summary>Whether this is the memory of the place that the buffer has now.</summary>
    public bool Has(SendMemory memory) => Volatile.Read(ref _memory) == memory && (Volatile.Read(ref _use) & 1) == 0;

    private bool TryTake(long version) => Interlocked.CompareExchange(ref _use, (version << 1) | 1, version << 1) == version << 1;

    private void Return()
    {
        _memory = null;
        self.Release();
        queue.Return(this);
    }
}
