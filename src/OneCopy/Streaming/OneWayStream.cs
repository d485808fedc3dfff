namespace OneCopy.Streaming;

/// <summary>What both ends have in common: no position, no length, a time limit.</summary>
internal abstract class OneWayStream : Stream
{
    private int _timeout = Timeout.Infinite;

    public override bool CanRead => false;

    public override bool CanWrite => false;

    public override bool CanSeek => false;

    public override bool CanTimeout => true;

    public override long Length => throw new NotSupportedException("A stream through a queue has no length.");

    public override long Position
    {
        get => throw NoPosition();
        set => throw NoPosition();
    }

    /// <summary>Milliseconds that a synchronous call may take; -1: as many as it takes.</summary>
    protected int TimeLimit
    {
        get => _timeout;
        set
        {
            if (value is <= 0 and not Timeout.Infinite)
                throw new ArgumentOutOfRangeException(nameof(value), value, "Must be more than 0, or -1 for no limit.");
            _timeout = value;
        }
    }

    protected bool IsDisposed { get; private set; }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("This is the stream's writing end.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("This is the stream's reading end.");

    public override long Seek(long offset, SeekOrigin origin) => throw NoPosition();

    public override void SetLength(long value) => throw NoPosition();

    protected override void Dispose(bool disposing)
    {
        IsDisposed = true;
        base.Dispose(disposing);
    }

    protected void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(IsDisposed, this);

    protected long DeadlineOf() => Messaging.Deadline.After(TimeSpan.FromMilliseconds(_timeout));

    private static NotSupportedException NoPosition() => new("A stream through a queue has no position.");
}
