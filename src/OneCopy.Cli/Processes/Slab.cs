namespace OneCopy.Cli.Processes;

/// <summary>Memory of a worker outside the garbage collector's, with every page there before anything is timed.</summary>
internal sealed class Slab : IDisposable
{
    // What a receiver's memory holds before a round; what did not arrive is not mistaken for the last round's.
    public const byte Untouched = 0xA5;

    private readonly MappedView _memory;

    /// <param name="length">Bytes.</param>
    /// <param name="hugePages">What a program asks for that cares for speed; false: as any allocator has it.</param>
    /// <param name="content">What each byte is.</param>
    public Slab(long length, bool hugePages = true, byte content = Untouched)
    {
        _memory = MappedView.CreateAnonymous(Math.Max(length, 1), new MapOptions { Sharing = MapSharing.Private });
        try
        {
            if (hugePages)
                _memory.Advise(MapAdvice.HugePage);
        }
        catch (OneCopyException)
        {
            // A kernel without them: a refusal costs nothing but speed.
        }

        Touch(content);
    }

    public long Length => _memory.Length;

    /// <summary>Writes to every byte, so that no page is made while the clock runs.</summary>
    public void Touch(byte content = Untouched)
    {
        for (long at = 0; at < Length; at += int.MaxValue)
            Span(at, (int)Math.Min(int.MaxValue, Length - at)).Fill(content);
    }

    public Span<byte> Span(long offset, int length) => _memory.GetSpan(offset, length);

    public Memory<byte> Memory(long offset, int length) => _memory.GetMemory(offset, length);

    public void Dispose() => _memory.Dispose();
}
