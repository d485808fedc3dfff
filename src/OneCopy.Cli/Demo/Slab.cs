namespace OneCopy.Cli.Demo;

/// <summary>Memory outside the garbage collector's, for the contents of a wave of files.</summary>
internal sealed class Slab : IDisposable
{
    // What a consumer's memory holds before a round; a file that did not arrive is not mistaken for the last round's.
    private const byte Untouched = 0xA5;

    private readonly MappedView _memory;

    public Slab(long length)
    {
        _memory = MappedView.CreateAnonymous(Math.Max(length, 1), new MapOptions { Sharing = MapSharing.Private });
        try
        {
            // What a program does that cares for speed; the queue and the pipe both profit.
            _memory.Advise(MapAdvice.HugePage);
        }
        catch (OneCopyException)
        {
            // A kernel without them: a refusal costs nothing but speed.
        }

        Touch();
    }

    public long Length => _memory.Length;

    /// <summary>Writes to every byte, so that no page is made while the clock runs.</summary>
    public void Touch()
    {
        for (long at = 0; at < Length; at += int.MaxValue)
            Span(at, (int)Math.Min(int.MaxValue, Length - at)).Fill(Untouched);
    }

    public Span<byte> Span(long offset, int length) => _memory.GetSpan(offset, length);

    public Memory<byte> Memory(long offset, int length) => _memory.GetMemory(offset, length);

    public void Dispose() => _memory.Dispose();
}
